"""What scenarios are told with: a site whose agent lives on while its files change, under a clock that never waits.

Every story ends with `Scene.sources`, all that is stored, and with `Scene.verdict`, what the audit says of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from shipper.agent import Agent
from shipper.audit.auditor import Auditor
from shipper.audit.findings import Outcome
from shipper.audit.request import Request
from shipper.overview import agent_runs
from shipper.reload.definitions import load_pipelines
from shipper.send.output import Output
from shipper.send.outputs import open_output
from shipper.settings import InputSettings
from shipper.start import agent, datasets
from support.agents import Site
from support.clock import VirtualClock

INSTANT = 1.5
"""Seconds that give a live agent the time to look at all files, and its batches the age to leave."""


class Live:
    """An agent that goes on while the test changes files."""

    def __init__(self, running: Agent, clock: VirtualClock) -> None:
        self.agent = running
        self._clock = clock

    def catch_up(self, seconds: float = INSTANT) -> None:
        """Live for so long by the virtual clock: it looks at the folders at once, then at every rescan."""
        end = self._clock.now + seconds
        self.agent.run(lambda: self._clock.now >= end)

    def read_once(self) -> None:
        """One look at the folders and one pass over the files; nothing is sent or committed."""
        self.agent.reader.scan()
        for chunk in self.agent.reader.chunks(once=False):
            self.agent.take(chunk)


class Scene(Site):
    """A site of one input of any text, or of the inputs given."""

    @classmethod
    def of(cls, folder: Path, *patterns: str, pipeline: str = "raw", **settings: Any) -> Scene:
        """A scene with one input: patterns below the log folder, and whatever else an input may say."""
        paths = tuple(f"{folder}/logs/{pattern}" for pattern in patterns)
        return cls(folder, InputSettings("logs", paths, pipeline, **{"timezone": "UTC", **settings}))

    @contextmanager
    def live(self, output: Output | None = None) -> Iterator[Live]:
        """An agent that lives through what the test does."""
        with agent(self.settings, self.clock, self.events, output=output, threads=0) as running:
            yield Live(running, self.clock)

    def sources(self) -> list[list[str]]:
        """The messages of every source, those of each in the order of arrival; sources by their first message."""
        return sources_in(self.folder / "index.db")

    def values(self, *paths: str) -> list[tuple[Any, ...]]:
        """What documents hold at JSON paths such as `$.log.offset`, in the order of arrival."""
        columns = ", ".join("document ->> ?" for _ in paths)
        with closing(sqlite3.connect(self.folder / "index.db")) as db:
            return db.execute(f"SELECT {columns} FROM documents ORDER BY rowid", paths).fetchall()

    def tags(self) -> dict[str, list[str]]:
        """The tags of all documents by message, without the one that tells of dates, which most of them have."""
        with closing(sqlite3.connect(self.folder / "index.db")) as db:
            rows = db.execute("SELECT document ->> '$.message', document -> '$.tags' FROM documents").fetchall()
        return {message: [tag for tag in json.loads(tags) if tag != "_timestamp_inherited"] for message, tags in rows}

    def audit(self, **request: Any) -> Outcome:
        """The audit of what is on disk against what is stored."""
        pipelines = load_pipelines(self.settings)
        events, known = self.events, datasets(self.settings, pipelines)
        with closing(open_output(self.settings.output, known, self.clock, events)) as output:
            runs = partial(agent_runs, self.settings.state)
            auditor = Auditor(self.settings, pipelines, output, self.clock.time, self.clock.advance, agent_runs=runs)
            return auditor.audit(Request(**request))

    def verdict(self) -> tuple[str, list[tuple[str, int]]]:
        """The audit in short: its verdict, and of each finding the cause and the bytes."""
        outcome = self.audit()
        return outcome.verdict.value, [(finding.cause.value, finding.bytes) for finding in outcome.findings]


CLOSED: tuple[str, list[tuple[str, int]]] = ("closed", [])
"""The verdict that nothing is missing, doubled or changed."""


def sources_in(index: Path) -> list[list[str]]:
    """The messages in an index by source, in the order of arrival; sources by their first message."""
    with closing(sqlite3.connect(index)) as db:
        rows = db.execute("SELECT fingerprint, document ->> '$.message' FROM documents ORDER BY rowid").fetchall()
    found: dict[str, list[str]] = {}
    for fingerprint, message in rows:
        found.setdefault(fingerprint, []).append(message)
    return sorted(found.values())
