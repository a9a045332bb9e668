"""Local time to UTC: which moments a wall-clock reading can mean."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def candidates(naive: datetime, zone: ZoneInfo) -> tuple[tuple[int, ...], bool]:
    """Seconds since the epoch, earliest first, that a local time can mean, and whether the clock ever showed it.

    Two when clocks are put back; in the hour that is left out when they are put forward, the time is read by the
    offset that ruled before.
    """
    before = int(naive.replace(tzinfo=zone, fold=0).timestamp())
    after = int(naive.replace(tzinfo=zone, fold=1).timestamp())
    if before == after:
        return (before,), True
    if before < after:
        return (before, after), True
    return (before,), False
