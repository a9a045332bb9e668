"""The state of an agent, looked at beside the agent itself: what it says now, if it says anything new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from shipper.commit.database import Database, explained
from shipper.commit.state import State
from shipper.errors import StateError
from shipper.records import FileRow, Tally

_AT_ONCE = 500
"""Files whose rows are in memory at a time."""

Fates = Mapping[tuple[int, str], Tally]
"""Tallies by bucket and fate."""


class Entry(NamedTuple):
    """A file and its ledger, of the same moment."""

    row: FileRow
    fates: Fates


@dataclass(frozen=True, slots=True)
class Account:
    """What a state says."""

    fingerprints: Mapping[int, str]
    """Of every file, by the number of its row."""
    dead_letters: Mapping[str, int]
    """Documents that wait for somebody, by category."""
    entries: Iterable[Entry]
    """Every file, read on the way: to be asked for once."""


class Accountant:
    """Reads a state again only where it has changed. To be used by one thread."""

    def __init__(self, folder: Path, host: str, output: str) -> None:
        """`output`: the identity of the output whose ledger is meant."""
        self._folder = folder
        self._host = host
        self._output = output
        self._database: Database | None = None
        self._seen = -1

    def take(self) -> Account | None:
        """What the state says; None if that is what it said at the last time. Raises StateError, also later."""
        database = self._opened()
        with explained(database.path):
            version = database.connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._seen:
                return None
            with _one_moment(database):
                state = self._state(database)
                numbers = state.files.fingerprints()
                found = Account(numbers, state.dead_letters.waiting(), self._entries(database, list(numbers)))
        # What changes from here on is seen at the next time.
        self._seen = version
        return found

    def forget(self) -> None:
        """Take the account at the next time, whatever it was."""
        self._seen = -1

    def close(self) -> None:
        """Close the state."""
        if self._database is not None:
            self._database.connection.close()
            self._database = None

    def _entries(self, database: Database, numbers: list[int]) -> Iterator[Entry]:
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            yield from self._some(database, range(some[0], some[-1] + 1))

    def _some(self, database: Database, numbers: range) -> list[Entry]:
        fates: dict[int, dict[tuple[int, str], Tally]] = {}
        with explained(database.path), _one_moment(database):
            state = self._state(database)
            rows = state.files.numbered(numbers)
            for entry in state.ledger(numbers):
                fates.setdefault(entry.file, {})[entry.bucket, entry.fate] = entry.tally
        return [Entry(row, fates.get(row.id, {})) for row in rows]

    def _state(self, database: Database) -> State:
        state = State(database, self._host)
        state.look_at_output(self._output)
        return state

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database.open_read_only(self._folder)
        if self._database is None:
            raise StateError(f"{self._folder}: there is no state to take the ledger from.")
        return self._database


@contextmanager
def _one_moment(database: Database) -> Iterator[None]:
    """All that is read within is of the same moment."""
    database.connection.execute("BEGIN")
    try:
        yield
    finally:
        database.connection.execute("ROLLBACK")
