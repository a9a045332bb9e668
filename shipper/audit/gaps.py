"""Losses at the source: bytes that the agent saw and could not read any more."""

from __future__ import annotations

from shipper.audit.context import Context
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Finding, Kind, Outcome
from shipper.records import Mark, MarkKind

_CAUSES = {"truncated": Cause.TRUNCATED, "deleted": Cause.DELETED}


def lost_at_source(context: Context, family: Family, *, end: int) -> Outcome:
    """The gaps that no file on disk (which goes to `end`) and no row fills: a copy may have kept the bytes."""
    outcome = Outcome()
    reached = max((claim.row.offset for claim in family.claims), default=0)
    seen: set[Mark] = set()
    for claim in family.claims:
        for mark in claim.row.marks:
            size = _size(mark)
            if mark.kind is MarkKind.GAP and mark not in seen and mark.offset + size > max(end, reached):
                seen.add(mark)
                outcome.report(_finding(context, family, claim.row.current_path, mark, size))
    return outcome


def _size(mark: Mark) -> int:
    _, _, size = mark.value.partition(":")
    return int(size) if size.isdigit() else 0


def _finding(context: Context, family: Family, path: str, mark: Mark, size: int) -> Finding:
    reason = mark.value.partition(":")[0]
    return Finding(
        kind=Kind.LOST_AT_SOURCE,
        cause=_CAUSES.get(reason, Cause.LOST),
        input=family.input,
        host=context.host,
        fingerprint=family.fingerprint,
        path=path,
        offset=mark.offset,
        first_line=None,
        last_line=None,
        lines=1,
        bytes=size,
        evidence=f"the agent saw {size} bytes from offset {mark.offset} on and could not read them any more: {reason}; "
        "they hold at least one line",
    )
