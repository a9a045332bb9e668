"""Text for people: whole on a pipe, cut to fit on a terminal, and never able to command the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_UNBOUNDED = 10_000
"""Columns of an output that is no terminal: nothing is cut there."""


def console(stream: TextIO) -> Console:
    """A console that takes text literally."""
    from rich.console import Console  # noqa: PLC0415  only where a person reads

    width = None if stream.isatty() else _UNBOUNDED
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=width is not None, width=width)


def visible(text: str) -> str:
    """Text from logs and file systems with everything that is not printable spelled out."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def size_text(count: int | None) -> str:
    """A number of bytes in the unit that suits it; `?` where nobody knows."""
    if count is None:
        return "?"
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def age_text(seconds: float | None) -> str:
    """A duration in the unit that suits it; `?` where nobody knows."""
    if seconds is None:
        return "?"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def columns(rows: Sequence[Sequence[str]], numbers: Collection[int]) -> list[str]:
    """Rows of words as lines with aligned columns; those in `numbers` are aligned at their right. The last is as it is.

    For thousands of rows: a table of `rich` takes a second for each two thousand.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    align = [str.rjust if number in numbers else str.ljust for number in range(len(widths))]
    return [
        "  ".join([*(put(word, width) for put, word, width in zip(align, row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def moment(seconds: float) -> str:
    """A time in seconds since the epoch, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
