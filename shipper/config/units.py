"""Sizes and times as people write them."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")
_SIZES = {
    "B": 1,
    **{prefix + "B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T"), 1)},
    **{prefix + "iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T"), 1)},
}
_TIMES = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
SIZE_UNITS = ", ".join(_SIZES)
TIME_UNITS = ", ".join(_TIMES)


def size(text: str) -> int:
    """Bytes of a size such as `64MiB`; raises ValueError with the whole sentence."""
    match = _QUANTITY.fullmatch(text)
    unit = _SIZES.get(match[2]) if match else None
    if match is None or unit is None:
        raise ValueError(f"'{text}' is not a size; write a number and one of {SIZE_UNITS}, for example 64MiB.")
    return int(Decimal(match[1]) * unit)


def rate(text: str) -> int:
    """Bytes per second of a rate such as `10MiB/s`; raises ValueError with the whole sentence."""
    amount, slash, unit = text.partition("/")
    if not slash or unit.strip() != "s":
        raise ValueError(f"'{text}' is not a rate; write a size per second, for example 10MiB/s.")
    return size(amount)


def duration(text: str) -> float:
    """Seconds of a time such as `10s`; raises ValueError with the whole sentence."""
    match = _QUANTITY.fullmatch(text)
    unit = _TIMES.get(match[2]) if match else None
    if match is None or unit is None:
        raise ValueError(f"'{text}' is not a time; write a number and one of {TIME_UNITS}, for example 10s.")
    return float(Decimal(match[1]) * unit)


def size_text(count: int) -> str:
    """A size in the largest binary unit that keeps it exact."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count and count % _SIZES[unit] == 0:
            return f"{count // _SIZES[unit]}{unit}"
    return f"{count}B"


def duration_text(seconds: float) -> str:
    """A time as it could be written in a configuration."""
    return f"{seconds:g}s"
