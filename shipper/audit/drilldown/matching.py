"""The words in which a file's events are compared with the index's documents. Values only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.records import Stored, Tally
from shipper.wording import counted


class DiskEvent(NamedTuple):
    """An event on disk, without its content."""

    id: str
    offset: int
    tally: Tally
    line: int
    """1-based number of its first line."""

    @property
    def end(self) -> int:
        """Offset after its last line."""
        return self.offset + self.tally.bytes


class Changed(NamedTuple):
    """An event and the document that stands in its place with another content."""

    event: DiskEvent
    document: Stored

    def difference(self) -> str:
        """What differs, in words."""
        disk, index = self.event.tally, self.document.tally
        name = f"{self.document.id} in {self.document.place}"
        if (disk.lines, disk.bytes) != (index.lines, index.bytes):
            return (
                f"{counted(disk.lines, 'line')} of {counted(disk.bytes, 'byte')} on disk, "
                f"{counted(index.lines, 'line')} of {counted(index.bytes, 'byte')} in document {name}"
            )
        if disk != index:
            what = "line" if disk.lines < 2 else "lines"
            return f"the hash of the {what} on disk is not the one that document {name} records"
        return f"document {name} records offset {self.document.offset} instead of {self.event.offset}"


class Surplus(NamedTuple):
    """A document without an event."""

    document: Stored
    place: int
    """Offset on today's disk where it would stand."""
    removed: bool
    """Whether the file was edited there, so that a line is gone from it."""


@dataclass(slots=True)
class Matching:
    """What became of each event and each document."""

    stored: dict[str, Stored] = field(default_factory=dict)
    """Documents by the id that their event has on disk; the document's own id differs after an edit."""
    changed: list[Changed] = field(default_factory=list)
    absent: list[DiskEvent] = field(default_factory=list)
    surplus: list[Surplus] = field(default_factory=list)
    twice: list[Stored] = field(default_factory=list)
    """Further documents of the same id, in another index."""
    added: set[str] = field(default_factory=set)
    """Ids of absent events that stand where the file was edited."""
    moved: dict[str, int] = field(default_factory=dict)
    """By id of an absent event after an edit: the offset that it had, or would have had, before."""
    edited_at: int | None = None
    """Offset on disk from which on ids no longer agree; of an event that was edited after its first line, its own."""


def adjacent(events: Sequence[DiskEvent]) -> Iterator[Sequence[DiskEvent]]:
    """Ascending events, together as far as each begins where the one before it ends."""
    first = 0
    for position in range(1, len(events) + 1):
        if position == len(events) or events[position].offset != events[position - 1].end:
            yield events[first:position]
            first = position
