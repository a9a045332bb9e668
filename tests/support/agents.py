"""A small site: a folder of logs, a configuration, and agents that ship it in the test's own thread."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from shipper.agent import Totals
from shipper.commit.state import State
from shipper.events_log import EventsLog, silent
from shipper.records import MarkKind, OutcomeKind
from shipper.send.output import Output
from shipper.settings import InputSettings, Settings, SQLiteSettings
from shipper.start import agent
from support.clock import VirtualClock

HOST = "dtn01.example.org"


class Site:
    """Logs under `logs`, state and index beside them."""

    def __init__(self, folder: Path, *inputs: InputSettings) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.clock = VirtualClock()
        self.events = EventsLog(silent)
        default = InputSettings("logs", (str(self.logs / "**" / "*"),), "raw", timezone="UTC")
        self.settings = Settings(
            host=HOST,
            state=folder / "state",
            inputs=inputs or (default,),
            output=SQLiteSettings(folder / "index.db"),
        )
        self.pending = 0

    def with_settings(self, **changes: object) -> None:
        self.settings = replace(self.settings, **changes)

    def once(self, output: Output | None = None) -> Totals:
        """One pass of a fresh agent to the ends of all files."""
        with agent(self.settings, self.clock, self.events, output=output, threads=0) as running:
            running.once()
            self.pending = running.reader.pending_lines()
            return running.totals

    def forget(self) -> None:
        """Lose the state."""
        for path in (self.folder / "state").glob("state.db*"):
            path.unlink()

    def documents(self) -> list[tuple[str, int, bytes]]:
        """(id, lines, body) of every document in the index, by id."""
        with closing(sqlite3.connect(self.folder / "index.db")) as db:
            return db.execute("SELECT id, lines, document FROM documents ORDER BY id").fetchall()

    def messages(self) -> Counter[str]:
        """How often each text is in the index."""
        with closing(sqlite3.connect(self.folder / "index.db")) as db:
            return Counter(text for (text,) in db.execute("SELECT document ->> '$.message' FROM documents"))

    def lines_stored(self) -> int:
        return sum(lines for _, lines, _ in self.documents())

    def ledger_by_path(self) -> dict[str, Counter[str]]:
        """Lines by fate of each file, under its path now."""
        with self._state() as state:
            paths = {row.id: row.current_path for row in state.files.all()}
            found: dict[str, Counter[str]] = {path: Counter() for path in paths.values()}
            for file, _, fate, tally in state.ledger():
                found[paths[file]][fate] += tally.lines
            return found

    def gaps(self) -> list[tuple[int, str]]:
        """Losses at the source: offset, and what happened."""
        with self._state() as state:
            marks = [mark for row in state.files.all() for mark in row.marks]
        return [(mark.offset, mark.value) for mark in marks if mark.kind is MarkKind.GAP]

    def dates(self) -> list[tuple[int, str]]:
        """The dates that files without date were given: offset, and day."""
        with self._state() as state:
            marks = [mark for row in state.files.all() for mark in row.marks]
        return [(mark.offset, mark.value) for mark in marks if mark.kind is MarkKind.DATE]

    def heirs(self) -> list[tuple[str, str]]:
        """Each file by its first path, and the one that it goes on after."""
        with self._state() as state:
            rows = state.files.all()
        paths = {row.id: row.path for row in rows}
        return [(row.path, paths.get(row.heir_of, "")) for row in rows]

    @contextmanager
    def _state(self) -> Iterator[State]:
        state = State.open_read_only(self.settings.state, HOST)
        assert state is not None
        with closing(state):
            state.look_at_output(state.outputs()[-1])
            yield state


def stored(totals: Totals) -> int:
    return totals.outcomes[OutcomeKind.STORED]


def already_stored(totals: Totals) -> int:
    return totals.outcomes[OutcomeKind.ALREADY_STORED]
