"""Several hosts that ship GridFTP logs of the last hours to one index, each by single passes of an agent."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipper import cli
from shipper.fleet import reporting
from support.gridftp_records import record

HOUR = 3600
EXPECT = {"every": "1h", "by": "20m", "lines": "auto"}


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON document."""
        return dict(json.loads(self.out))

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """The findings in short: host, kind, cause."""
        return sorted((f["host"].partition(".")[0], f["kind"], f["cause"]) for f in self.report["findings"])

    @property
    def evidence(self) -> list[str]:
        """What is told of each finding."""
        return [f["evidence"] for f in self.report["findings"]]


def line_at(moment: float, number: int) -> bytes:
    """A line of a transfer that ended at this time; each number gives another one."""
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S").encode()
    line = record(b"/data/file%d" % number, nbytes=number)
    return line.replace(b"20240305081559", text).replace(b"20240305081553", text) + b"\n"


class FleetHost:
    """One host: logs, state and configuration in a folder of its own."""

    def __init__(self, folder: Path, name: str, output: dict[str, Any], expect: dict[str, Any] | None = None) -> None:
        self.name = f"{name}.example.org"
        self.folder = folder / name
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True)
        self.output = output
        self.configuration = self.folder / "shipper.yml"
        self.configure(expect)

    def configure(self, expect: dict[str, Any] | None = None, **more: Any) -> None:
        """Write another configuration."""
        item: dict[str, Any] = {
            "name": "gridftp", "paths": [f"{self.logs}/*.log*"], "pipeline": "gridftp-transfer", "expect": expect,
        }  # fmt: skip
        settings = {
            "host": self.name,
            "state": str(self.folder / "state"),
            "output": self.output,
            "fleet": True,
            "inputs": [{key: value for key, value in item.items() if value is not None}],
            **more,
        }
        self.configuration.write_text(json.dumps(settings))

    def write(self, hour: float, lines: int, name: str = "transfer.log") -> Path:
        """Append lines of transfers of an hour, which begins at this time."""
        path = self.logs / name
        with path.open("ab") as log:
            log.writelines(line_at(hour + 30 + number, number) for number in range(lines))
        return path

    def ship(self) -> None:
        """One pass of the agent."""
        answer = self.shipper("run", "--once", "--json")
        assert answer.code == 0, answer

    def shipper(self, *arguments: str) -> Answer:
        """A command on this host."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.execute([*arguments, "-c", str(self.configuration)])
        return Answer(code, out.getvalue(), err.getvalue())


class SQLiteIndex:
    """An index in a file, and what a test does to it behind the agents' backs."""

    def __init__(self, folder):
        self.path = folder / "index.db"
        self.output = {"sqlite": {"path": str(self.path)}}

    def sql(self, statement, *values):
        with closing(sqlite3.connect(self.path)) as db, db:
            return db.execute(statement, values).rowcount

    def delete_documents(self, host, count):
        query = "SELECT id FROM documents WHERE host = ? ORDER BY offset LIMIT ?"
        assert self.sql(f"DELETE FROM documents WHERE id IN ({query})", host.name, count) == count

    def age(self, host, seconds):
        """As if an agent had been killed some time ago."""
        with closing(sqlite3.connect(self.path)) as db, db:
            query = "SELECT id, document FROM ledger_documents WHERE host = ? AND kind = 'agent'"
            ((name, body),) = db.execute(query, (host.name,)).fetchall()
            said = json.loads(body)
            said["details"] |= {"at": said["details"]["at"] - seconds, "ended": False}
            db.execute("UPDATE ledger_documents SET document = ? WHERE id = ?", (json.dumps(said), name))

    def forget_ledger(self, host):
        assert self.sql("DELETE FROM ledger_documents WHERE host = ?", host.name)


def a_fleet(folder, index, count=5):
    found = [FleetHost(folder, f"dtn0{number}", index.output, EXPECT) for number in range(1, count + 1)]
    for host in found:
        for hour in last_hours(8):
            host.write(hour, 10)
    return found


def last_hours(count):
    """The beginnings of so many hours, of which this one is the last."""
    this = int(time.time()) // HOUR * HOUR
    return [this - number * HOUR for number in reversed(range(count))]


def asked(host, *more):
    return host.shipper("audit", "--fleet", "--json", *more)


def ship_all(hosts):
    for host in hosts:
        host.ship()


def damage(hosts, index, monkeypatch):
    """Ship, but to each host something happens; the first one is well. The lines that the last one has lost."""
    well, deleted, silent_one, old, gap = hosts
    log = gap.logs / "transfer.log"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:30], *lines[50:]]))
    ship_all([well, deleted, silent_one, gap])
    with monkeypatch.context() as patch:
        patch.setattr(reporting, "__version__", "0.0.9")
        old.ship()
    index.delete_documents(deleted, 7)
    index.age(silent_one, 3600)
    return b"".join(lines[30:50])


DAMAGE = [
    ("dtn02", "missing", "gone from the index"),
    ("dtn03", "silent", "no sign of life"),
    ("dtn04", "skew", "another version of shipper"),
    ("dtn05", "late", "never came"),
]


def check_damage_and_repair(hosts, index, monkeypatch):
    """Exactly what happened is found, each with its evidence; and nothing any more after its repair."""
    well, deleted, silent_one, old, gap = hosts
    never_came = damage(hosts, index, monkeypatch)
    answer = asked(well)
    assert (answer.code, answer.found) == (1, DAMAGE)
    findings = {finding["host"]: finding for finding in answer.report["findings"]}
    assert findings[deleted.name]["lines"] == 7
    assert "the ledger counts 80 stored lines" in findings[deleted.name]["evidence"]
    assert "60 minutes ago" in findings[silent_one.name]["evidence"]
    assert "0.0.9" in findings[old.name]["evidence"]
    assert re.search(r"no line of an event between .*; due by .*; 2 periods in a row", findings[gap.name]["evidence"])
    assert asked(well, "--host", well.name).code == 0
    assert asked(well, "--host", deleted.name).found == DAMAGE[:1]
    text = well.shipper("audit", "--fleet")
    assert f"Next, on {deleted.name}: shipper audit -c {deleted.configuration} --repair" in text.out

    assert deleted.shipper("audit", "--repair", "--apply").code == 0
    gap.logs.joinpath("found.log").write_bytes(never_came)
    ship_all(hosts[1:])
    answer = asked(well)
    assert (answer.code, answer.found) == (0, []), answer.evidence
