"""What dates the last event of a file whose lines lack it: a date in the file's name, else its modification time."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shipper.parse.walls import Wall, at
from shipper.parse.zones import candidates

_SLACK = 600
"""By so many seconds an event may seem to be later than its file's modification (skew of a file server)."""
_NAME = re.compile(r"(?<!\d)(?:(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2}))(?!\d)")


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
            end = self.limit if self.day is None else on_day(self.day, Wall(None, None, None, 23, 59, 59, None))
            assert end is not None
            return max(
                (known for known in in_years(wall, end.year) if known <= end + timedelta(days=1)), default=end
            ).date()
        if self.day is not None:
            return self.day
        today = self.limit.date()
        for day in (today + timedelta(days=1), today):
            known = on_day(day, wall)
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

    A name such as `-2026-11-22` is the day of the content. One such as `-20261122` is the day of the rotation, before
    which the last events may lie: the modification time tells, unless a copy has made it later than that day.
    """
    known = Anchor(modified, zone)
    named = name_date(path)
    if named is None or (not named[1] and known.limit.date() <= named[0]):
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


def on_day(day: date, wall: Wall) -> datetime | None:
    """The wall's time of day on a day; None if there is no such day."""
    return at(day.year, day.month, day.day, wall)


def in_years(wall: Wall, year: int) -> list[datetime]:
    """The wall's day in a year and those around it, nearest first; 29 February has few."""
    assert wall.month is not None
    assert wall.day is not None
    found = [at(year + step, wall.month, wall.day, wall) for step in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
    return [known for known in found if known is not None]
