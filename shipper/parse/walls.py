"""What a text says of a time, as a clock on the wall would show it: before date and zone are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: wall-clock arithmetic


class Wall(NamedTuple):
    """What a text says of a time, before date and zone are filled in."""

    year: int | None
    month: int | None
    day: int | None
    hour: int
    minute: int
    second: int
    offset: int | None
    """Seconds east of UTC, if the text says so."""


def seconds_of(naive: datetime) -> int:
    """Seconds since the epoch of a reading in UTC."""
    return (naive - _EPOCH) // timedelta(seconds=1)


def naive_of(wall: Wall) -> datetime | None:
    """Date and time of a complete reading; a leap second is the second after it."""
    assert wall.year is not None
    assert wall.month is not None
    assert wall.day is not None
    return at(wall.year, wall.month, wall.day, wall)


def at(year: int, month: int, day: int, wall: Wall) -> datetime | None:
    """The wall's time of day on a date, without zone; None if there is no such day."""
    try:
        midnight = datetime(year, month, day)  # noqa: DTZ001 - the zone is applied by the caller
    except ValueError:
        return None
    return midnight + timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)


def wall_of(parts: Mapping[str, str | None]) -> Wall | None:
    """What the parts of a text say; None if they are no time."""
    month = parts.get("month")
    if month and month.isalpha():
        if month not in _MONTHS:
            return None
        month = str(_MONTHS.index(month) + 1)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 60:
        return None
    year, day, zone = parts.get("year"), parts.get("day"), parts.get("zone")
    return Wall(
        int(year) if year else None,
        int(month) if month else None,
        int(day) if day else None,
        hour,
        minute,
        second,
        _offset(zone) if zone else None,
    )


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds
