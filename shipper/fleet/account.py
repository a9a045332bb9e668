"""The state of an agent, looked at beside the agent itself: what it says now, if it says anything new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipper.commit.database import Database, explained
from shipper.commit.state import LedgerRow, State
from shipper.errors import StateError
from shipper.records import FileRow


@dataclass(frozen=True, slots=True)
class Account:
    """Files and ledger at one moment."""

    files: Mapping[int, FileRow]
    ledger: list[LedgerRow]
    dead_letters: Mapping[str, int]
    """Documents that wait for somebody, by category."""


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
        """What the state says; None if that is what it said at the last time. Raises StateError."""
        database = self._opened()
        with explained(database.path):
            version = database.connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._seen:
                return None
            with _one_moment(database):
                state = State(database, self._host)
                state.look_at_output(self._output)
                found = Account(
                    {row.id: row for row in state.files.all()}, state.ledger(), state.dead_letters.waiting()
                )
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
