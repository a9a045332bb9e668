"""Where shipping begins: at a moment, or where a file ended when its input was first read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from shipper.parse.timestamps import NS
from shipper.records import Mark, MarkKind

BEFORE_START = "before_start"
"""The rule that filters what lies before it."""
EVER = -(1 << 63)
"""Nanoseconds: no event is older."""


def start_of(text: str, zone: ZoneInfo) -> int:
    """Nanoseconds since the epoch of a date or date and time in ISO 8601; in the log's zone if it names none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int(moment.timestamp()) * NS


def start_in(marks: Iterable[Mark]) -> int:
    """The offset of the first event of a file that is shipped."""
    return max((mark.offset for mark in marks if mark.kind is MarkKind.START), default=0)
