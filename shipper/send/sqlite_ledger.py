"""Ledger documents in the file of a SQLite index: a table of its own, over a connection of its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shipper.errors import OutputError
from shipper.send.ledger_index import LedgerDocument, LedgerKind
from shipper.send.sqlite_file import connect_to_read, connect_to_write
from shipper.transactions import transaction

_TABLE = """
CREATE TABLE IF NOT EXISTS ledger_documents (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, host TEXT NOT NULL, agent TEXT NOT NULL, document TEXT NOT NULL)
"""
_WRITE = "INSERT OR REPLACE INTO ledger_documents VALUES (?, ?, ?, ?, ?)"


class SQLiteLedger:
    """Implements `shipper.send.ledger_index.LedgerIndex`."""

    def __init__(self, path: Path, *, to_write: bool) -> None:
        self._path = path
        with self._answers():
            self._db = connect_to_write(path) if to_write else connect_to_read(path)
            if to_write:
                self._db.execute(_TABLE)

    def write(self, documents: Sequence[LedgerDocument]) -> None:
        """Store all of them in one transaction."""
        rows = [(item.id, item.kind.value, item.host, item.agent, item.body.decode()) for item in documents]
        with self._answers(), transaction(self._db):
            self._db.executemany(_WRITE, rows)

    def refresh(self) -> None:
        """Nothing to do: what is committed is visible."""

    def read(self, kind: LedgerKind, *, host: str | None = None, agent: str | None = None) -> Iterator[dict[str, Any]]:
        """All documents of a kind, of one host or agent only, if wanted."""
        query = "SELECT document FROM ledger_documents WHERE kind = ?1 AND (?2 IS NULL OR host = ?2)"
        with self._answers():
            if not self._is_there():
                return
            rows = self._db.execute(f"{query} AND (?3 IS NULL OR agent = ?3)", (kind.value, host, agent)).fetchall()
        yield from (json.loads(document) for (document,) in rows)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _is_there(self) -> bool:
        query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'ledger_documents'"
        return bool(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"{self._path}: the ledger documents cannot be reached: {error}") from error
