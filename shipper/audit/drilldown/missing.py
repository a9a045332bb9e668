"""Why events that should be in the index are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shipper.audit.claims import DEAD
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.matching import DiskEvent
from shipper.audit.extents import Slice
from shipper.audit.families import Family
from shipper.audit.findings import RESEND, Cause, Kind, ledger_and_index
from shipper.records import bucket_of


class Reason(NamedTuple):
    """Why an event is not in the index, and what mends it."""

    kind: Kind
    cause: Cause
    evidence: str
    repair: str | None


class _Counts(NamedTuple):
    """Lines by bucket."""

    held: Mapping[int, int]
    missing: Mapping[int, int]


def reasons(family: Family, comparison: Comparison, events: Sequence[DiskEvent], edited_at: int | None) -> list[Reason]:
    """The reason of each of the events that the index lacks; from `edited_at` on the file is not what was read."""
    missing = _lines_by_bucket(event for event in events if event.id not in comparison.matching.added)
    counts = _Counts(_held(family, comparison), missing)
    return [_reason(comparison, event, counts, edited_at) for event in events]


def _reason(comparison: Comparison, event: DiskEvent, counts: _Counts, edited_at: int | None) -> Reason:
    if event.id in comparison.matching.added:
        return Reason(Kind.ALTERED, Cause.ADDED_ON_DISK, "the file was edited here after it was read", None)
    repair: str | None = RESEND
    after = ""
    if edited_at is not None and event.offset >= edited_at:
        repair, after = None, "; the file was edited before it, so it is not repaired"
    bucket, claim = bucket_of(event.offset), comparison.part.claim
    if claim is None:
        return Reason(Kind.MISSING, Cause.NOT_IN_INDEX, comparison.why_absent(bucket) + after, repair)
    claimed, there = claim.stored(bucket).lines, counts.held.get(bucket, 0)
    was_stored = claimed >= there + counts.missing[bucket]
    cause = Cause.GONE_FROM_INDEX if was_stored else Cause.NEVER_ACKNOWLEDGED
    return Reason(Kind.MISSING, cause, ledger_and_index(claimed, there) + after, repair)


def _held(family: Family, comparison: Comparison) -> Mapping[int, int]:
    """Lines that the index holds below the checkpoint, by bucket, be they altered; of a slice whole buckets."""
    matching, reach = comparison.matching, comparison.part.reach
    held = [*matching.stored.items(), *((item.event.id, item.document) for item in matching.changed)]
    counted = {name for name, document in held if document.place != DEAD and document.offset < reach}
    lines = _lines_by_bucket(event for event in comparison.events if event.id in counted)
    if isinstance(comparison.extent, Slice):
        whole = (bucket for bucket in family.held if bucket < bucket_of(reach))
        return {**lines, **{bucket: family.index_tally(bucket).lines for bucket in whole}}
    return lines


def _lines_by_bucket(events: Iterable[DiskEvent]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for event in events:
        counts[bucket_of(event.offset)] += event.tally.lines
    return counts
