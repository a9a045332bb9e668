"""An agent as a process of its own on a small site with a SQLite index: started, stopped, killed, waited for."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from support.edited_site import until
from support.scene import sources_in

DEADLINE = 30.0


class Running:
    """`shipper run` on the logs below a folder. One input `logs` of any text, unless others are given."""

    def __init__(self, folder: Path, inputs: list[dict[str, Any]] | None = None, **settings: Any) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.index = folder / "index.db"
        self.log = folder / "agent.log"
        self.configuration = folder / "shipper.yml"
        self.process: subprocess.Popen[bytes] | None = None
        one = {"name": "logs", "paths": [f"{self.logs}/**/*"], "pipeline": "raw", "timezone": "UTC"}
        self.configure(
            {
                "host": "dtn01.example.org",
                "state": str(folder / "state"),
                "rescan": "200ms",
                "batch_age": "10ms",
                "output": {"sqlite": {"path": str(self.index)}},
                "fleet": False,  # whose requests would meet faults that are meant for documents
                "inputs": inputs or [one],
                **settings,
            }
        )

    def configure(self, settings: dict[str, Any]) -> None:
        """Write another configuration; it rules from the next start on."""
        self.settings = settings
        self.configuration.write_text(json.dumps(settings))

    def start(self) -> None:
        """Start the agent; its log goes on in one file. Returns when it watches."""
        before = self.log_text().count("started")
        self.launch()
        self.until(lambda: self.log_text().count("started") > before)

    def launch(self) -> None:
        """Start the agent and do not wait for it."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self._words("run"), stdout=out, stderr=out)

    def stop(self) -> None:
        """Ask the agent to end, as systemd does, and wait until it did, with success."""
        assert self._ended_by(signal.SIGTERM) == 0, self.log_text()[-3000:]

    def kill(self) -> None:
        """Kill the agent."""
        assert self._ended_by(signal.SIGKILL) == -signal.SIGKILL, self.log_text()[-3000:]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=DEADLINE)

    def until(self, condition: Any, seconds: float = DEADLINE) -> None:
        """Wait for a condition, with a deadline; an agent that ended meanwhile is a failure."""

        def met() -> bool:
            assert self.process is None or self.process.poll() is None, self.log_text()[-3000:]
            return bool(condition())

        until(met, seconds)

    def wait_for(self, documents: int, seconds: float = DEADLINE) -> None:
        """Wait until so many documents are in the index, with a deadline."""
        self.until(lambda: self.count() >= documents, seconds)

    def count(self) -> int:
        """How many documents are in the index; 0 while there is none."""
        if not self.index.exists():
            return 0
        with closing(sqlite3.connect(self.index)) as db:
            there = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'documents'").fetchone()[0]
            return db.execute("SELECT COUNT(*) FROM documents").fetchone()[0] if there else 0

    def sources(self) -> list[list[str]]:
        """The messages of every source, those of each in the order of arrival; sources by their first message."""
        return sources_in(self.index)

    def once(self) -> dict[str, Any]:
        """`shipper run --once --json`."""
        return self.ask("run", "--once")

    def ask(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        """The JSON document of a command, which must end with the code, if one is given."""
        done = self.run(*arguments, "--json")
        assert code is None or done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-3000:])
        return json.loads(done.stdout)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, whatever comes of it."""
        return subprocess.run(self._words(*arguments), capture_output=True, text=True, timeout=300, check=False)

    def verdict(self) -> tuple[str, list[tuple[str, int]]]:
        """The audit in short: its verdict, and of each finding the cause and the bytes."""
        report = self.ask("audit", code=None)
        return report["verdict"], [(finding["cause"], finding["bytes"]) for finding in report["findings"]]

    def log_text(self) -> str:
        """What the agents said so far."""
        return self.log.read_text() if self.log.exists() else ""

    def _ended_by(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=DEADLINE)

    def _words(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "shipper", *arguments, "-c", str(self.configuration)]
