"""Times and sizes as different programs write them, made comparable: seconds since the epoch, and bytes."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of numbers that count from the epoch, in seconds."""
SIZES = {
    "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30,
    "bit": 1 / 8, "kbit": 1e3 / 8, "Mbit": 1e6 / 8, "Gbit": 1e9 / 8,
}  # fmt: skip
"""Units of amounts of data, in bytes."""
DATE = "date"
"""Unit of times that are written as ISO 8601 text."""


def is_time(unit: str) -> bool:
    """Whether the unit is one of times."""
    return unit == DATE or unit in TIMES


def quantity(value: Any, unit: str, zone: tzinfo = UTC) -> float | None:
    """Seconds or bytes; None where the value is none. `zone` is that of dates that name none."""
    if unit == DATE:
        return _seconds(value, zone)
    factor = TIMES.get(unit) or SIZES[unit]
    if isinstance(value, bool):
        return None
    try:
        # A count of milliseconds divided is nearer to the truth than one multiplied by a fraction that is none.
        return float(value) / round(1 / factor) if factor < 1 else float(value) * factor
    except (TypeError, ValueError):
        return None


def _seconds(value: Any, zone: tzinfo) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # What a cluster gives for a date that was sent as a number: milliseconds.
        return value / 1000
    if not isinstance(value, str):
        return None
    whole, fraction, rest = _split(value.strip())
    try:
        moment = datetime.fromisoformat(whole + rest)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() + fraction


def _split(text: str) -> tuple[str, float, str]:
    """ISO text without its fraction of a second, and that fraction, however many digits it has."""
    whole, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return (whole, float(f"0.{rest[:digits]}"), rest[digits:]) if dot and digits else (text, 0.0, "")
