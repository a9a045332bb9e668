"""Transfers and flows for tests of `shipper.correlate`: as values, and as the lines and documents that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipper.correlate.entries import Entry
from shipper.correlate.flows import End, Flow, Told
from shipper.correlate.gathering import Gathered
from shipper.correlate.transfers import Transfer
from support.gridftp_records import rebuilt

NOON = 1_519_819_200.0
"""2018-02-28 12:00:00 UTC."""
SERVER, CLIENT = "dtn01.example.org", "stash.example.org"
SERVER_ADDRESS, CLIENT_ADDRESS = "192.0.2.101", "203.0.113.10"
HOSTS_CSV = f"host,address\n{SERVER},{SERVER_ADDRESS}\n{CLIENT},{CLIENT_ADDRESS}\n"
_TSTAT_COLUMNS = "c_ip c_port c_bytes_uniq c_bytes_all s_ip s_port s_bytes_uniq s_bytes_all first last durat"


def transfer(start: float = NOON, seconds: float = 10.0, streams: int = 4, **changed: Any) -> Transfer:
    """An upload from CLIENT to SERVER; times in seconds since the epoch."""
    values: dict[str, Any] = {
        "host": SERVER,
        "peer": CLIENT,
        "receives": True,
        "bytes": 400_000_000,
        "kind": "STOR",
        "file": f"/data/{start:.0f}",
        "task": "none",
        "entry": Entry(f"transfer {start}", "gridftp.log", {}, 0, 1),
    }
    return Transfer(start=start, end=start + seconds, streams=streams, **{**values, **changed})


def flow(start: float = NOON, port: int = 20_001, seconds: float = 10.0, **changed: Any) -> Flow:
    """A connection from CLIENT to SERVER on which CLIENT sends."""
    values: dict[str, Any] = {
        "sender": End(frozenset({CLIENT}), port),
        "receiver": End(frozenset({SERVER}), 50_000),
        "bytes": 100_000_000.0,
        "timed_out": False,
        "documents": (Told(f"{port} {start}", "index", 0),),
    }
    return Flow(start=start, end=start + seconds, **{**values, **changed})


def flows(start: float, count: int = 4, first_port: int = 20_001, **changed: Any) -> list[Flow]:
    """Connections that begin together."""
    return [flow(start, first_port + number, **changed) for number in range(count)]


def gathered(transfers: Sequence[Transfer], found: Iterable[Flow]) -> Gathered:
    """The flows as they are gathered for the transfers."""
    result = Gathered(transfers)
    result.add_all(found)
    return result


def gridftp_line(one: Transfer) -> bytes:
    """The record of a transfer in the server's log."""
    fields = {
        "date": _iso(one.end),
        "host": one.host,
        "prog": "globus-gridftp-server",
        "start": _iso(one.start),
        "user": "alice",
        "file": one.file,
        "buffer": 0,
        "block": 262_144,
        "nbytes": one.bytes,
        "volume": "/",
        "streams": one.streams,
        "stripes": 1,
        "dest": CLIENT_ADDRESS if one.peer == CLIENT else one.peer or "0.0.0.0",
        "type": one.kind,
        "code": 226,
        "taskid": one.task,
    }
    return rebuilt(fields).encode() + b"\n"


def write_gridftp(path: Path, transfers: Iterable[Transfer]) -> Path:
    """A transfer log, in the order of completion."""
    path.write_bytes(b"".join(map(gridftp_line, sorted(transfers, key=lambda one: one.end))))
    return path


def write_tstat(path: Path, found: Iterable[Flow], addresses: dict[str, str] | None = None) -> Path:
    """A log of tstat; `addresses` are those of hosts, by name, beyond SERVER and CLIENT."""
    known = {SERVER: SERVER_ADDRESS, CLIENT: CLIENT_ADDRESS, **(addresses or {})}
    names = _TSTAT_COLUMNS.split()
    lines = ["#15#" + " ".join(f"{name}:{number}" for number, name in enumerate(names, 1))]
    lines += [" ".join(_row(one, known)) for one in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]))
    return path


def sent_document(one: Flow, ingested: str = "2018-02-28T13:00:00Z", **changed: Any) -> dict[str, Any]:
    """What tstat's own sender makes of a flow: whole seconds and bits."""
    (client,), (server,) = one.sender.hosts, one.receiver.hosts
    known = {SERVER: SERVER_ADDRESS, CLIENT: CLIENT_ADDRESS}
    assert one.end is not None
    return {
        "@timestamp": ingested,
        "start": int(one.start),
        "end": int(one.end),
        "meta": {
            "src_ip": known.get(client, client),
            "src_port": one.sender.port,
            "dst_ip": known.get(server, server),
            "dst_port": one.receiver.port,
            "sensor_id": SERVER,
        },
        "values": {"num_bits": int(8 * (one.bytes or 0))},
        **changed,
    }


def write_index(path: Path, documents: Iterable[dict[str, Any]]) -> Path:
    """An export of an index: a document a line, in the envelope of a cluster."""
    lines = [
        json.dumps({"_index": "flows", "_id": str(number), "_source": one}) for number, one in enumerate(documents)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _row(one: Flow, known: dict[str, str]) -> list[str]:
    (client,), (server,) = one.sender.hosts, one.receiver.hosts
    assert one.end is not None
    size = f"{one.bytes or 0:.0f}"
    times = [f"{one.start * 1000:.3f}", f"{one.end * 1000:.3f}", f"{(one.end - one.start) * 1000:.3f}"]
    ends = (known.get(client, client), one.sender.port, size, size, known.get(server, server), one.receiver.port, 0, 0)
    return [*map(str, ends), *times]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
