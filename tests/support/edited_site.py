"""A host whose own pipeline and patterns are edited while an agent runs as a process of its own."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PATTERN = "APPLINE %{WORD:app.action} %{NUMBER:app.size:int}%{APPREST}\nAPPREST (?: by %{WORD:app.user})?$\n"
BROKEN = "APPLINE %{WORD:app.action} %{NOWHERE:app.size}\nAPPREST $\n"
WORSE = "APPLINE %{WORD:app.action} %{NUMBER:app.size:int}%{APPREST}\nAPPREST $\n"
BETTER = "APPLINE %{WORD:app.action} %{NUMBER:app.size:int}%{APPREST}\nAPPREST (?: (?:by|for) %{WORD:app.user})?$\n"
RUNAWAY = PATTERN.replace("%{WORD:app.user})?$", r"(?<app.user>(?:\w{1,2}|\w\w?)+)!)?$")
PIPELINE = """
dataset: app.log
parse: [{grok: ['^%{APPLINE}']}]
timestamp: {by: modification}
samples: app.samples.yml
"""
SAMPLES = """
- text: put 12 by alice
  date: 2026-11-20
  expect: {'@timestamp': '2026-11-20T00:00:00Z', tags: [_timestamp_inherited],
           app: {action: put, size: 12, user: alice}}
"""


def line(number: int) -> bytes:
    """Every third line has no user, every third one that only the better pattern reads."""
    return b"put %d%s\n" % (number, (b" by " + 8 * b"alice", b"", b" for bob")[number % 3])


class EditedSite:
    """Folders, configuration and commands. By default only who asks has the agent look at an edited file."""

    def __init__(self, folder: Path, rescan: str = "1h") -> None:
        self.folder = folder
        self.log = folder / "logs" / "app.log"
        self.patterns = folder / "patterns"
        self.pipelines = folder / "pipelines"
        for each in (self.log.parent, self.patterns, self.pipelines):
            each.mkdir()
        self.configuration = folder / "shipper.yml"
        self.configuration.write_text(
            json.dumps(
                {
                    "host": "dtn01.example.org",
                    "state": str(folder / "state"),
                    "output": {"sqlite": {"path": str(folder / "index.db")}},
                    "inputs": [{"name": "app", "paths": [str(self.log)], "pipeline": "app", "timezone": "UTC"}],
                    "patterns_dir": str(self.patterns),
                    "pipelines_dir": str(self.pipelines),
                    "rescan": rescan,
                    "parse_timeout": "200ms",
                }
            )
        )
        (self.pipelines / "app.yml").write_text(PIPELINE)
        (self.pipelines / "app.samples.yml").write_text(SAMPLES)
        self.edit(PATTERN)
        self.written = 0

    def edit(self, text: str) -> None:
        """Write the pattern file."""
        (self.patterns / "app.grok").write_text(text)

    def write(self, count: int) -> None:
        """Append lines."""
        with self.log.open("ab") as file:
            file.write(b"".join(line(number) for number in range(self.written, self.written + count)))
        self.written += count

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        words = [sys.executable, "-m", "shipper", *arguments, "-c", str(self.configuration)]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)

    def ask(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and JSON answer of a command."""
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[bytes]]:
        """A running agent; it has stopped as it should afterwards."""
        with (self.folder / "agent.err").open("ab") as said:
            words = [sys.executable, "-m", "shipper", "run", "-c", str(self.configuration)]
            process = subprocess.Popen(words, stderr=said)
        try:
            until(lambda: self.ask("status")[1]["agent"] == "running")
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, (self.folder / "agent.err").read_text()
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def growing(self) -> Iterator[None]:
        """The log grows all the time."""
        over = threading.Event()

        def grow() -> None:
            while not over.wait(0.01):
                self.write(7)

        writer = threading.Thread(target=grow)
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()

    def messages(self) -> Counter[str]:
        """How often each text is in the index; an agent that has just been started may not have made one yet."""
        if not (self.folder / "index.db").exists():
            return Counter()
        with closing(sqlite3.connect(self.folder / "index.db")) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchone():
                return Counter()
            return Counter(text for (text,) in db.execute("SELECT document ->> '$.message' FROM documents"))

    def all_messages(self) -> Counter[str]:
        """What should be there."""
        return Counter(line(number).decode().strip() for number in range(self.written))

    def stalls(self) -> dict[str, str]:
        """What `status` names, by scope."""
        return {stall["scope"]: stall["reason"] for stall in self.ask("status")[1]["stalls"]}


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(0.05)
