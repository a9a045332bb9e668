"""What is compared between disk, ledger and index: lines, bytes and sums of hashes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

BUCKET_BITS = 24
"""A bucket of the ledger is 16 MiB of a file: at most 2^24 lines, so that sums of 28-bit hashes stay below 2^53."""


def bucket_of(offset: int) -> int:
    """The ledger bucket that an event belongs to, by the offset of its first line."""
    return offset >> BUCKET_BITS


class Tally(NamedTuple):
    """What is compared between disk, ledger and index: lines, bytes and the sums of two 28-bit hashes of each line."""

    lines: int = 0
    bytes: int = 0
    h0: int = 0
    h1: int = 0

    def plus(self, other: Tally) -> Tally:
        """The tally of both."""
        return Tally(self.lines + other.lines, self.bytes + other.bytes, self.h0 + other.h0, self.h1 + other.h1)

    def minus(self, other: Tally) -> Tally:
        """What this tally holds beyond the other; parts may be negative."""
        return Tally(self.lines - other.lines, self.bytes - other.bytes, self.h0 - other.h0, self.h1 - other.h1)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of many tallies."""
    lines = size = h0 = h1 = 0
    for tally in tallies:
        lines += tally.lines
        size += tally.bytes
        h0 += tally.h0
        h1 += tally.h1
    return Tally(lines, size, h0, h1)
