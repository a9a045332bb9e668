"""Which files and buckets an audit of some span of event time looks at.

Left out is only what the index and the disk show to lie outside: a bucket whose documents, and those of the bucket
next to it, are all too old or too new. Where documents are missing nobody knows their times, so the end of a file is
too old only if the file was not changed since, and its beginning too new only if the index holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shipper.audit.claims import FamilyKey
from shipper.audit.disk import DiskFile
from shipper.audit.families import Family
from shipper.errors import SourceError
from shipper.send.output import Period

HISTORY_STEP = 3600
"""Seconds to which the index is asked for the times of a bucket."""
_HEADER = 64 * 1024
"""Bytes that the lines before a file's first document may have."""


class Window(NamedTuple):
    """A span of event time, both ends in seconds since the epoch and within it; None is without end."""

    since: float | None = None
    until: float | None = None

    @property
    def is_everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self.since is None and self.until is None

    def is_after(self, file: DiskFile) -> bool:
        """Whether nothing was written to a file within the window or later."""
        return self.since is not None and file.modified < self.since


EVERYTHING = Window()


class Times(NamedTuple):
    """Between which moments (seconds since the epoch) the events of some documents happened."""

    earliest: float
    latest: float


def within(window: Window, families: Iterable[Family], periods: Iterable[Period]) -> list[Family]:
    """The families that have something to look at; each is told which buckets those are."""
    times = _times(periods)
    chosen = []
    for family in families:
        buckets: dict[int, Times] = {}
        for fingerprint in family.fingerprints:
            for bucket, found in times.get((family.input, fingerprint), {}).items():
                buckets[bucket] = _both(buckets.get(bucket), found)
        choice = _Choice(window, buckets, _ended_before(window, family), _begin_is_held(family))
        family.wanted = choice.wants
        if choice.wants_any(family):
            chosen.append(family)
    return chosen


@dataclass(frozen=True, slots=True)
class _Choice:
    window: Window
    times: Mapping[int, Times]
    ended_before: bool
    """Whether what follows the last document, if anything, is too old."""
    begin_is_held: bool
    """Whether nothing precedes the first document."""

    def wants(self, bucket: int) -> bool:
        """Whether something of the window may be in a bucket."""
        return not (self._is_too_old(bucket) or self._is_too_new(bucket))

    def wants_any(self, family: Family) -> bool:
        """Whether something of the window may be in the family, also beyond its last document."""
        last = max(self.times, default=-1)
        claimed = {bucket for claim in family.claims for bucket in claim.ledger}
        return any(self.wants(bucket) for bucket in {*self.times, *claimed, last + 1})

    def _is_too_old(self, bucket: int) -> bool:
        since = self.window.since
        if since is None:
            return False
        if bucket >= max(self.times, default=-1) and not self.ended_before:
            return False
        near = _known(self.times.get(bucket), self.times.get(bucket + 1))
        return all(times.latest < since for times in near) and (bool(near) or self.ended_before)

    def _is_too_new(self, bucket: int) -> bool:
        until = self.window.until
        if until is None or (bucket <= min(self.times, default=0) and not self.begin_is_held):
            return False
        near = _known(self.times.get(bucket), self.times.get(bucket - 1))
        return bool(near) and all(times.earliest > until for times in near)


def _times(periods: Iterable[Period]) -> dict[FamilyKey, dict[int, Times]]:
    found: dict[FamilyKey, dict[int, Times]] = {}
    for period in periods:
        buckets = found.setdefault((period.input, period.fingerprint), {})
        buckets[period.bucket] = _both(buckets.get(period.bucket), Times(period.start, period.start + HISTORY_STEP))
    return found


def _both(one: Times | None, other: Times) -> Times:
    return other if one is None else Times(min(one.earliest, other.earliest), max(one.latest, other.latest))


def _known(*times: Times | None) -> Sequence[Times]:
    return [one for one in times if one is not None]


def _ended_before(window: Window, family: Family) -> bool:
    """Whether the family's files were not written to any more; of those that are gone, only the ledger could tell."""
    if not family.files:
        return not family.claims
    return all(window.is_after(file) for file in family.files)


def _begin_is_held(family: Family) -> bool:
    """Whether only header lines stand before the first document that the index holds."""
    first = min((held.first for held in family.held.values()), default=None)
    if first is None or first > _HEADER:
        return False
    try:
        heads = [file.at(0, first) for file in family.files]
    except SourceError:
        return False  # it is examined, and found unreadable
    return bool(family.files or not family.claims) and all(
        line.startswith(b"#") for head in heads for line in head.split(b"\n")[:-1]
    )
