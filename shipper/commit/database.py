"""The state's SQLite file: opened, checked, and changed in transactions only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from shipper.commit import schema
from shipper.commit.connection import Connection, Room
from shipper.errors import StateError

FILE_NAME = "state.db"
_IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""Primary codes of errors that speak of another process, not of the file."""


def exists(folder: Path) -> bool:
    """Whether there is a state, sound or not."""
    return (folder / FILE_NAME).exists()


class Database:
    """A connection, and the output whose checkpoints, ledger and dead letters are meant."""

    def __init__(self, connection: Connection, path: Path, version: int = schema.VERSION) -> None:
        self.connection = connection
        self.path = path
        self.version = version
        """Of the schema: an older one is only looked at."""
        self.output = 0
        """Row of the output at hand; 0 while none was chosen."""
        self._inode = path.stat().st_ino

    @classmethod
    def open(cls, folder: Path, room: Room | None = None) -> Database:
        """Open to write; creates it where there is none. Raises StateError.

        `room` waits where the disk is full; without one that is an error.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE_NAME
        with explained(path):
            if not path.exists():
                _make(path)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            with _closed_on_failure(connection):
                version = _checked_version(connection, path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                if version < schema.VERSION:
                    _migrate(connection, path, version)
        return cls(Connection(connection, room), path)

    @classmethod
    def open_read_only(cls, folder: Path) -> Database | None:
        """Open to look at it, also while an agent writes; None where there is none."""
        path = folder / FILE_NAME
        if not path.exists():
            return None
        return cls.look_at(path)

    @classmethod
    def look_at(cls, path: Path) -> Database:
        """Open a state or a copy of one, under any name, to look at it. Raises StateError."""
        with explained(path):
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            with _closed_on_failure(connection):
                version = _checked_version(connection, path)
        return cls(Connection(connection), path, version)

    def damage(self) -> list[str]:
        """What SQLite finds wrong with the file, every page and index read; empty if it is sound."""
        with explained(self.path):
            found = [text for (text,) in self.connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All that is written within happens, durably, or nothing of it."""
        with self.gathering() as connection:
            yield connection
        self.flush()

    @contextmanager
    def gathering(self) -> Iterator[Connection]:
        """As `transaction`, durable with the next one or with `flush`: thousands of new files share a sync."""
        with explained(self.path):
            begins = not self.connection.in_transaction
            if begins:
                self.connection.begin()
            try:
                if begins:
                    self._check_ours()
                yield self.connection
            except BaseException:
                self._give_up()
                raise

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """A single change: durable at once, or together with what is being gathered."""
        with self.gathering() if self.connection.in_transaction else self.transaction() as connection:
            yield connection

    def flush(self) -> None:
        """Make durable what was gathered."""
        with explained(self.path):
            try:
                if self.connection.in_transaction:
                    self.connection.commit()
            except BaseException:
                self._give_up()
                raise

    def _give_up(self) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()

    def _check_ours(self) -> None:
        """Raise StateError where somebody has changed or replaced the file that was opened."""
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            raise StateError(
                f"{self.path}: another version of shipper has changed the state while this one ran (schema {version}, "
                f"this one knows {schema.VERSION}). Start the agent again, with the version that is installed now."
            )
        if not self.path.exists() or self.path.stat().st_ino != self._inode:
            raise StateError(
                f"{self.path}: the state was moved away or replaced while this process used it. Nothing more is "
                "recorded. Start again: what was sent is recognised by its ids."
            )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Errors of SQLite as sentences with the ways out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        problem = " ".join(str(error).split())
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _IN_USE:
            raise StateError(
                f"{path}: another process holds the state, though it is no agent: {problem}. Nothing was changed, and "
                f"nothing is wrong with it. End that process; `fuser {path}` tells which it is."
            ) from error
        raise StateError(
            f"{path}: the state cannot be used: {problem}. Nothing was changed. Put back a copy with `shipper state "
            "restore`, or make the state anew from the files and the index with `shipper state rebuild`."
        ) from error


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    """What was begun is undone, and its lock given back, if the state cannot be opened."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _make(path: Path) -> None:
    """Make an empty state, whole or not at all: an empty file is never taken for a new state."""
    left = path.with_name(f"{path.name}-wal")
    if left.exists():
        raise StateError(
            f"{path}: the state is gone, and a part of it, {left.name}, is left. Put back a copy with `shipper state "
            "restore`, or make the state anew with `shipper state rebuild`."
        )
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)  # of an attempt that did not come to its end
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.executescript(f"BEGIN;{schema.TABLES}PRAGMA user_version = {schema.VERSION};COMMIT;")
    part.chmod(0o600)
    part.rename(path)


def _migrate(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Bring an older state to this schema, in one transaction; a copy of it as it was is kept beside it."""
    copy = path.with_name(f"{path.name}.schema{version}")
    copy.unlink(missing_ok=True)  # of an attempt that did not come to its end
    connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    steps = "".join(schema.MIGRATIONS[number] for number in range(version, schema.VERSION))
    connection.executescript(f"BEGIN IMMEDIATE;{steps}PRAGMA user_version = {schema.VERSION};COMMIT;")


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        raise StateError(
            f"{path}: the state was written by a newer shipper (schema {version}, this one knows {schema.VERSION}). "
            "Install that version again; nothing was changed."
        )
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables:
        raise StateError(f"{path}: this is not a state of shipper. Name another folder under `state`.")
    if version == 0:
        raise sqlite3.DatabaseError("the file is empty")
    damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if damage != "ok":
        raise sqlite3.DatabaseError(damage)
    return version
