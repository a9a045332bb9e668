"""Which flows are the streams of which transfer. No input, no output.

A stream begins when its transfer does, give or take what clocks and rounding do, between the same two hosts, and goes
the same way. Where transfers lie so close that a flow could belong to several, each flow counts once, and as many
transfers as possible are complete. A connection that stays open after its transfer may serve a later one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.correlate.assignment import Edge, assign
from shipper.correlate.flows import Flow
from shipper.correlate.gathering import Route
from shipper.correlate.transfers import Transfer


class Limits(NamedTuple):
    """How far times may differ, in seconds."""

    window: float = 2.0
    """A stream begins at most so long after its transfer."""
    tolerance: float = 1.0
    """Clocks and rounding: a stream may seem to begin so long before its transfer, or to end so long before it does."""


@dataclass(slots=True)
class Match:
    """A transfer and its flows."""

    transfer: Transfer
    streams: list[Flow] = field(default_factory=list)
    reused: list[Flow] = field(default_factory=list)
    """Connections that an earlier transfer opened, and that were still open."""
    extra: list[Flow] = field(default_factory=list)
    """Flows that look like streams of this transfer, which has all of its own."""

    @property
    def found(self) -> int:
        """Streams of the transfer that are there."""
        return len(self.streams) + len(self.reused)

    @property
    def missing(self) -> int:
        """Streams of the transfer that are not there."""
        return self.transfer.streams - self.found

    @property
    def complete(self) -> bool:
        """Whether all are there."""
        return self.missing <= 0


def match(transfers: Sequence[Transfer], flows: Mapping[Route, Sequence[Flow]], limits: Limits) -> list[Match]:
    """A match for each transfer, in their order. The flows of each route are in the order of their begin."""
    matches = [Match(transfer) for transfer in transfers]
    pairs: dict[tuple[Route, str | None], list[Match]] = defaultdict(list)
    for item in matches:
        route = Route(item.transfer.host, item.transfer.receives)
        peer = item.transfer.peer or _likely_peer(item.transfer, flows.get(route, ()), limits)
        pairs[route, peer].append(item)
    for (route, peer), members in pairs.items():
        between = [flow for flow in flows.get(route, ()) if peer in _peers(flow, route)]
        members.sort(key=lambda item: item.transfer.start)
        _match_pair(members, between, limits)
    return matches


def _match_pair(members: Sequence[Match], flows: Sequence[Flow], limits: Limits) -> None:
    starts = [flow.start for flow in flows]
    edges = [
        Edge(_distance(item.transfer, flows[number]), owner, number)
        for owner, item in enumerate(members)
        for number in _in_window(item.transfer, starts, limits)
    ]
    owner_of = assign(edges, {owner: item.transfer.streams for owner, item in enumerate(members)})
    for number, owner in sorted(owner_of.items()):
        members[owner].streams.append(flows[number])
    left_over: set[int] = set()
    for edge in sorted(edges):
        if edge.item not in owner_of and edge.item not in left_over:
            left_over.add(edge.item)
            members[edge.owner].extra.append(flows[edge.item])
    _reuse(members, limits)


def _reuse(members: Sequence[Match], limits: Limits) -> None:
    """Count open connections of transfers that are over for those that lack streams."""
    still_open: list[tuple[Flow, float]] = []
    for item in members:
        transfer = item.transfer
        still_open = [(flow, busy) for flow, busy in still_open if flow.end is not None and flow.end >= transfer.start]
        free = [
            place
            for place, (flow, busy) in enumerate(still_open)
            if busy <= transfer.start + limits.tolerance and (flow.end or 0.0) >= transfer.end - limits.tolerance
        ]
        for place in free[: max(0, item.missing)]:
            flow = still_open[place][0]
            item.reused.append(flow)
            still_open[place] = (flow, transfer.end)
        still_open += [(flow, transfer.end) for flow in item.streams]


def _likely_peer(transfer: Transfer, flows: Sequence[Flow], limits: Limits) -> str | None:
    """The other end, where the server did not know it: that with most flows at the time, and among equals most data."""
    starts = [flow.start for flow in flows]
    count: Counter[str] = Counter()
    amount: Counter[str] = Counter()
    for number in _in_window(transfer, starts, limits):
        flow = flows[number]
        name = min(_peers(flow, Route(transfer.host, transfer.receives)))
        count[name] += 1
        amount[name] += int(flow.bytes or 0)
    return max(count, key=lambda name: (min(count[name], transfer.streams), amount[name]), default=None)


def _peers(flow: Flow, route: Route) -> frozenset[str]:
    return flow.sender.hosts if route.receives else flow.receiver.hosts


def _in_window(transfer: Transfer, starts: Sequence[float], limits: Limits) -> range:
    latest = min(transfer.start + limits.window, transfer.end + limits.tolerance)
    return range(bisect_left(starts, transfer.start - limits.tolerance), _after(starts, latest))


def _after(starts: Sequence[float], latest: float) -> int:
    # Half a microsecond: what doubles cannot tell apart is equal.
    return bisect_left(starts, latest + 5e-7)


def _distance(transfer: Transfer, flow: Flow) -> float:
    """Seconds between the begins, and between the ends where they are known."""
    ends = 0.0 if flow.end is None else abs(flow.end - transfer.end)
    return abs(flow.start - transfer.start) + ends
