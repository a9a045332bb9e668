"""The equation, per bucket and without parsing: disk = index + ledger.filtered + ledger.dead."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from shipper.hashes import chains, tally_of
from shipper.read.framing import split_lines
from shipper.records import BUCKET_BITS, Tally, bucket_of

NOTHING = Tally()


@dataclass(slots=True)
class Measure:
    """What a file holds, by bucket."""

    buckets: dict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    below: dict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    """The part of each bucket that lies below the checkpoint."""
    partial: Tally = NOTHING
    """A last line that has no end yet."""
    end: int = 0
    """Offset after the last complete line."""
    chain: int | None = None
    """Hash chain at the checkpoint; None if no line ends there."""
    last: tuple[int, int] | None = None
    """Offset of the last line and hash chain after it, where there is no checkpoint to compare."""


def measure(
    blocks: Iterable[bytes], *, start: int, checkpoint: int, chain: int, firsts: Mapping[int, int], whole: bool
) -> Measure:
    """Tally a file's lines from `start` on; `chain` is the hash chain before its first line.

    `firsts` says where buckets begin that an event reaches into; `whole` says that the file ends for good, so that a
    last line without newline is a line.
    """
    found = Measure(chain=None if checkpoint else chain)
    borders = _Borders(start, checkpoint, firsts)
    for offset, lines in _lines(blocks, found, whole=whole):
        if lines and (offset < checkpoint or not checkpoint):
            chain = _follow(found, offset, lines, chain, checkpoint)
        for bucket, below, part in borders.split(offset, lines):
            tally = tally_of(part)
            found.buckets[bucket] = found.buckets[bucket].plus(tally)
            if below:
                found.below[bucket] = found.below[bucket].plus(tally)
    return found


def _follow(found: Measure, offset: int, lines: Sequence[bytes], chain: int, checkpoint: int) -> int:
    """The chain after some lines; notes it where the checkpoint stands."""
    links = chains(lines, chain)
    end = offset + sum(map(len, lines))
    if not checkpoint:
        found.last = (end - len(lines[-1]), links[-1])
    elif end >= checkpoint:
        ends = accumulate(map(len, lines), initial=offset)
        next(ends)
        found.chain = next((link for end, link in zip(ends, links, strict=True) if end == checkpoint), None)
    return links[-1]


def is_closed(disk: Tally, below: Tally, accounted: Tally) -> Tally | None:
    """What is pending if a bucket is balanced, else None."""
    if disk == accounted:
        return NOTHING
    return disk.minus(below) if below == accounted else None


def _lines(blocks: Iterable[bytes], found: Measure, *, whole: bool) -> Iterator[tuple[int, list[bytes]]]:
    rest = b""
    for block in blocks:
        data = rest + block
        lines = split_lines(data, final=False)
        size = sum(map(len, lines))
        yield found.end, lines
        found.end += size
        rest = data[size:]
    if rest and whole:
        yield found.end, [rest]
        found.end += len(rest)
    elif rest:
        found.partial = tally_of([rest])


class _Borders:
    """Where buckets, the checkpoint and the file's own part begin."""

    def __init__(self, start: int, checkpoint: int, firsts: Mapping[int, int]) -> None:
        self._start = start
        self._checkpoint = checkpoint
        self._firsts = firsts

    def split(self, offset: int, lines: Sequence[bytes]) -> Iterator[tuple[int, bool, Sequence[bytes]]]:
        """Lines that begin at `offset`, by bucket and side of the checkpoint."""
        offsets = list(accumulate(map(len, lines), initial=offset))
        end = offsets.pop()
        first = _position(offsets, self._start)
        while first < len(lines):
            at = offsets[first]
            bucket = self._bucket(at)
            border = min(self._begin(bucket + 1), end)
            below = at < self._checkpoint
            if below:
                border = min(border, self._checkpoint)
            last = max(_position(offsets, border), first + 1)
            yield bucket, below, lines[first:last]
            first = last

    def _bucket(self, offset: int) -> int:
        bucket = bucket_of(offset)
        return bucket - 1 if bucket and offset < self._begin(bucket) else bucket

    def _begin(self, bucket: int) -> int:
        return max(bucket << BUCKET_BITS, self._firsts.get(bucket, 0))


def _position(offsets: Sequence[int], border: int) -> int:
    """The number of the first line that begins at the border or after it."""
    return bisect_right(offsets, border - 1)
