"""Looks into the SQLite index with plain SQL, as any other program could, and takes documents out of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson


class Held(NamedTuple):
    """One document of the index."""

    id: str
    input: str
    lines: int
    text: str
    """The event's lines, as they were shipped."""


class Index:
    """The index database of the demo."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines_by_input(self) -> dict[str, int]:
        """How many lines are stored per input; none while there is no database."""
        if not self._path.exists():
            return {}
        with closing(self._connect("ro")) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchone():
                return {}
            return dict(database.execute("SELECT input, sum(lines) FROM documents GROUP BY input"))

    def documents(self, name: str) -> list[Held]:
        """The documents of an input, in the order of their files and offsets."""
        with closing(self._connect("ro")) as database:
            rows = database.execute(
                'SELECT id, lines, document FROM documents WHERE input = ? ORDER BY fingerprint, "offset"', (name,)
            ).fetchall()
        return [Held(key, name, lines, orjson.loads(document)["message"]) for key, lines, document in rows]

    def ids(self) -> set[str]:
        """The ids of all documents."""
        with closing(self._connect("ro")) as database:
            return {key for (key,) in database.execute("SELECT id FROM documents")}

    def delete(self, ids: Sequence[str]) -> int:
        """Delete documents without telling anybody; how many were there."""
        with closing(self._connect("rw")) as database, database:
            return database.executemany("DELETE FROM documents WHERE id = ?", [(key,) for key in ids]).rowcount

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
