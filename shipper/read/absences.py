"""Files that are gone: what was unread of them is told, and after a long time they are forgotten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from shipper.events_log import EventsLog
from shipper.records import Mark, MarkKind

LOOK_EVERY = 3600.0
"""Seconds between two looks for files that are gone: it means asking for every row."""


class Place(Protocol):
    """Where a row's file was last seen."""

    @property
    def id(self) -> int:
        """The row."""

    @property
    def input(self) -> str:
        """Its input."""

    @property
    def device(self) -> int:
        """With the inode, the file."""

    @property
    def inode(self) -> int:
        """With the device, the file."""

    @property
    def path(self) -> str:
        """Its name when it was last seen."""

    @property
    def offset(self) -> int:
        """The checkpoint."""

    @property
    def unread(self) -> int:
        """Bytes beyond the checkpoint when it was last seen."""

    @property
    def gone(self) -> bool:
        """Whether it was missed before."""

    @property
    def told(self) -> bool:
        """Whether what was unread is recorded as lost already."""


class Rows(Protocol):
    """What the state knows of where files were; the state implements it."""

    def places(self) -> Sequence[Place]:
        """Every row's file."""

    def note(self, missed: Collection[int], back: Collection[int], now: float) -> None:
        """Record which rows' files are gone from now on, and which are there again."""

    def forget(self, before: float) -> int:
        """Drop the rows of contents all of whose files are gone since a moment or longer; how many rows."""


class Marks(Protocol):
    """Where losses are recorded; the state implements it."""

    def mark(self, file: int, marks: Sequence[Mark]) -> None:
        """Record decisions, durably."""


class Absences:
    """Looks, at the start and now and then, which of the known files are gone."""

    def __init__(
        self, rows: Rows, marks: Marks, inputs: Collection[str], forget_after: float, events: EventsLog
    ) -> None:
        self._rows = rows
        self._marks = marks
        self._inputs = inputs
        self._forget_after = forget_after
        self._events = events
        self._looked_at: float | None = None

    def look(self, present: Collection[tuple[str, int, int]], now: float) -> None:
        """Compare the rows with the files that are there or open, by (input, device, inode). `now` since the epoch.

        What is unread of a file that is gone is recorded as lost. It is told as such only as long as no copy of the
        file, and no return of it, brought these bytes: so it may be recorded early.
        """
        first = self._looked_at is None
        if self._looked_at is not None and 0 <= now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        places = [place for place in self._rows.places() if place.input in self._inputs]
        # An inode is used again: of the rows that had it, the newest stands for the file that has it now.
        newest = {_key(place): place.id for place in sorted(places, key=lambda place: place.id)}
        absent = [place for place in places if _key(place) not in present or newest[_key(place)] != place.id]
        missed = [place.id for place in absent if not place.gone]
        back = {place.id for place in places if place.gone}.difference(place.id for place in absent)
        self._rows.note(missed, back, now)
        for place in absent:
            # While an agent runs, what it read last may not be settled yet: a look later it is.
            if place.unread and not place.told and (first or place.gone):
                self._lost(place)
        forgotten = self._rows.forget(now - self._forget_after)
        if forgotten:
            self._events.info("files_forgotten", files=forgotten)

    def _lost(self, place: Place) -> None:
        self._marks.mark(place.id, [Mark(place.offset, MarkKind.GAP, f"gone:{place.unread}")])
        self._events.warning("file_gone", path=place.path, position=place.offset, unread=place.unread)


def _key(place: Place) -> tuple[str, int, int]:
    """Input, device and inode."""
    return (place.input, place.device, place.inode)
