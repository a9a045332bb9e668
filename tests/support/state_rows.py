"""The rows of a state, without the numbers that only it knows: two states that know the same have the same rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

LEDGER = """
SELECT o.identity, f.input, f.current_path, f.fingerprint, l.bucket, l.fate, l.lines, l.bytes, l.h0, l.h1
FROM ledger l JOIN files f ON f.id = l.file JOIN outputs o ON o.id = l.output WHERE l.bytes > 0
"""
CHECKPOINTS = """
SELECT o.identity, f.input, f.current_path, f.fingerprint, f.size, c.offset, c.chain, c.guard, c.carry, c.finished
FROM checkpoints c JOIN files f ON f.id = c.file JOIN outputs o ON o.id = c.output
"""
MARKS = """
SELECT f.input, f.current_path, m.offset, m.kind, m.value FROM marks m JOIN files f ON f.id = m.file
"""


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """The rows that a query finds in the state below a folder."""
    with closing(sqlite3.connect(folder / "state" / "state.db")) as db:
        return sorted(db.execute(query).fetchall(), key=repr)
