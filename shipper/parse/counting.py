"""Days that are counted over the lines of a file, held against what dates its last line.

A file's first day follows from its last one. What was read before is checked again when more was written: days on which
nothing was written leave no trace in times of day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import date, timedelta

from shipper.parse.anchors import Anchor
from shipper.parse.dates import DAY, WRAP, FileClock, seconds_of_day
from shipper.parse.walls import Wall
from shipper.records import Mark, MarkKind

_PAUSE = 2 * 3600
"""A step back of the time of day that is more than disorder or a change of the clocks."""
_STEPS = 366
"""So many steps back are remembered; more than a year is not caught up with."""


def first_day(walls: Iterable[Wall], known: Anchor) -> date:
    """The day of a file's first event, by counting on to its last, which is dated."""
    guess = known.last(None)
    assert guess is not None
    clock = FileClock(day=guess)
    first: date | None = None
    counted, last = guess, None
    for wall in walls:
        counted, last = _counted(clock, wall), wall
        first = first or counted
    final = known.last(last)
    if first is None or last is None or final is None:
        return guess
    return shifted(first, counted, final, by_year=last.day is not None)


class Counting:
    """Counts days on over lines to come, to see whether they end on the day on which the file was last modified."""

    def __init__(self, clock: FileClock, marks: Iterable[Mark] = (), settled: int = 0) -> None:
        self._clock = clock.copy()
        self._marks = deque(marks)
        """Recorded before, in their order: what stands before them is settled."""
        self._settled = settled
        """The days of events before this offset hold."""
        self._begin()

    def _begin(self) -> None:
        self._first: tuple[int, date] | None = None
        self._last: tuple[Wall, date] | None = None
        self._steps: deque[tuple[int, date]] = deque(maxlen=_STEPS)
        """Events whose time of day steps back without beginning a new day."""
        self._silence = -1
        self._after_silence: tuple[int, date] | None = None

    def add(self, offset: int, wall: Wall) -> None:
        """The next event."""
        while self._marks and self._marks[0].offset <= offset:
            self._clock.enter(self._marks.popleft())
            self._begin()
        if self._clock.day is None:
            return
        before = self._clock.seconds
        place = offset, _counted(self._clock, wall)
        if offset < self._settled:
            return
        passed = 0 if before is None or wall.day is not None else seconds_of_day(wall) - before
        if -WRAP <= passed < -_PAUSE:
            self._steps.append(place)
        silence = 0 if -_PAUSE <= passed < 0 else passed % DAY
        if silence > self._silence:
            self._silence, self._after_silence = silence, place
        self._first = self._first or place
        self._last = wall, place[1]

    def corrections(self, known: Anchor) -> list[Mark]:
        """The marks that the events need: none if the days agree with the modification time.

        Days that are missing lie where the time of day steps back without beginning a new day: one at each such step,
        the rest of them at the last one; without any such step, before the event that follows on the longest silence.
        """
        if self._first is None or self._last is None:
            return []
        wall, counted = self._last
        final = known.last(wall)
        if final is None or known.allows(wall, counted):
            return []
        if wall.day is not None:
            if final.year == counted.year:
                return []
            return [_dated(self._first[0], shifted(self._first[1], counted, final, by_year=True))]
        moved, marks = 0, []
        for (offset, day), days in self._places((final - counted).days):
            moved += days
            marks.append(_dated(offset, day + timedelta(days=moved)))
        return marks

    def _places(self, missing: int) -> list[tuple[tuple[int, date], int]]:
        """Before which events days are missing, and how many; days too many are taken back before the first."""
        assert self._first is not None
        assert self._after_silence is not None
        if missing < 0:
            return [(self._first, missing)]
        steps = list(self._steps)[-missing:]
        if not steps:
            return [(self._after_silence, missing)]
        return [*((step, 1) for step in steps[:-1]), (steps[-1], missing - len(steps) + 1)]


def corrections(clock: FileClock, timed: Iterable[tuple[int, Wall]], known: Anchor) -> list[Mark]:
    """The marks that events need which follow on the clock's; `timed` are their offsets and times."""
    counting = Counting(clock)
    for offset, wall in timed:
        counting.add(offset, wall)
    return counting.corrections(known)


def later_day(clock: FileClock, known: Anchor, offset: int) -> list[Mark]:
    """The mark that a log without times needs from an offset on if it was modified on a later day."""
    today = known.limit.date()
    return [_dated(offset, today)] if clock.day is not None and today > clock.day else []


def _counted(clock: FileClock, wall: Wall) -> date:
    """The day that an event is of by counting on; one late by seconds after midnight is of the day before."""
    found = clock.complete(wall)
    day = clock.day if found is None else found.date()
    assert day is not None
    return day


def _dated(offset: int, day: date) -> Mark:
    return Mark(offset, MarkKind.DATE, day.isoformat())


def shifted(day: date, counted: date, final: date, *, by_year: bool) -> date:
    """A day moved as far as the counted last day must move to become the final one."""
    if not by_year:
        return day + (final - counted)
    year = day.year + final.year - counted.year
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
