"""When the events of a file happened, and the dates that have to be recorded to know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipper.parse.anchors import anchor, name_date
from shipper.parse.counting import corrections, first_day, later_day
from shipper.parse.dates import FileClock, midnight
from shipper.parse.documents import Draft
from shipper.parse.fields import Fields, as_text
from shipper.parse.rules import Rules
from shipper.parse.timestamps import Moment, TimeReader
from shipper.parse.walls import Wall
from shipper.records import Mark, MarkKind

INHERITED = "_timestamp_inherited"
BEGINNING = Moment(0, "1970-01-01T00:00:00Z")
"""The time of events before any time is known: visibly wrong, and the same at every reading."""


class EventTimes:
    """Gives times to the events of one file, in their order."""

    def __init__(self, rules: Rules, path: str, clock: FileClock, marks: Iterable[Mark]) -> None:
        self._rules = rules
        self._path = path
        self._clock = clock
        since = clock.mark.offset if clock.mark else -1
        self._marks = sorted(mark for mark in marks if mark.kind is MarkKind.DATE and mark.offset > since)

    def decided(self, drafts: Sequence[Draft], modified: float, *, live: bool) -> list[Mark]:
        """The marks that are needed for events that were read; they hold from now on.

        `modified` is the file's modification time (seconds since the epoch), `live` says that the file was followed
        up to its last event.
        """
        rules, clock = self._rules, self._clock
        if not rules.needs_date or not drafts:
            return []
        known = anchor(self._path, modified, rules.zone)
        first = drafts[0].event.offset
        timed = [
            (draft.event.offset, wall) for draft in drafts if (wall := undated(rules.times, draft.fields)) is not None
        ]
        marks: list[Mark] = []
        if clock.day is None and not (self._marks and self._marks[0].offset <= first):
            day = known.last(None) if rules.by_modification else first_day((wall for _, wall in timed), known)
            assert day is not None
            marks = [Mark(first, MarkKind.DATE, day.isoformat())]
        elif live and not self._marks and name_date(self._path) is None:
            marks = later_day(clock, known, first) if rules.by_modification else corrections(clock, timed, known)
        self._marks = sorted([*self._marks, *marks])
        return marks

    def of(self, offset: int, fields: Fields, tags: list[str]) -> tuple[Moment, Mark | None]:
        """The time of the event at an offset, and the date mark that it depends on; adds tags that say more."""
        clock = self._clock
        if self._marks and self._marks[0].offset <= offset:
            clock.enter(self._marks.pop(0))
        for reader in self._rules.times:
            value = fields.get(reader.field)
            if value is None:
                continue
            text = value if value.__class__ is str else as_text(value)
            moment = reader.read(text, clock)
            if moment is None:
                break
            if clock.tags:
                tags.extend(clock.tags)
                clock.tags = []
            clock.last = moment
            return moment, clock.mark if reader.needs_date and _lacks_date(reader.wall(text)) else None
        return self.inherited(tags)

    def inherited(self, tags: list[str]) -> tuple[Moment, Mark | None]:
        """The time of the event before, else the day of the mark, else none that could be right."""
        tags.append(INHERITED)
        clock = self._clock
        if clock.day is not None and (self._rules.by_modification or clock.last is None):
            return midnight(clock.day, self._rules.zone), clock.mark
        return clock.last or BEGINNING, clock.mark


def undated(times: Sequence[TimeReader], fields: Fields) -> Wall | None:
    """The time that an event has, if it is one that lacks its year or date."""
    for reader in times:
        value = fields.get(reader.field)
        if value is not None:
            wall = reader.wall(as_text(value)) if reader.needs_date else None
            return wall if _lacks_date(wall) else None
    return None


def _lacks_date(wall: Wall | None) -> bool:
    return wall is not None and (wall.year is None or wall.day is None)
