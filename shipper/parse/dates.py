"""Logs without year or without date: the file's clock counts them on from recorded `date` marks.

A mark says on which day the first event from an offset on was written. From there a time of day that jumps back by more
than twelve hours begins a new day, and a month and day without year belong to the year that is nearest to the event
before. Where no mark is known it comes from a date in the file's name, else from the modification time, which dates
the *last* event. Each live read is checked against the modification time: a log that was idle over a weekend gets a
new mark. Logs without any time (`timestamp: modified`) are dated by marks alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
_SLACK = timedelta(minutes=10)
"""By so much an event may seem to be later than its file's modification (skew of a file server)."""
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
        now = wall.hour * 3600 + wall.minute * 60 + wall.second
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
    """What dates the last event of a file: no later than `limit`, or exactly on `day`."""

    limit: datetime
    day: date | None = None

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
            if known is not None and known <= self.limit + _SLACK:
                return day
        return today - timedelta(days=1)


def anchor(path: str, modified: float, zone: ZoneInfo) -> Anchor:
    """From the date in the file's name, else from its modification time (seconds since the epoch).

    A name such as `-2026-11-22` is the day of the content. One such as `-20261122` is the day of the rotation, on
    which the last events may be of the day before: the modification time tells, if it is of that day.
    """
    limit = datetime.fromtimestamp(modified, zone).replace(tzinfo=None)
    named = name_date(path)
    if named is None or (not named[1] and named[0] == limit.date()):
        return Anchor(limit)
    return Anchor(limit, named[0])


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
    last: Wall | None = None
    for wall in walls:
        clock.complete(wall)
        first, last = first or clock.day, wall
    final = known.last(last)
    if first is None or last is None or final is None:
        return guess
    return shifted(first, clock.day or guess, final, by_year=last.day is not None)


def correction(clock: FileClock, timed: Sequence[tuple[int, Wall]], known: Anchor) -> Mark | None:
    """The mark that a live read needs: None if the file's clock agrees with the modification time.

    `timed` are offsets and times of the events that were read; the missing days are put where the time of day steps
    back for the last time, else before the first event.
    """
    ahead = clock.copy()
    days: list[date] = []
    place = 0
    for position, (_, wall) in enumerate(timed):
        before = ahead.seconds
        ahead.complete(wall)
        assert ahead.day is not None
        days.append(ahead.day)
        stepped = wall.day is None and before is not None and _PAUSE < before - (ahead.seconds or 0) <= _WRAP
        place = position if stepped else place
    if not timed:
        return None
    final = known.last(timed[-1][1])
    by_year = timed[-1][1].day is not None
    if final is None or final == days[-1] or (by_year and final.year == days[-1].year):
        return None
    return Mark(timed[place][0], MarkKind.DATE, shifted(days[place], days[-1], final, by_year=by_year).isoformat())


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
