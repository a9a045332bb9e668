"""The SQLite file of the embedded index: made where it is not there, and opened."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from shipper.errors import OutputError
from shipper.transactions import transaction

_SCHEMA = (
    """CREATE TABLE documents (
    id TEXT PRIMARY KEY, dataset TEXT NOT NULL, host TEXT NOT NULL, input TEXT NOT NULL, timestamp INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, offset INTEGER NOT NULL, lines INTEGER NOT NULL, bytes INTEGER NOT NULL,
    h0 INTEGER NOT NULL, h1 INTEGER NOT NULL, pipeline TEXT NOT NULL, document TEXT NOT NULL)""",
    "CREATE INDEX documents_by_place ON documents (fingerprint, offset)",
    "CREATE TABLE identity (uuid TEXT NOT NULL)",
    "PRAGMA user_version = 1",
)


def inode(path: Path) -> tuple[int, int]:
    """What tells a file from another one that has taken its name."""
    status = path.stat()
    return status.st_dev, status.st_ino


def connect_to_write(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is made where it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA synchronous = FULL")
    if not _is_made(connection):
        with transaction(connection):
            if not _is_made(connection):  # another agent may have been first
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("INSERT INTO identity VALUES (?)", (str(uuid.uuid4()),))
    return connection


def _is_made(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, to a file that is there."""
    if not path.exists():
        raise OutputError(f"{path}: there is no index. Did an agent ever run with this configuration?")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
