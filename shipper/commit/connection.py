"""A connection whose transactions outlive a full disk.

SQLite ends a transaction for which there is no room. What was done in it is remembered here until it is durable, and
done once more when there is room: nobody else writes to a state, so the same statements have the same results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

_Result = TypeVar("_Result")
_Action = Callable[[sqlite3.Connection], _Result]
_Values = Sequence[object] | Mapping[str, object]

_BEGIN = "BEGIN IMMEDIATE"
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""A full disk; a quota that is used up, which SQLite does not tell from other failed writes."""


class Room(Protocol):
    """What to do where a write finds no room."""

    def wait(self, problem: str) -> None:
        """Return when it is time for another attempt; raises StateError to give up."""

    def found(self) -> None:
        """An attempt succeeded after waiting."""


class Connection:
    """As `sqlite3.Connection`, in autocommit mode or between `begin` and `commit`."""

    def __init__(self, connection: sqlite3.Connection, room: Room | None = None) -> None:
        self._db = connection
        self._room = room
        self._done: list[_Action[object]] | None = None
        """What was done in the transaction under way; None outside of one."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way."""
        return self._done is not None

    def execute(self, sql: str, values: _Values = ()) -> sqlite3.Cursor:
        """Execute a statement."""
        return self._do(lambda db: db.execute(sql, values), remember=not sql.lstrip().startswith(("SELECT", "PRAGMA")))

    def executemany(self, sql: str, rows: Iterable[_Values]) -> sqlite3.Cursor:
        """Execute a statement for each row."""
        kept = list(rows)
        return self._do(lambda db: db.executemany(sql, kept), remember=True)

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self._do(lambda db: db.execute(_BEGIN), remember=False)
        self._done = []

    def commit(self) -> None:
        """Make durable what was done since `begin`."""
        self._do(lambda db: db.execute("COMMIT"), remember=False)
        self._done = None

    def rollback(self) -> None:
        """Undo what was done since `begin`."""
        self._done = None
        self._end()

    def backup(self, target: sqlite3.Connection) -> None:
        """Copy the whole database into another one, as it is at this moment."""
        self._db.backup(target)

    def close(self) -> None:
        """Close it; a transaction under way is undone."""
        self._db.close()

    def _do(self, action: _Action[_Result], *, remember: bool) -> _Result:
        waited = False
        while True:
            try:
                if self._done is not None and not self._db.in_transaction:
                    self._repeat(self._done)
                result = action(self._db)
            except sqlite3.OperationalError as error:
                if self._room is None or error.sqlite_errorcode not in _NO_ROOM:
                    raise
                self._end()
                self._room.wait(str(error))
                waited = True
            else:
                break
        if remember and self._done is not None:
            self._done.append(action)
        if waited and self._room is not None:
            self._room.found()
        return result

    def _repeat(self, done: Iterable[_Action[object]]) -> None:
        self._db.execute(_BEGIN)
        for action in done:
            action(self._db)

    def _end(self) -> None:
        if self._db.in_transaction:  # SQLite has often ended it by itself
            self._db.execute("ROLLBACK")
