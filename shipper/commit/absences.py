"""Files that are gone: since when, and what remains of them when their rows are dropped.

The rows of a content go together: of files that continued each other, the one that came furthest vouches for all.
What remains is the tally of what was stored of it, so that an audit still knows the documents in the index.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from shipper.commit.database import Database
from shipper.records import Tally

_EXPIRED = """
SELECT fingerprint FROM files GROUP BY fingerprint
HAVING COUNT(*) = COUNT(gone_since) AND MAX(gone_since) <= :before
"""
_WITH_DEAD_LETTERS = "SELECT f.fingerprint FROM dead_letters d JOIN files f ON f.id = d.file WHERE LENGTH(d.body) > 0"
_STORED = """
SELECT l.output, SUM(l.lines), SUM(l.bytes), SUM(l.h0), SUM(l.h1)
FROM ledger l JOIN files f ON f.id = l.file
WHERE f.fingerprint = ? AND l.fate = 'stored' GROUP BY l.output, l.file ORDER BY 3
"""


class Place(NamedTuple):
    """Where a row's file was last seen, and what was unread of it then."""

    id: int
    input: str
    device: int
    inode: int
    path: str
    offset: int
    unread: int
    """Bytes beyond the checkpoint when last seen; 0 for a file that was read to its end."""
    gone: bool
    """Whether it was missed before."""
    told: bool
    """Whether what was unread is recorded as lost already."""


class Absences:
    """Which files are gone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._db = database.connection

    def places(self) -> list[Place]:
        """Every row's file."""
        query = """
            SELECT f.id, f.input, f.device, f.inode, f.current_path, COALESCE(c.offset, 0),
                   CASE WHEN COALESCE(c.finished, '') = '' THEN MAX(0, f.size - COALESCE(c.offset, 0)) ELSE 0 END,
                   f.gone_since IS NOT NULL,
                   EXISTS (SELECT 1 FROM marks m
                           WHERE m.file = f.id AND m.kind = 'gap' AND m.offset = COALESCE(c.offset, 0))
            FROM files f LEFT JOIN checkpoints c ON c.file = f.id AND c.output = ?"""
        rows = self._db.execute(query, (self._database.output,))
        return [Place._make((*row[:-2], bool(row[-2]), bool(row[-1]))) for row in rows]

    def note(self, missed: Collection[int], back: Collection[int], now: float) -> None:
        """Record which rows' files are gone from now on, and which are there again."""
        if missed or back:
            with self._database.transaction() as db:
                db.executemany("UPDATE files SET gone_since = ? WHERE id = ?", [(now, file) for file in missed])
                db.executemany("UPDATE files SET gone_since = NULL WHERE id = ?", [(file,) for file in back])

    def forget(self, before: float) -> int:
        """Drop the rows of contents all of whose files are gone since a moment or longer; how many rows.

        Rows with dead letters stay: those wait for a person.
        """
        kept = {fingerprint for (fingerprint,) in self._db.execute(_WITH_DEAD_LETTERS)}
        expired = {fingerprint for (fingerprint,) in self._db.execute(_EXPIRED, {"before": before})} - kept
        if not expired:
            return 0
        return self.drop(expired)

    def drop(self, fingerprints: Collection[str]) -> int:
        """Drop all rows of some contents; how many. What was stored of them stays known to audits."""
        with self._database.transaction():
            return sum(map(self._drop, fingerprints))

    def forgotten(self) -> dict[str, Tally]:
        """What was stored, by fingerprint, of files whose rows were dropped."""
        if self._database.version < 2:
            return {}
        query = "SELECT fingerprint, lines, bytes, h0, h1 FROM forgotten WHERE output = ?"
        return {name: Tally(*tally) for name, *tally in self._db.execute(query, (self._database.output,))}

    def _drop(self, fingerprint: str) -> int:
        furthest = {output: tally for output, *tally in self._db.execute(_STORED, (fingerprint,))}
        self._db.executemany(
            "INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?, ?, ?, ?)",
            [(output, fingerprint, *tally) for output, tally in furthest.items()],
        )
        ids = [(file,) for (file,) in self._db.execute("SELECT id FROM files WHERE fingerprint = ?", (fingerprint,))]
        for table in ("ledger", "checkpoints", "marks", "dead_letters"):
            self._db.executemany(f"DELETE FROM {table} WHERE file = ?", ids)  # noqa: S608  our own names
        self._db.executemany("DELETE FROM files WHERE id = ?", ids)
        return len(ids)
