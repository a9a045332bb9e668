"""Programs that write times as each log does, in Roman local time, whatever that leaves out; what is stored of it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support.scene import Scene

ROME = ZoneInfo("Europe/Rome")


@dataclass(frozen=True)
class Form:
    """How a log writes a time."""

    name: str
    pipeline: str
    line: Callable[[datetime], str]
    """A line with a time, given in local time."""

    def __str__(self) -> str:
        return self.name.partition(".")[0]


def _session(local: datetime) -> str:
    stamp = f"{local:%a %b} {local.day:2} {local:%H:%M:%S %Y}"
    return f"[4711] {stamp} :: New connection from: client.example.org:34262"


BACKEND = Form(
    "storm-backend.log", "storm-backend", lambda local: f"{local:%H:%M:%S}.000 - INFO [main] - a round began"
)
FRONTEND = Form(
    "storm-frontend-server.log", "storm-frontend", lambda local: f"{local:%m/%d %H:%M:%S}.000 Main -  INFO [?]: a round"
)
MONITORING = Form("monitoring.log", "storm-monitoring", lambda local: f"{local:%m/%d %H:%M:%S} : Last round details:")
SESSION = Form("gridftp.log", "gridftp-session", _session)
HEARTBEAT = Form("heartbeat.log", "storm-heartbeat", lambda local: f"[{local:%Y-%m-%d %H:%M:%S},000]:  a round began")

WITHOUT_DATE = (BACKEND,)
WITHOUT_YEAR = (FRONTEND, MONITORING)
COMPLETE = (SESSION, HEARTBEAT)
FORMS = (*WITHOUT_DATE, *WITHOUT_YEAR, *COMPLETE)

WRITTEN = ("2026-11-19 09:00:00", "2026-11-19 22:30:00", "2026-11-19 23:30:00", "2026-11-20 20:00:00")
"""What most stories write; the third is 00:30 of the 20th in Rome."""
MONTHS_LATER = "2027-04-01 10:00:00"
READ_AT_ONCE = 256 * 1024
"""Bytes."""


def epoch(instant: str) -> float:
    """Seconds since the epoch of `2026-10-25 00:30:00`, in UTC."""
    return datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp()


def hours(first: str, count: int, step: int) -> list[str]:
    """Instants from the first on, so many hours apart."""
    begin = datetime.fromtimestamp(epoch(first), UTC)
    return [f"{begin + timedelta(hours=step * n):%Y-%m-%d %H:%M:%S}" for n in range(count)]


def seconds(first: str, count: int) -> list[str]:
    """Instants from the first on, a second apart."""
    begin = datetime.fromtimestamp(epoch(first), UTC)
    return [f"{begin + timedelta(seconds=n):%Y-%m-%d %H:%M:%S}" for n in range(count)]


def scene(folder: Path, form: Form) -> Scene:
    """A host that writes such a log and ships it."""
    return Scene.of(folder, f"{form.name}*", f"{form.pipeline}*", pipeline=form.pipeline, timezone="Europe/Rome")


def write(where: Scene, form: Form, *instants: str, name: str = "", padding: int = 0) -> Path:
    """Append a line for each instant (UTC); the file is as old as the last one, and the agent's clock goes on.

    `padding` makes lines longer by so many bytes: a few are more than is read at once.
    """
    path = where.logs / (name or form.name)
    rest = " " + padding * "x" if padding else ""
    lines = [form.line(datetime.fromtimestamp(epoch(instant), ROME)) + rest for instant in instants]
    return write_lines(where, path, *lines, at=instants[-1])


def write_lines(where: Scene, path: Path, *lines: str, at: str) -> Path:
    """Append lines as they are, at an instant (UTC)."""
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    dated(path, at)
    where.clock.now = max(where.clock.now, epoch(at))
    return path


def dated(path: Path, instant: str) -> Path:
    """Give a file a modification time (UTC)."""
    os.utime(path, (epoch(instant), epoch(instant)))
    return path


def documents(where: Scene) -> list[dict[str, Any]]:
    """All that is stored, by file and place."""
    with closing(sqlite3.connect(where.folder / "index.db")) as db:
        rows = db.execute('SELECT document FROM documents ORDER BY fingerprint, "offset"').fetchall()
    return [json.loads(body) for (body,) in rows]


def times(where: Scene) -> list[str]:
    """The times of all that is stored, to the second, as instants are written here."""
    return [document["@timestamp"][:19].replace("T", " ") for document in documents(where)]


def tagged(where: Scene, tag: str) -> list[str]:
    """The times that carry a tag."""
    return [time for time, document in zip(times(where), documents(where), strict=True) if tag in document["tags"]]


def read_at(host: Scene, instant: str) -> None:
    """One pass of an agent whose clock shows an instant."""
    host.clock.now = epoch(instant)
    host.once()
