"""Which part of a family is drilled down: adjacent buckets, or, of very many documents, a slice of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from shipper.records import BUCKET_BITS, bucket_of

LAST_BUCKET = (1 << 24) - 1
"""Offsets have 48 bits in ids."""


class Run(NamedTuple):
    """Adjacent buckets."""

    first: int
    last: int

    @property
    def begin(self) -> int:
        """Offset where the first bucket begins."""
        return self.first << BUCKET_BITS

    @property
    def end(self) -> int:
        """Offset after the last bucket."""
        return (self.last + 1) << BUCKET_BITS

    @property
    def disk_begin(self) -> int:
        """Offset on disk from which on its lines are."""
        return self.begin

    @property
    def disk_end(self) -> int:
        """Offset on disk after its lines."""
        return self.end

    @property
    def edited_before(self) -> bool:
        """Whether the file is known to have been edited before it."""
        return False

    def holds_end(self, end: int) -> bool:
        """Whether the end of a file, at that offset, is in it."""
        return self.holds(bucket_of(end))

    def goes_on(self, last: int) -> bool:
        """Whether the index, which holds documents up to that bucket, holds some beyond it."""
        return last > self.last

    def holds(self, bucket: int) -> bool:
        """Whether a bucket is one of these."""
        return self.first <= bucket <= self.last


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a long run, between places where file and index agree."""

    run: Run
    begin: int
    """Offset of its first document, at the time when it was read."""
    end: int
    disk_begin: int
    """The same on today's disk."""
    disk_end: int
    is_last: bool
    edited_before: bool

    def holds_end(self, end: int) -> bool:
        """Whether the end of a file, at that offset, is in it."""
        return self.is_last and self.run.holds_end(end)

    def goes_on(self, last: int) -> bool:
        """Whether the index, which holds documents up to that bucket, holds some beyond it."""
        return not self.is_last or self.run.goes_on(last)

    def holds(self, bucket: int) -> bool:
        """Whether something of a bucket may be in it."""
        return bucket_of(self.begin) <= bucket <= bucket_of(self.end - 1)


Extent = Run | Slice
