"""Logs without year or without date: the file's clock counts them on from recorded `date` marks.

A mark says on which day the first event from an offset on was written. From there a time of day that jumps back by more
than twelve hours begins a new day, and a month and day without year belong to the year that is nearest to the event
before. Where no mark is known it comes from a date in the file's name, else from the modification time, which dates
the *last* event. Each live read, and what was written while nobody read, is checked against the modification time: a
log that was idle over a weekend gets a new mark. Logs without any time (`timestamp: {by: modification}`) are dated by
marks alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shipper.parse.anchors import in_years, on_day
from shipper.parse.timestamps import NS, Moment, moment
from shipper.parse.walls import Wall
from shipper.parse.zones import candidates
from shipper.records import Mark

AMBIGUOUS = "_timestamp_ambiguous"
NONEXISTENT = "_timestamp_nonexistent"

DAY = 86_400
WRAP = DAY // 2
"""A step back of the time of day by more than so many seconds begins a new day."""
_MIDNIGHT = 60
"""Lines around midnight may be out of order by so many seconds without beginning a new day twice."""
_DISORDER = 300 * NS
"""By so much a log may step back in the hour that clocks repeat, before it counts as the hour's second pass."""


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
        now = seconds_of_day(wall)
        before = now if self.seconds is None else self.seconds
        if before < _MIDNIGHT and now >= DAY - _MIDNIGHT:
            return on_day(day - timedelta(days=1), wall)
        if before - now > WRAP:
            day += timedelta(days=1)
        self.day, self.seconds = day, now
        return on_day(day, wall)

    def _in_year(self, wall: Wall, day: date) -> datetime | None:
        reference = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local, as the log is
        found = min(in_years(wall, day.year), key=lambda known: abs(known - reference), default=None)
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


def midnight(day: date, zone: ZoneInfo) -> Moment:
    """The beginning of a day."""
    seconds, _ = candidates(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - the zone follows
    found = moment(seconds[0], "")
    assert found is not None
    return found


def seconds_of_day(wall: Wall) -> int:
    """Seconds since midnight, by the clock on the wall."""
    return wall.hour * 3600 + wall.minute * 60 + wall.second
