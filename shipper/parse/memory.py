"""A parser's memory between two reads, as JSON: the header, the last time, the date and where it comes from."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson

from shipper.parse.dates import FileClock
from shipper.parse.headers import HeaderBlock
from shipper.parse.timestamps import Moment
from shipper.records import Mark, MarkKind


def carried(header: HeaderBlock, clock: FileClock) -> str:
    """The memory as text."""
    memory: dict[str, Any] = {
        "header": header.text or None,
        "block": header.open or None,
        "time": clock.last and list(clock.last),
        "day": clock.day and clock.day.isoformat(),
        "seconds": clock.seconds,
        "mark": clock.mark and [clock.mark.offset, clock.mark.value],
    }
    return orjson.dumps({key: value for key, value in memory.items() if value is not None}).decode()


def recalled(carry: str | None) -> tuple[HeaderBlock, FileClock]:
    """Header and clock from such a text, or those of a file's beginning."""
    memory: dict[str, Any] = orjson.loads(carry) if carry else {}
    time, day, mark = memory.get("time"), memory.get("day"), memory.get("mark")
    clock = FileClock(
        Moment(*time) if time else None,
        date.fromisoformat(day) if day else None,
        memory.get("seconds"),
        Mark(mark[0], MarkKind.DATE, mark[1]) if mark else None,
    )
    return HeaderBlock(memory.get("header", ""), memory.get("block", False)), clock
