"""A host in a temporary folder: log files, an agent that ships them once, an index to damage, an audit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from shipper.audit.auditor import Auditor
from shipper.audit.context import Level
from shipper.audit.findings import Outcome
from shipper.audit.repair import Repaired, Repairer, plan
from shipper.audit.request import Request
from shipper.clock import SystemClock
from shipper.events_log import EventsLog, silent
from shipper.fleet.ledgers import Notes
from shipper.hashes import tally_of
from shipper.overview import agent_runs
from shipper.parse.pipeline import Pipeline
from shipper.reload.definitions import load_pipelines
from shipper.send.output import Output
from shipper.send.outputs import open_ledger, open_output
from shipper.settings import ElasticsearchSettings, InputSettings, Settings, SQLiteSettings
from shipper.start import agent, datasets

HOST = "dtn01.example.org"


def transfer(number: int) -> bytes:
    """A line of a GridFTP transfer log; each number gives another one, and lengths differ."""
    return (
        f"DATE=20261121{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}.{number % 1000000:06} "
        f"HOST=dtn01.example.org PROG=globus-gridftp-server NL.EVNT=FTP_INFO "
        f"START=20261121{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}.000001 USER=alice "
        f"FILE=/data/file{number} BUFFER=87040 BLOCK=262144 NBYTES={number * 7919} VOLUME=/ STREAMS=1 STRIPES=1 "
        f"DEST=[127.0.0.1] TYPE=STOR CODE=226\n"
    ).encode()


@dataclass
class Site:
    """Settings and folders of one host."""

    root: Path
    inputs: Sequence[InputSettings] = ()
    pipeline_dirs: tuple[Path, ...] = ()
    now: float = 2e9
    """The audit's clock: by default long after the files were written."""
    waited: list[float] = field(default_factory=list)
    """The seconds that audits and repairs waited."""
    during_wait: Callable[[], None] = lambda: None
    store: ElasticsearchSettings | None = None
    """Used instead of SQLite."""
    output: Output | None = None
    """Used instead of either."""
    fleet: bool = False
    """Whether the agent leaves its ledger beside the index, and an audit without the state asks for it."""
    _pipelines: dict[str, Pipeline] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where the log files are."""
        folder = self.root / "logs"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def index(self) -> Path:
        """The SQLite index."""
        return self.root / "index.db"

    @property
    def settings(self) -> Settings:
        """What the agent and the audit are given."""
        inputs = tuple(self.inputs) or (InputSettings("gridftp", (f"{self.logs}/*.log*",), "gridftp-transfer"),)
        output = self.store or SQLiteSettings(self.index)
        return Settings(HOST, self.root / "state", inputs, output, pipeline_dirs=self.pipeline_dirs, fleet=self.fleet)

    def write(self, name: str, lines: Sequence[bytes]) -> Path:
        """A log file of these lines."""
        path = self.logs / name
        path.write_bytes(b"".join(lines))
        return path

    def ship(self) -> None:
        """Run the agent once."""
        with agent(self.settings, SystemClock(), EventsLog(silent), output=self.output) as running:
            running.once()

    def audit(self, **request: Any) -> Outcome:
        """Audit; the arguments are those of a request."""
        with closing(self.open()) as output:
            return self.auditor(output).audit(_request(request))

    def repair(self, **request: Any) -> Repaired:
        """Audit and repair."""
        asked = _request(request)
        with closing(self.open()) as output:
            auditor = self.auditor(output)
            chosen = plan(auditor.audit(asked))
            context = auditor.context(asked)
            return Repairer(context, self._wait, self.deleted).apply(chosen, auditor.families(asked, context)[0])

    @property
    def deleted(self) -> Path:
        """Where a repair keeps what it deletes."""
        return self.root / "repairs" / "deleted.ndjson"

    def pipelines(self) -> dict[str, Pipeline]:
        """The pipelines of the inputs, compiled once."""
        if not self._pipelines:
            self._pipelines = load_pipelines(self.settings)
        return self._pipelines

    def open(self) -> Output:
        """The output."""
        if self.output is not None:
            return self.output
        known = datasets(self.settings, self.pipelines())
        return open_output(self.settings.output, known, SystemClock(), EventsLog(silent))

    def auditor(self, output: Output) -> Auditor:
        """An auditor over an output."""
        notes = Notes(HOST, lambda: open_ledger(self.settings.output, EventsLog(silent))) if self.fleet else dict
        runs = partial(agent_runs, self.settings.state)
        return Auditor(
            self.settings, self.pipelines(), output, lambda: self.now, self._wait, noted=notes, agent_runs=runs
        )

    def sql(self, statement: str, *values: object) -> int:
        """Change the index behind the agent's back; how many documents that concerned."""
        with closing(sqlite3.connect(self.index)) as db, db:
            return db.execute(statement, values).rowcount

    def documents(self) -> list[tuple[str, int, bytes]]:
        """Id, offset and body of all documents, by offset."""
        with closing(sqlite3.connect(self.index)) as db:
            rows = db.execute("SELECT id, offset, document FROM documents ORDER BY fingerprint, offset, id").fetchall()
        return [(name, offset, body.encode()) for name, offset, body in rows]

    def forget(self) -> None:
        """Lose the state."""
        for path in sorted((self.root / "state").iterdir()):
            path.unlink()

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.during_wait()


def _request(arguments: dict[str, Any]) -> Request:
    return Request(**{**arguments, "level": Level(arguments.get("level", "disk"))})


def found(outcome: Outcome) -> list[tuple[str, str, str, int | None, int | None]]:
    """The findings in short: kind, cause, file name, first and last line."""
    return [(f.kind.value, f.cause.value, Path(f.path).name, f.first_line, f.last_line) for f in outcome.findings]


def insert_document(site: Site, like: str, name: str, raw: bytes, offset: int) -> None:
    """Put a document that nobody shipped into the index, made like another."""
    tally = tally_of([raw])
    with closing(sqlite3.connect(site.index)) as db, db:
        row = list(db.execute("SELECT * FROM documents WHERE id = ?", (like,)).fetchone())
        body = json.loads(row[-1])
        body["message"] = raw.decode().removesuffix("\n")
        row[0], row[6:11], row[-1] = name, [offset, *tally], json.dumps(body)
        db.execute(f"INSERT INTO documents VALUES ({', '.join('?' * len(row))})", row)
