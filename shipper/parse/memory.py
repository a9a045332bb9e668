"""A parser's memory between two reads, as JSON: header, last time, date and where it comes from, inferred types."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import orjson

from shipper.parse.dates import FileClock
from shipper.parse.headers import HeaderBlock
from shipper.parse.inference import Inference
from shipper.parse.timestamps import Moment
from shipper.records import Mark, MarkKind


class Memory(NamedTuple):
    """What a parser remembers of its file."""

    header: HeaderBlock
    clock: FileClock
    inference: Inference


def carried(memory: Memory) -> str:
    """The memory as text."""
    header, clock, inference = memory
    said: dict[str, Any] = {
        "header": header.text or None,
        "block": header.open or None,
        "time": clock.last and list(clock.last),
        "day": clock.day and clock.day.isoformat(),
        "seconds": clock.seconds,
        "mark": clock.mark and [clock.mark.offset, clock.mark.value],
        "numeric": inference.known or None,
    }
    return orjson.dumps({key: value for key, value in said.items() if value is not None}).decode()


def recalled(carry: str | None) -> Memory:
    """The memory from such a text, or that of a file's beginning."""
    said: dict[str, Any] = orjson.loads(carry) if carry else {}
    time, day, mark = said.get("time"), said.get("day"), said.get("mark")
    clock = FileClock(
        Moment(*time) if time else None,
        date.fromisoformat(day) if day else None,
        said.get("seconds"),
        Mark(mark[0], MarkKind.DATE, mark[1]) if mark else None,
    )
    header = HeaderBlock(said.get("header", ""), said.get("block", False))
    return Memory(header, clock, Inference(said.get("numeric", {})))
