"""Documents that the output refused for good: kept with reason, readable, replayable.

What is discarded leaves its place behind, without text: the ledger and the audit go on counting it as a dead letter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from shipper.commit.database import Database
from shipper.commit.schema import ADD_TO_LEDGER
from shipper.records import Document, Refusal, Source, Tally, bucket_of

_ALL = """
SELECT f.input, f.path, f.fingerprint, d.file, d.id, d.offset, d.lines, d.bytes, d.h0, d.h1, d.category, d.reason,
       d.dataset, d.index_name, d.timestamp, d.pipeline, d.body, d.refused_at
FROM dead_letters d JOIN files f ON f.id = d.file
WHERE d.output = ? {kept} GROUP BY d.id ORDER BY d.refused_at, d.file, d.offset
"""
_KEPT = "AND LENGTH(d.body) > 0"


class DeadLetter(NamedTuple):
    """A document that was refused for good."""

    refusal: Refusal
    refused_at: float
    """Seconds since the epoch."""


class DeadLetters:
    """The dead letters of the output at hand."""

    def __init__(self, database: Database, host: str) -> None:
        self._database = database
        self._db = database.connection
        self._host = host

    def all(self) -> list[DeadLetter]:
        """Each refused document once, by time of refusal, also where several copies of a file hold it."""
        return self._letters(_ALL.format(kept=_KEPT))

    def with_discarded(self) -> list[DeadLetter]:
        """As `all`, and those that were discarded, which have no body."""
        return self._letters(_ALL.format(kept=""))

    def waiting(self) -> dict[str, int]:
        """How many documents wait for somebody, by category."""
        query = (
            "SELECT category, COUNT(DISTINCT id) FROM dead_letters WHERE output = ? AND LENGTH(body) > 0 "
            "GROUP BY category ORDER BY category"
        )
        return dict(self._db.execute(query, (self._database.output,)).fetchall())

    def categories(self) -> dict[str, str]:
        """The category of each refused document, by its id; of those that were discarded, too."""
        query = "SELECT id, category FROM dead_letters WHERE output = ?"
        return dict(self._db.execute(query, (self._database.output,)).fetchall())

    def last_refusals(self) -> dict[int, tuple[str, float]]:
        """By file: why a document that waits was refused last, and when."""
        # Where one value is a maximum, SQLite takes the others from the row that has it.
        query = (
            "SELECT file, category, reason, MAX(refused_at) FROM dead_letters WHERE output = ? AND LENGTH(body) > 0 "
            "GROUP BY file"
        )
        rows = self._db.execute(query, (self._database.output,))
        return {file: (f"{category}: {reason}", at) for file, category, reason, at in rows}

    def bytes(self) -> int:
        """Bytes that they take."""
        query = "SELECT COALESCE(SUM(LENGTH(body) + LENGTH(reason)), 0) FROM dead_letters"
        return int(self._db.execute(query).fetchone()[0])

    def bury(self, file: int, refusals: Iterable[Refusal], now: float) -> None:
        """Keep refused documents, within the caller's transaction."""
        self._db.executemany(
            "INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [self._row(file, refusal, now) for refusal in refusals],
        )

    def revive(self, ids: Iterable[str]) -> None:
        """Documents that are stored now: out of the list, and in the ledger from dead to stored."""
        with self._database.transaction() as db:
            for name in ids:
                key = (self._database.output, name)
                where = "FROM dead_letters WHERE output = ? AND id = ?"
                rows = db.execute(f"SELECT file, offset, category, lines, bytes, h0, h1 {where}", key).fetchall()
                for file, offset, category, *tally in rows:
                    dead = (self._database.output, file, bucket_of(offset), f"dead:{category}")
                    stored = (self._database.output, file, bucket_of(offset), "stored")
                    db.execute(ADD_TO_LEDGER, (*dead, *(-part for part in tally)))
                    db.execute(ADD_TO_LEDGER, (*stored, *tally))
                db.execute(f"DELETE {where}", key)

    def discard(self, ids: Iterable[str]) -> int:
        """Give up documents for good: their text goes, their count stays; how many there were."""
        query = "UPDATE dead_letters SET body = x'', reason = '' WHERE output = ? AND id = ? AND LENGTH(body) > 0"
        with self._database.transaction() as db:
            return sum(db.execute(query, (self._database.output, name)).rowcount > 0 for name in ids)

    def _letters(self, query: str) -> list[DeadLetter]:
        cursor = self._db.execute(query, (self._database.output,))
        cursor.row_factory = sqlite3.Row
        return [self._letter(row) for row in cursor]

    def _row(self, file: int, refusal: Refusal, now: float) -> tuple[object, ...]:
        document, category, reason = refusal
        what = (document.dataset, document.index, document.timestamp, document.pipeline, document.body)
        place = (self._database.output, file, document.id, document.offset)
        return (*place, *document.tally, category, reason, *what, now)

    def _letter(self, row: Any) -> DeadLetter:
        source = Source(self._host, row["input"], row["path"], row["fingerprint"], row["file"])
        document = Document(
            id=row["id"],
            source=source,
            dataset=row["dataset"],
            index=row["index_name"],
            timestamp=row["timestamp"],
            offset=row["offset"],
            tally=Tally(row["lines"], row["bytes"], row["h0"], row["h1"]),
            pipeline=row["pipeline"],
            body=row["body"],
        )
        return DeadLetter(Refusal(document, row["category"], row["reason"]), row["refused_at"])
