"""Records of the GridFTP transfer log: rebuilt from the fields of a document, and made from values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UNTIL_USER = (("HOST", "host"), ("PROG", "prog"))
AFTER_FILE = (
    ("BUFFER", "buffer"),
    ("BLOCK", "block"),
    ("NBYTES", "nbytes"),
    ("VOLUME", "volume"),
    ("STREAMS", "streams"),
    ("STRIPES", "stripes"),
)
CUT = 4095
"""Bytes after which the server's buffer cuts a record, and its newline with it."""


def stamp(time: str) -> str:
    """`20261121231203.659366` for `2026-11-21T23:12:03.659366Z`."""
    return re.sub("[-:TZ]", "", time)


def rebuilt(gridftp: Mapping[str, Any]) -> str:
    """The text of a record from the fields below `gridftp.`; of a cut one, as far as it went."""
    parts = [f"DATE={stamp(gridftp['date'])}"]
    parts += [f"{key}={gridftp[name]}" for key, name in UNTIL_USER if name in gridftp]
    if "start" in gridftp:
        parts += ["NL.EVNT=FTP_INFO", f"START={stamp(gridftp['start'])}"]
    # An empty value is no field: of a record that is whole, these keys are there all the same.
    whole = "truncated" not in gridftp
    parts += [f"USER={gridftp.get('user', '')}"] if whole or "user" in gridftp else []
    parts += [f"{key}={gridftp[name]}" for key, name in (("SHARE", "share"), ("SHAREE", "sharee")) if name in gridftp]
    parts += [f"FILE={gridftp.get('file', '')}"] if whole or "file" in gridftp else []
    parts += [f"{key}={gridftp[name]}" for key, name in AFTER_FILE if name in gridftp]
    address = gridftp.get("dest", gridftp.get("dest_text", "" if "type" in gridftp else None))
    parts += [] if address is None else [f"DEST={gridftp.get('dest_number', '')}[{address}]"]
    parts += [f"{key}={gridftp[name]}" for key, name in (("TYPE", "type"), ("CODE", "code")) if name in gridftp]
    parts += [f"TASKID={gridftp['taskid']}"] if "taskid" in gridftp else []
    parts += [f"retrans={','.join(map(str, gridftp['retrans']))}"] if "retrans" in gridftp else []
    parts += [f"{key}={value}" for key, value in gridftp.get("more", {}).items()]
    return " ".join(parts) + gridftp.get("truncated", "")


def record(file: bytes = b"/data/x", **changed: Any) -> bytes:
    """A record, without newline, as the server writes it; values that are None are left out with their keys."""
    values: dict[str, Any] = {
        "host": "dtn01.example.org",
        "user": b"alice",
        "share": None,
        "nbytes": 1073741824,
        "dest": "192.0.2.10",
        "type": "RETR",
        "taskid": "9f767c45-2020-11ee-9835-0262a1f2f698",
        "retrans": None,
        **changed,
    }
    said = {key: value.encode() if isinstance(value, str) else value for key, value in values.items()}
    parts = [
        b"DATE=20240305081559.250417",
        *([b"HOST=" + said["host"]] if said["host"] is not None else []),
        b"PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=20240305081553.000120",
        b"USER=" + said["user"],
        *([b"SHARE=" + said["share"] + b" SHAREE=none"] if said["share"] is not None else []),
        b"FILE=" + file,
        b"BUFFER=4194304 BLOCK=262144 NBYTES=%d VOLUME=/ STREAMS=4 STRIPES=1" % said["nbytes"],
        b"DEST=[" + said["dest"] + b"] TYPE=" + said["type"] + b" CODE=226",
        *([b"TASKID=" + said["taskid"]] if said["taskid"] is not None else []),
        *([b"retrans=" + said["retrans"]] if said["retrans"] is not None else []),
    ]
    return b" ".join(parts)
