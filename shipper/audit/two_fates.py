"""Lines with two fates: their document is in the index, and the ledger counts them as dead letters.

A cluster may carry out a request that it left unanswered after the document was sent again and refused; and whoever
sends dead letters again can be killed before that is recorded. The index is right then, and the ledger is behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from shipper.audit.context import Context
from shipper.audit.drill import Comparison
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.reconcile import DiskEvent
from shipper.records import total


def two_fates(context: Context, family: Family, comparison: Comparison, dead: Collection[str]) -> Iterator[Finding]:
    """What is stored although it is a dead letter; `dead` are the ids of all that are both."""
    stored = comparison.matching.stored
    for events in _adjacent([event for event in comparison.events if event.id in dead and event.id in stored]):
        tally, first = total(event.tally for event in events), events[0]
        comparison.settled = comparison.settled.plus(tally)
        yield Finding(
            kind=Kind.DUPLICATE,
            cause=Cause.TWO_FATES,
            input=family.input,
            host=context.host,
            fingerprint=family.fingerprint,
            path=str(comparison.part.branch.file.path),
            offset=first.offset,
            first_line=first.line,
            last_line=first.line + max(tally.lines, 1) - 1,
            lines=max(tally.lines, 1),
            bytes=tally.bytes,
            evidence=_evidence([event.id for event in events]),
        )


def _evidence(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"document {names[0]} is in the index; `shipper dead-letters retry {names[0]}` counts it as stored"
    return (
        f"{len(names)} documents, {names[0]} to {names[-1]}, are in the index; `shipper dead-letters retry --all` "
        "counts them as stored"
    )


def _adjacent(events: Sequence[DiskEvent]) -> Iterator[Sequence[DiskEvent]]:
    first = 0
    for position in range(1, len(events) + 1):
        if position == len(events) or events[position].offset != events[position - 1].end:
            yield events[first:position]
            first = position
