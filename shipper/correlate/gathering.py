"""Of all flows those that can belong to some transfers: between the same hosts, with data in the same direction.

Logins, control connections, and whatever else the hosts did, is passed by, so that what is kept is not much more than
the streams of the transfers. No input, no output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shipper.correlate.flows import End, Flow, Told
from shipper.correlate.transfers import Transfer

CONTROL_PORTS = frozenset({21, 22, 443, 2811})
"""Ports on which no data connection of GridFTP ends: FTP, SSH, Globus Connect, GridFTP."""


class Route(NamedTuple):
    """From the point of view of a server: in which direction data went."""

    host: str
    receives: bool


@dataclass(slots=True)
class Range:
    """From when to when something was seen; seconds since the epoch."""

    first: float
    last: float

    def add(self, start: float, end: float) -> None:
        """Include a span."""
        self.first, self.last = min(self.first, start), max(self.last, start, end)


class Gathered:
    """The flows of a source that can belong to the transfers, each once, however often the source tells of it."""

    def __init__(self, transfers: Sequence[Transfer], control_ports: Collection[int] = CONTROL_PORTS) -> None:
        self._control_ports = control_ports
        self._peers: dict[Route, set[str | None]] = defaultdict(set)
        for transfer in transfers:
            self._peers[Route(transfer.host, transfer.receives)].add(transfer.peer)
        self._hosts = {transfer.host for transfer in transfers}
        self._flows: dict[int, Flow] = {}
        self.hosts: dict[str, Range] = {}
        """The transfers' servers that were seen as an end of any flow, and when."""
        self.range: Range | None = None
        """Of all flows."""

    def add_all(self, flows: Iterable[Flow | None]) -> None:
        """Take what can belong to the transfers, and note who was seen."""
        for flow in flows:
            if flow is not None:
                self._add(flow)

    def routes(self) -> dict[Route, list[Flow]]:
        """The flows by route, oldest first. A flow between two servers is on a route of each."""
        found: dict[Route, list[Flow]] = defaultdict(list)
        for flow in sorted(self._flows.values(), key=lambda item: item.start):
            for route in self._routes_of(flow):
                found[route].append(flow)
        return found

    @property
    def flows(self) -> list[Flow]:
        """All that are on a route of a transfer."""
        return [flow for flow in self._flows.values() if any(self._routes_of(flow))]

    def _add(self, flow: Flow) -> None:
        last = flow.start if flow.end is None else flow.end
        if self.range is None:
            self.range = Range(flow.start, flow.start)
        self.range.add(flow.start, last)
        for host in (flow.sender.hosts | flow.receiver.hosts) & self._hosts:
            self.hosts.setdefault(host, Range(flow.start, flow.start)).add(flow.start, last)
        if flow.sender.port in self._control_ports or flow.receiver.port in self._control_ports:
            return
        turned = flow._replace(sender=flow.receiver, receiver=flow.sender)
        if any(self._routes_of(flow)) or any(self._routes_of(turned)):
            known = self._flows.get(flow.key)
            self._flows[flow.key] = flow if known is None else _merged(known, flow)

    def _routes_of(self, flow: Flow) -> Iterator[Route]:
        yield from self._routes(flow.receiver, flow.sender, receives=True)
        yield from self._routes(flow.sender, flow.receiver, receives=False)

    def _routes(self, end: End, other: End, *, receives: bool) -> Iterator[Route]:
        for host in end.hosts & self._hosts:
            peers = self._peers.get(Route(host, receives), set())
            if None in peers or peers & other.hosts:
                yield Route(host, receives)


def _merged(known: Flow, flow: Flow) -> Flow:
    """One flow of two that are told of one connection: duplicates, copies of a row, or its two directions."""
    if known.sender == flow.sender:
        ids = {_identity(entry) for entry in known.documents}
        more = [entry for entry in flow.documents if _identity(entry) not in ids]
        return known._replace(documents=(*known.documents, *more), timed_out=known.timed_out and flow.timed_out)
    return max(known, flow, key=lambda item: item.bytes or 0)


def _identity(entry: Told) -> tuple[str, str]:
    """Copies of a row agree in their ids; documents of two indices do not agree by that."""
    return (entry.id, "" if entry.line else entry.place)
