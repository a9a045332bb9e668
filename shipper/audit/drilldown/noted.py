"""Dead letters without a state: what the ledger documents in the output say of a file, as far as disk and index agree.

A document of the ledger names no line, it counts them. So it is asked three things, bucket by bucket. Is it about these
lines: do all its fates add up to what stands on disk before its checkpoint, in lines, bytes and both sums of hashes?
Which of the absent lines add up to its dead ones: those that are all, or the only choice that does? And does every
other ledger of these lines agree? What fails one of them explains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from shipper.audit.claims import NONE, Claim
from shipper.audit.drilldown.choices import adding_up
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.matching import DiskEvent
from shipper.audit.families import Family
from shipper.records import Tally, bucket_of, total
from shipper.wording import counted


class Letters(NamedTuple):
    """Which absent events are dead letters."""

    offsets: frozenset[int]
    untold: Mapping[int, str]
    """By bucket, what is to be said where it cannot be told which ones they are."""

    def apply(self, comparison: Comparison) -> None:
        """Tell a comparison of them."""
        comparison.refused |= {event.offset for event in comparison.matching.absent if event.offset in self.offsets}
        comparison.untold = self.untold


NO_LETTERS = Letters(frozenset(), {})


def letters_of(family: Family, comparisons: Iterable[Comparison]) -> Letters:
    """What the ledger documents tell of the absent events of adjacent comparisons of one file."""
    offsets: set[int] = set()
    untold: dict[int, str] = {}
    for bucket, known in _buckets(family.noted, comparisons):
        fitting = known.fitting()
        dead = fitting[0].dead(bucket) if fitting else NONE
        if not any(dead):
            continue
        chosen = _chosen_by_all(fitting, bucket, known.absent)
        if chosen is None:
            letters = counted(max(dead.lines, 1), "dead letter")
            untold[bucket] = f"; ledger documents count {letters} in this part of the file, but not which"
        else:
            offsets.update(event.offset for event in chosen)
    return Letters(frozenset(offsets), untold)


@dataclass(slots=True)
class _Bucket:
    """What stands on disk in one bucket."""

    number: int
    claims: Sequence[Claim]
    """The furthest first."""
    below: list[Tally]
    """What stands before the checkpoint of each."""
    absent: list[DiskEvent] = field(default_factory=list)
    """Events that no document and no rule explains."""

    def add(self, events: Sequence[DiskEvent], unexplained: Iterable[str]) -> None:
        """Events that follow, and the ids of those that nothing explains."""
        for number, claim in enumerate(self.claims):
            more = total(event.tally for event in events if event.offset < claim.row.offset)
            self.below[number] = self.below[number].plus(more)
        self.absent += [event for event in events if event.id in unexplained]

    def fitting(self) -> list[Claim]:
        """The claims that are about these lines."""
        return [
            claim
            for claim, below in zip(self.claims, self.below, strict=True)
            if any(below) and claim.settled(self.number) == below
        ]


def _buckets(noted: Sequence[Claim], comparisons: Iterable[Comparison]) -> Iterator[tuple[int, _Bucket]]:
    """One bucket after the other; a comparison may begin or end within one."""
    claims = sorted(noted, key=lambda claim: claim.row.offset, reverse=True)
    current: _Bucket | None = None
    for comparison in comparisons:
        unexplained = {event.id for event in comparison.matching.absent if event.offset not in comparison.filtered}
        for number, events in groupby(comparison.events, key=lambda event: bucket_of(event.offset)):
            if current is not None and current.number != number:
                yield current.number, current
                current = None
            current = current or _Bucket(number, claims, [NONE] * len(claims))
            current.add(list(events), unexplained)
    if current is not None:
        yield current.number, current


def _chosen_by_all(claims: Sequence[Claim], bucket: int, absent: Sequence[DiskEvent]) -> list[DiskEvent] | None:
    """The events that are dead by the furthest of some claims, if no other claim on these lines contradicts."""
    chosen = _choice(claims[0], bucket, absent)
    if chosen is None:
        return None
    for other in claims[1:]:
        if total(event.tally for event in chosen if event.offset < other.row.offset) != other.dead(bucket):
            return None
    return chosen


def _choice(claim: Claim, bucket: int, absent: Sequence[DiskEvent]) -> list[DiskEvent] | None:
    candidates = [event for event in absent if event.offset < claim.row.offset]
    numbers = adding_up([event.tally for event in candidates], claim.dead(bucket))
    return None if numbers is None else [candidates[number] for number in numbers]
