"""Losses at the source: bytes that the agent saw and could not read any more."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.audit.claims import Claim
from shipper.audit.context import Context
from shipper.audit.families import Family, Part
from shipper.audit.findings import Cause, Finding, Kind, Outcome
from shipper.audit.subjects import Stretch
from shipper.records import FileRow, Mark, MarkKind, Tally
from shipper.wording import counted

_CAUSES = {"truncated": Cause.TRUNCATED, "deleted": Cause.DELETED}


def lost_at_source(context: Context, family: Family, parts: Sequence[Part]) -> Outcome:
    """The gaps that no copy filled: no file on disk with the same lines before it, and none that was read on after.

    Raises OutputError.
    """
    outcome = Outcome()
    seen: set[Mark] = set()
    for claim in family.claims:
        for mark in claim.row.marks:
            if mark.kind is not MarkKind.GAP or mark in seen:
                continue
            start, end = max(mark.offset, _reached(claim, family, parts)), mark.offset + mark.lost
            if start >= end:
                continue
            seen.add(mark)
            size = end - start - _sent_before(context, family, parts, start, end)
            if size > 0:
                outcome.report(_finding(context, family, claim.row.current_path, mark, start, size))
    return outcome


def _reached(claim: Claim, family: Family, parts: Sequence[Part]) -> int:
    """How far the lines of a claim are known: in a copy on disk, or read from one that is gone."""
    # Of a file that nothing was read of no more is known than how it began: as all of its family do.
    unknown = claim.row.offset == 0
    same = (part for part in parts if unknown or any(other.row.id == claim.row.id for other in part.agreeing))
    on_disk = max((part.measure.end + part.measure.partial.bytes for part in same), default=0)
    heirs = {row.id for row in _rows(family)} if unknown else {claim.row.id}
    while more := {row.id for row in _rows(family) if row.heir_of in heirs} - heirs:
        heirs |= more
    return max(on_disk, *(row.offset for row in _rows(family) if row.id in heirs))


def _sent_before(context: Context, family: Family, parts: Sequence[Part], start: int, end: int) -> int:
    """Bytes of a gap that an agent had sent before it was killed: the index holds them beyond the checkpoint.

    Only where nothing else begins the same: documents of another content could stand at the same offsets.
    """
    if parts or len(family.claims) > 1:
        return 0
    spans = context.output.spans(family.fingerprint, start, end)
    return sum(span.tally.bytes for span in spans)


def _rows(family: Family) -> list[FileRow]:
    return [claim.row for claim in family.claims]


def _finding(context: Context, family: Family, path: str, mark: Mark, start: int, size: int) -> Finding:
    reason = mark.value.partition(":")[0]
    evidence = (
        f"the agent saw {counted(size, 'byte')} from offset {start} on and could not read them any more: {reason}; "
        "they hold at least one line"
    )
    cause = _CAUSES.get(reason, Cause.LOST)
    return context.subject(family, path).finding(Kind.LOST_AT_SOURCE, cause, evidence, Stretch(start, Tally(1, size)))
