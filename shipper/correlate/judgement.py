"""What is said of each transfer: complete, incomplete or not checked, and what local logs know of missing streams.

No input, no output. Nothing is called missing where nobody looked: a host without logs, a time that its logs do not
cover, and a host of which no address is known, are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shipper.correlate.flows import Flow
from shipper.correlate.gathering import Gathered, Range
from shipper.correlate.hosts import Hosts, is_address
from shipper.correlate.matching import Limits, Match, match
from shipper.correlate.transfers import Transfer


class Status(StrEnum):
    """What became of a transfer's streams."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    NOT_CHECKED = "not_checked"


@dataclass(slots=True)
class Judged:
    """A transfer, as a source of flows knows it."""

    match: Match
    status: Status
    why: str = ""
    """Why it was not checked."""
    local: Match | None = None
    """What the logs of its host say; None where there are none."""
    missing_flows: list[Flow] = field(default_factory=list)
    """Streams that are in the logs of its host and not in the index."""
    cause: str = ""

    @property
    def transfer(self) -> Transfer:
        """The transfer."""
        return self.match.transfer

    @property
    def missing(self) -> int:
        """Streams that are missing for sure."""
        return max(0, self.match.missing) if self.status is Status.INCOMPLETE else 0

    @property
    def minute(self) -> int:
        """The minute of the hour in which it began, UTC."""
        return int(self.transfer.start // 60 % 60)


def judge_by_index(
    transfers: Sequence[Transfer],
    index: Gathered,
    logs: Gathered | None,
    hosts: Hosts,
    limits: Limits,
    would_know: Callable[[str], bool],
) -> list[Judged]:
    """Each transfer by the documents of an index; what is missing is looked for in local logs.

    `would_know` tells whether the documents' names and addresses can be compared with a host's.
    """
    judged = []
    for item in match(transfers, index.routes(), limits):
        ends = (item.transfer.host, item.transfer.peer)
        strange = [end for end in ends if end is not None and not would_know(end)]
        if item.complete or not strange:
            judged.append(Judged(item, Status.COMPLETE if item.complete else Status.INCOMPLETE))
        else:
            judged.append(Judged(item, Status.NOT_CHECKED, f"the documents name {strange[0]} otherwise, if at all"))
    if logs is not None:
        for one, local in zip(judged, match(transfers, logs.routes(), limits), strict=True):
            if not _why_not_covered(local.transfer, logs, hosts):
                one.local = local
                one.missing_flows = _not_in(one.match, local.streams, limits) if one.missing else []
    return judged


def judge_by_logs(transfers: Sequence[Transfer], logs: Gathered, hosts: Hosts, limits: Limits) -> list[Judged]:
    """Each transfer by the logs of its host."""
    judged = []
    for item in match(transfers, logs.routes(), limits):
        why = "" if item.complete else _why_not_covered(item.transfer, logs, hosts)
        status = Status.COMPLETE if item.complete else Status.NOT_CHECKED if why else Status.INCOMPLETE
        judged.append(Judged(item, status, why))
    return judged


def without_transfer(judged: Sequence[Judged], gathered: Gathered) -> list[Flow]:
    """Flows that look like streams, and belong to no transfer of the list."""
    used = {flow.key for one in judged for flow in (*one.match.streams, *one.match.reused, *one.match.extra)}
    return [flow for flow in gathered.flows if flow.key not in used]


def _why_not_covered(transfer: Transfer, logs: Gathered, hosts: Hosts) -> str:
    covered = logs.hosts.get(transfer.host)
    if covered is None:
        known = "" if hosts.lists(transfer.host) or is_address(transfer.host) else ", and no address of it is known"
        return f"no flow of {transfer.host} is in the logs{known}"
    return "" if _covers(covered, transfer) else f"the logs of {transfer.host} do not cover the time"


def _covers(covered: Range, transfer: Transfer) -> bool:
    return covered.first <= transfer.end and transfer.start <= covered.last


def _not_in(indexed: Match, local: Sequence[Flow], limits: Limits) -> list[Flow]:
    there = [*indexed.streams, *indexed.reused, *indexed.extra]
    return [flow for flow in local if not any(_is_same(flow, other, limits) for other in there)]


def _is_same(flow: Flow, other: Flow, limits: Limits) -> bool:
    ports = {flow.sender.port, flow.receiver.port} == {other.sender.port, other.receiver.port}
    return ports and abs(flow.start - other.start) <= limits.tolerance
