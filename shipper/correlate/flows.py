"""TCP flows as tstat saw them: from its logs, from documents of ours, and from those of its own sender."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import NamedTuple

import orjson
from xxhash import xxh3_128_intdigest

from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Hosts, is_address, normal
from shipper.correlate.quantities import DATE, quantity
from shipper.errors import UsageError

_MOST_PORTS = 65535


class End(NamedTuple):
    """One end of a flow."""

    hosts: frozenset[str]
    """The host; more than one where its name and its address are not known to belong together."""
    port: int


class Told(NamedTuple):
    """Where a flow is told of."""

    id: str
    place: str
    """The file, or the concrete index."""
    line: int
    """Of the file; 0 for documents."""
    body: bytes = b""
    """A document's JSON, for it may be compared with its duplicates."""


class Flow(NamedTuple):
    """One TCP connection. What was sent is told for the side that sent more."""

    sender: End
    receiver: End
    start: float
    """Seconds since the epoch, perhaps cut to whole seconds."""
    end: float | None
    bytes: float | None
    """Sent by the sender."""
    documents: tuple[Told, ...]
    """More than one are duplicates, or its two directions."""
    timed_out: bool
    """Whether it ended without being closed, so that it is in `log_tcp_nocomplete`."""

    @property
    def key(self) -> int:
        """Equal for all that is told of one connection; a hash, for there may be millions."""
        ends = sorted((end.port, sorted(end.hosts)) for end in (self.sender, self.receiver))
        return xxh3_128_intdigest(orjson.dumps([ends, self.start]))


@dataclass(frozen=True, slots=True)
class Layout:
    """Which fields of a document hold what. Of several fields all that are there count, as names of one host."""

    client: tuple[str, ...]
    client_port: str
    server: tuple[str, ...]
    server_port: str
    start: tuple[str, str]
    """Field and unit."""
    end: tuple[str, str] | None = None
    forward: tuple[str, str] | None = None
    """What the client sent."""
    backward: tuple[str, str] | None = None


OURS = Layout(
    ("tstat.c_ip",), "tstat.c_port", ("tstat.s_ip",), "tstat.s_port", ("event.start", DATE), ("event.end", DATE),
    ("tstat.c_bytes_uniq", "B"), ("tstat.s_bytes_uniq", "B"),
)  # fmt: skip
"""Documents of the pipeline `tstat-tcp`."""
TSTAT_SEND = Layout(
    ("meta.src_ip", "source"), "meta.src_port", ("meta.dst_ip", "dest"), "meta.dst_port", ("start", "s"), ("end", "s"),
    ("values.num_bits", "bit"),
)  # fmt: skip
"""Documents of ESnet's `tstat_send`, one for each direction."""
ECS = Layout(
    ("source.ip", "source.domain"), "source.port", ("destination.ip", "destination.domain"), "destination.port",
    ("event.start", DATE), ("event.end", DATE), ("source.bytes", "B"), ("destination.bytes", "B"),
)  # fmt: skip
"""Flows of anything that follows the Elastic Common Schema."""
LAYOUTS = (OURS, TSTAT_SEND, ECS)


class FlowReader:
    """Makes flows of documents, whichever of the layouts they have."""

    def __init__(self, hosts: Hosts, layouts: tuple[Layout, ...] = LAYOUTS, zone: tzinfo = UTC) -> None:
        """`zone` is that of times which name none."""
        self._hosts = hosts
        self._layouts = layouts
        self._zone = zone
        self.strangers = 0
        """Documents that tell of no flow."""
        self.flows = 0
        self._named = self._addressed = False
        self._known: dict[frozenset[str], frozenset[str]] = {}

    def flow(self, entry: Entry) -> Flow | None:
        """The flow that a document tells of; None if it tells of none."""
        for layout in self._layouts:
            if (flow := self._read(entry, layout)) is not None:
                self.flows += 1
                return flow
        self.strangers += 1
        return None

    def would_know(self, host: str) -> bool:
        """Whether flows of a host would be recognised, if there were any: names alone do not lead to addresses."""
        return not self.flows or self._hosts.lists(host) or (self._addressed if is_address(host) else self._named)

    def require_flows(self, index: str) -> None:
        """Raises UsageError where documents were read and none of them tells of a flow: the layout is another."""
        if self.strangers and not self.flows:
            wanted = "; ".join(
                f"{layout.start[0]}, {layout.client[0]}, {layout.client_port}, {layout.server[0]}, {layout.server_port}"
                for layout in self._layouts
            )
            raise UsageError(
                f"None of the {self.strangers:,} documents of {index} tells of a TCP flow: they lack the fields "
                f"{wanted}. Say with --fields where they have start, client and server."
            )

    def _read(self, entry: Entry, layout: Layout) -> Flow | None:
        start = quantity(entry.value(layout.start[0]), layout.start[1], self._zone)
        if start is None:
            return None
        client = self._end(entry, layout.client, layout.client_port, start)
        server = self._end(entry, layout.server, layout.server_port, start)
        if client is None or server is None:
            return None
        forward, backward = self._amount(entry, layout.forward), self._amount(entry, layout.backward)
        returned = (backward or 0) > (forward or 0)
        return Flow(
            sender=server if returned else client,
            receiver=client if returned else server,
            start=start,
            end=self._amount(entry, layout.end),
            bytes=backward if returned else forward,
            documents=(Told(entry.id, entry.place, entry.line, b"" if entry.line else orjson.dumps(entry.fields)),),
            timed_out="nocomplete" in entry.place.rpartition("/")[2],
        )

    def _end(self, entry: Entry, fields: tuple[str, ...], port_field: str, at: float) -> End | None:
        labels = [label for name in fields if isinstance(label := entry.value(name), str) and label]
        port = _port(entry.value(port_field))
        if not labels or port is None:
            return None
        plain = [normal(label) for label in labels]
        self._addressed = self._addressed or any(map(is_address, plain))
        self._named = self._named or not all(map(is_address, plain))
        hosts = frozenset(self._hosts.of(label, at) for label in plain)
        return End(self._known.setdefault(hosts, hosts), port)

    def _amount(self, entry: Entry, source: tuple[str, str] | None) -> float | None:
        return None if source is None else quantity(entry.value(source[0]), source[1], self._zone)


def _port(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST_PORTS else None
