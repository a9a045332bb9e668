"""Numbers in sentences for people. Pure."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 file`, `2,345 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
