"""Logs without year or without date: the file's clock counts them on from recorded `date` marks.

A mark says on which day the first event from an offset on was written. From there a time of day that jumps back by more
than twelve hours begins a new day, and a month and day without year belong to the year that is nearest to the event
before. Where no mark is known it comes from a date in the file's name, else from the modification time, which dates
the *last* event. Each live read, and what was written while nobody read, is checked against the modification time: a
log that was idle over a weekend gets a new mark. Logs without any time (`timestamp: {by: modification}`) are dated by
marks alone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shipper.parse.timestamps import NS, Moment, Wall, at, moment
from shipper.parse.zones import candidates
from shipper.records import Mark, MarkKind

AMBIGUOUS = "_timestamp_ambiguous"
NONEXISTENT = "_timestamp_nonexistent"

_DAY = 86_400
_WRAP = _DAY // 2
_MIDNIGHT = 60
"""Lines around midnight may be out of order by so many seconds without beginning a new day twice."""
_DISORDER = 300 * NS
"""By so much a log may step back in the hour that clocks repeat, before it counts as the hour's second pass."""
_PAUSE = 2 * 3600
"""A step back of the time of day that is more than disorder or a change of the clocks."""
_SLACK = 600
"""By so many seconds an event may seem to be later than its file's modification (skew of a file server)."""
_STEPS = 366
"""So many steps back are remembered; more than a year is not caught up with."""
_NAME = re.compile(r"(?<!\d)(?:(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2}))(?!\d)")


@dataclass(slots=True)
class FileClock:
    """What the events so far say about the time of the next one."""

    last: Moment | None = None
    day: date | None = None
    """Day of the event before, or of the mark."""
    seconds: int | None = None
    """Time of day of the event before; None right after a mark."""
    mark: Mark | None = None
    tags: list[str] = field(default_factory=list)
    """What reading the current time had to decide."""

    def enter(self, mark: Mark) -> None:
        """Go on from a mark."""
        self.mark, self.day, self.seconds = mark, date.fromisoformat(mark.value), None

    def complete(self, wall: Wall) -> datetime | None:
        """The date and time that are meant, by the event before."""
        if self.day is None:
            return None
        return self._on_day(wall, self.day) if wall.day is None else self._in_year(wall, self.day)

    def choose(self, seconds: tuple[int, ...], *, exists: bool) -> int:
        """The pass through a repeated hour that follows from the order in the file."""
        self.tags.append(AMBIGUOUS if exists else NONEXISTENT)
        first = seconds[0]
        if self.last is None or first * NS >= self.last.ns - _DISORDER:
            return first
        return seconds[-1]

    def copy(self) -> FileClock:
        """A clock to look ahead with."""
        return FileClock(self.last, self.day, self.seconds, self.mark)

    def _on_day(self, wall: Wall, day: date) -> datetime | None:
        now = _seconds_of_day(wall)
        before = now if self.seconds is None else self.seconds
        if before < _MIDNIGHT and now >= _DAY - _MIDNIGHT:
            return _at(day - timedelta(days=1), wall)
        if before - now > _WRAP:
            day += timedelta(days=1)
        self.day, self.seconds = day, now
        return _at(day, wall)

    def _in_year(self, wall: Wall, day: date) -> datetime | None:
        reference = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local, as the log is
        found = min(_years(wall, day.year), key=lambda known: abs(known - reference), default=None)
        if found is not None:
            self.day = found.date()
        return found


class NoClock:
    """For times that must say everything themselves."""

    def complete(self, wall: Wall) -> datetime | None:  # noqa: ARG002 - part of the protocol
        """Nothing is known."""
        return None

    def choose(self, seconds: tuple[int, ...], *, exists: bool) -> int:  # noqa: ARG002 - part of the protocol
        """The earlier one."""
        return seconds[0]


class Anchor(NamedTuple):
    """What dates the last event of a file: no later than the modification, or exactly on `day`."""

    modified: float
    """Seconds since the epoch."""
    zone: ZoneInfo
    day: date | None = None

    @property
    def limit(self) -> datetime:
        """The modification time as the log would write it."""
        return datetime.fromtimestamp(self.modified, self.zone).replace(tzinfo=None)

    def last(self, wall: Wall | None) -> date | None:
        """The day of the last event."""
        if wall is None:
            return self.day or self.limit.date()
        if wall.day is not None:
            end = self.limit if self.day is None else _at(self.day, Wall(None, None, None, 23, 59, 59, None))
            assert end is not None
            return max(
                (known for known in _years(wall, end.year) if known <= end + timedelta(days=1)), default=end
            ).date()
        if self.day is not None:
            return self.day
        today = self.limit.date()
        for day in (today + timedelta(days=1), today):
            known = _at(day, wall)
            if known is not None and self._reaches(known):
                return day
        return today - timedelta(days=1)

    def allows(self, wall: Wall, counted: date) -> bool:
        """Whether the last event can be of a day: the skew that is allowed for need not be there."""
        return counted in (self.last(wall), self._replace(modified=self.modified - _SLACK).last(wall))

    def _reaches(self, local: datetime) -> bool:
        """Whether an event of this local time can have been written by then; the hour that repeats comes twice."""
        return candidates(local, self.zone)[0][0] <= self.modified + _SLACK


def anchor(path: str, modified: float, zone: ZoneInfo) -> Anchor:
    """From the date in the file's name, else from its modification time (seconds since the epoch).

    A name such as `-2026-11-22` is the day of the content. One such as `-20261122` is the day of the rotation, on
    which the last events may be of the day before: the modification time tells, if it is of that day.
    """
    known = Anchor(modified, zone)
    named = name_date(path)
    if named is None or (not named[1] and named[0] == known.limit.date()):
        return known
    return known._replace(day=named[0])


def name_date(path: str) -> tuple[date, bool] | None:
    """The last date in a file's base name, and whether it is written with dashes."""
    for found in reversed(list(_NAME.finditer(path.rpartition("/")[2]))):
        year, month, day = (found[n] or found[n + 3] for n in (1, 2, 3))
        try:
            return date(int(year), int(month), int(day)), found[1] is not None
        except ValueError:
            continue
    return None


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

    def __init__(self, clock: FileClock, marks: Iterable[Mark] = ()) -> None:
        self._clock = clock.copy()
        self._marks = deque(marks)
        """Recorded before, in their order: what stands before them is settled."""
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
        before = self._clock.seconds
        place = offset, _counted(self._clock, wall)
        passed = 0 if before is None or wall.day is not None else _seconds_of_day(wall) - before
        if -_WRAP <= passed < -_PAUSE:
            self._steps.append(place)
        silence = 0 if -_PAUSE <= passed < 0 else passed % _DAY
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


def _seconds_of_day(wall: Wall) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def shifted(day: date, counted: date, final: date, *, by_year: bool) -> date:
    """A day moved as far as the counted last day must move to become the final one."""
    if not by_year:
        return day + (final - counted)
    year = day.year + final.year - counted.year
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def midnight(day: date, zone: ZoneInfo) -> Moment:
    """The beginning of a day."""
    seconds, _ = candidates(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - the zone follows
    found = moment(seconds[0], "")
    assert found is not None
    return found


def _at(day: date, wall: Wall) -> datetime | None:
    return at(day.year, day.month, day.day, wall)


def _years(wall: Wall, year: int) -> list[datetime]:
    """The wall's day in the years around one; 29 February has few."""
    assert wall.month is not None
    assert wall.day is not None
    found = [at(year + step, wall.month, wall.day, wall) for step in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
    return [known for known in found if known is not None]
