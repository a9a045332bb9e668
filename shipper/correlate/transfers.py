"""GridFTP transfers: the records of a transfer log that moved a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple

from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Hosts, is_address
from shipper.correlate.quantities import DATE, quantity

_TO_HOST = {"STOR": True, "ESTO": True, "RETR": False, "ERET": False}
_UNKNOWN = {"0.0.0.0", "::", ""}  # noqa: S104  written by servers that do not know their client


class Transfer(NamedTuple):
    """One file that was moved."""

    start: float
    """Seconds since the epoch."""
    end: float
    host: str
    """The server, as the table of hosts calls it."""
    peer: str | None
    """The other end of the data connections; None where the server did not know it."""
    receives: bool
    """Whether the server received."""
    streams: int
    """Connections that are expected: streams × stripes."""
    bytes: int
    kind: str
    """`STOR`, `RETR` …"""
    file: str
    task: str
    entry: Entry


@dataclass(slots=True)
class Skipped:
    """Records that are no transfer, or of which too much is missing."""

    other: int = 0
    """Listings, and what a server wrote of a connection with itself."""
    damaged: list[str] = field(default_factory=list)
    """Where they stand."""
    copies: int = 0
    """Records that stand in a copy of the file, too."""


def transfers(entries: Iterable[Entry], hosts: Hosts, default_host: str, skipped: Skipped) -> Iterator[Transfer]:
    """The transfers among the records; `default_host` is the server of those that do not name it."""
    seen: set[str] = set()
    for entry in entries:
        kind = entry.value("gridftp.type")
        if (isinstance(kind, str) and kind not in _TO_HOST) or _is_loopback(str(entry.value("gridftp.dest"))):
            skipped.other += 1
        elif entry.id in seen:
            skipped.copies += 1
        elif (transfer := _transfer(entry, hosts, default_host)) is None:
            skipped.damaged.append(f"{entry.place}:{entry.line}" if entry.line else f"{entry.place}/{entry.id}")
        else:
            seen.add(entry.id)
            yield transfer


def _is_loopback(address: str) -> bool:
    return is_address(address) and ip_address(address).is_loopback


def _transfer(entry: Entry, hosts: Hosts, default_host: str) -> Transfer | None:
    kind, streams = entry.value("gridftp.type"), entry.value("gridftp.streams")
    start, end = (quantity(entry.value(name), DATE) for name in ("gridftp.start", "gridftp.date"))
    host = entry.value("gridftp.host") or entry.value("host.name") or default_host
    if kind not in _TO_HOST or not isinstance(streams, int) or start is None or end is None or not host:
        return None
    peer = str(entry.value("gridftp.dest") or "")
    return Transfer(
        start=start,
        end=end,
        host=hosts.of(host, start),
        peer=None if peer in _UNKNOWN else hosts.of(peer, start),
        receives=_TO_HOST[kind],
        streams=streams * max(1, entry.value("gridftp.stripes") or 1),
        bytes=entry.value("gridftp.nbytes") or 0,
        kind=kind,
        file=str(entry.value("gridftp.file") or ""),
        task=str(entry.value("gridftp.taskid") or ""),
        entry=entry._replace(fields={}),
    )
