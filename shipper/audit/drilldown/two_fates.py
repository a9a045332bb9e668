"""Lines with two fates: their document is in the index, and the ledger counts them as dead letters.

A cluster may carry out a request that it left unanswered after the document was sent again and refused; and whoever
sends dead letters again can be killed before that is recorded. The index is right then, and the ledger is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipper.audit.drilldown.matching import DiskEvent, adjacent
from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.subjects import Stretch, Subject
from shipper.records import total


def two_fates(subject: Subject, both: Sequence[DiskEvent]) -> Iterator[Finding]:
    """Findings for events of a file that are stored and dead letters, both."""
    for events in adjacent(both):
        stretch = Stretch(events[0].offset, total(event.tally for event in events), events[0].line)
        yield subject.finding(Kind.DUPLICATE, Cause.TWO_FATES, _evidence([event.id for event in events]), stretch)


def _evidence(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"document {names[0]} is in the index; `shipper dead-letters retry {names[0]}` counts it as stored"
    return (
        f"{len(names)} documents, {names[0]} to {names[-1]}, are in the index; `shipper dead-letters retry --all` "
        "counts them as stored"
    )
