"""The embedded index: one SQLite file that `sqlite3`, pandas or Datasette read as tables, a view per dataset.

Each batch is one transaction with `synchronous=FULL`: what a receipt calls stored survives a power failure.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sys import intern

from shipper.errors import OutputError
from shipper.records import (
    ALREADY_STORED,
    STORED,
    Batch,
    BucketTally,
    Document,
    Outcome,
    OutcomeKind,
    Receipt,
    Stored,
    Tally,
)
from shipper.send.output import Dataset, Flaw, Period, Replacement, Scope
from shipper.send.sqlite_file import connect_to_write, inode
from shipper.transactions import transaction

PLACE = "documents"
_INSERT = "INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TALLIES = """
SELECT host, input, fingerprint, offset >> 24, COUNT(*), SUM(lines), SUM(bytes), SUM(h0), SUM(h1), MIN(offset)
FROM documents {where} GROUP BY host, input, fingerprint, offset >> 24
"""
_SPANS = """
SELECT id, offset, lines, bytes, h0, h1, pipeline, document ->> '$.log.file.path', document -> '$.tags'
FROM documents WHERE fingerprint = ? AND offset >= ? AND offset < ? ORDER BY offset, id
"""
_ANCHORS = """
SELECT DISTINCT document ->> '$.shipper.date_from', document ->> '$.shipper.date' FROM documents
WHERE fingerprint = ? AND document ->> '$.shipper.date_from' IS NOT NULL ORDER BY 1
"""
_HISTORY = """
SELECT host, input, fingerprint, offset >> 24, timestamp / :step - (timestamp % :step < 0), SUM(lines),
       SUM(bytes)
FROM documents {where} GROUP BY 1, 2, 3, 4, 5
"""
_FLAWS = """
SELECT host, input, tag.value, COUNT(*), SUM(lines) FROM documents, json_each(document, '$.tags') AS tag
{where} {and_} ({found}) AND tag.value IN ({tags}) GROUP BY 1, 2, 3
"""
"""Finding a text in a document is cheap; only where it is found its JSON is read."""
_AT_ONCE = 500
_NANOSECONDS = 1_000_000_000


class SQLiteOutput:
    """Documents in a SQLite file. One writer; readers do not disturb it."""

    def __init__(
        self, path: Path, datasets: Iterable[Dataset] = (), connect: Callable[[Path], sqlite3.Connection] | None = None
    ) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._answers():
            self._db = (connect or connect_to_write)(path)
            self._file = inode(path)
            self._identity: str = self._db.execute("SELECT uuid FROM identity").fetchone()[0]
        self.announce(datasets)

    @property
    def identity(self) -> str:
        """The uuid that the file was given when it was made."""
        return f"sqlite:{self._identity}"

    def announce(self, datasets: Iterable[Dataset]) -> None:
        """Make the views of datasets anew."""
        found = list(datasets)
        if not found:
            return
        with self._lock, self._answers(), transaction(self._db):  # others may do the same
            for dataset in found:
                self._db.execute(f"DROP VIEW IF EXISTS {_quoted(dataset.name)}")
                self._db.execute(view(dataset))

    def send(self, batch: Batch) -> Receipt:
        """Store the batch in one transaction. A full disk or a locked file is RETRY for all its documents."""
        try:
            with self._lock:
                outcomes = self._stored(batch.documents)
            return Receipt(batch, outcomes if self._is_in_place() else [self._replaced()] * len(outcomes))
        except sqlite3.Error as error:
            outcome = Outcome(OutcomeKind.RETRY, "output", f"{self._path}: {error}")
            return Receipt(batch, [outcome] * len(batch.documents))

    def refresh(self) -> None:
        """Nothing to do: what is committed is visible."""

    def hosts(self) -> list[str]:
        """The hosts whose documents are held."""
        return [host for (host,) in self._rows("SELECT DISTINCT host FROM documents ORDER BY host", ())]

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held per fingerprint and bucket."""
        where, values = _where(scope)
        for host, name, fingerprint, bucket, count, *tally, first in self._rows(_TALLIES.format(where=where), values):
            yield BucketTally(host, name, fingerprint, bucket, count, Tally(*tally), first)

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """Every document of the fingerprint with first <= offset < last, by offset."""
        for name, offset, *tally, pipeline, path, tags in self._rows(_SPANS, (fingerprint, first, last)):
            common = intern(pipeline), PLACE, intern(path or "")  # kept once for tens of thousands of documents
            yield Stored(name, offset, Tally(*tally), *common, (), _strings(tags))

    def bodies(self, ids: Sequence[str], *, fingerprint: str) -> dict[str, bytes]:  # noqa: ARG002
        """The JSON bodies of documents, by id."""
        found: dict[str, bytes] = {}
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            query = f"SELECT id, document FROM documents WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608  placeholders only
            found.update((name, body.encode()) for name, body in self._rows(query, some))
        return found

    def copies(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The JSON bodies of documents, by (place, id); there is one place."""
        return {(PLACE, name): body for name, body in self.bodies([name for _, name in places], fingerprint="").items()}

    def home(self, index: str, places: Collection[str]) -> str | None:  # noqa: ARG002
        """The one place that there is."""
        return PLACE if PLACE in places else None

    def absent(self, indices: Collection[str]) -> dict[str, str]:  # noqa: ARG002
        """None: there is one place."""
        return {}

    def anchors(self, fingerprint: str) -> list[tuple[int, str]]:
        """The date marks that documents of the fingerprint carry."""
        return [(int(offset), date) for offset, date in self._rows(_ANCHORS, (fingerprint,))]

    def history(self, scope: Scope, step: int) -> Iterator[Period]:
        """The lines and bytes that are held by file, bucket and step of event time (seconds)."""
        where, values = _where(scope)
        query = _HISTORY.format(where=where).replace(":step", str(step * _NANOSECONDS))
        for host, name, fingerprint, bucket, number, *sizes in self._rows(query, values):
            yield Period(host, name, fingerprint, bucket, number * step, *sizes)

    def flaws(self, scope: Scope, tags: Sequence[str]) -> Iterator[Flaw]:
        """How many documents carry one of the tags."""
        where, values = _where(scope)
        found = " OR ".join(["instr(document, ?)"] * len(tags))
        query = _FLAWS.format(
            where=where, and_="AND" if where else "WHERE", found=found, tags=", ".join("?" * len(tags))
        )
        for host, name, tag, documents, lines in self._rows(query, [*values, *(f'"{tag}"' for tag in tags), *tags]):
            yield Flaw(host, name, tag, "", documents, lines)

    def replace(self, replacements: Sequence[Replacement]) -> list[Outcome]:
        """Replace documents in one transaction."""
        rows = [_row(item.document) for item in replacements]
        with self._lock, self._answers(), transaction(self._db):
            self._db.executemany(_REPLACE, rows)
        return [STORED] * len(rows)

    def delete(self, places: Iterable[tuple[str, str]]) -> int:
        """Delete documents by (place, id)."""
        with self._lock, self._answers():
            cursor = self._db.executemany("DELETE FROM documents WHERE id = ?", [(name,) for _, name in places])
            return cursor.rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _stored(self, documents: Sequence[Document]) -> list[Outcome]:
        rows = [_row(document) for document in documents]
        with transaction(self._db):
            self._db.execute("SAVEPOINT before")
            if self._insert(rows) == len(rows):
                return [STORED] * len(rows)
            # Some were there: find out which, from the state before.
            self._db.execute("ROLLBACK TO before")
            outcomes = self._outcomes([document.id for document in documents])
            self._insert(rows)
            return outcomes

    def _is_in_place(self) -> bool:
        """Whether what was stored can be found: SQLite goes on writing to a file that has lost its name."""
        return self._path.exists() and inode(self._path) == self._file

    def _replaced(self) -> Outcome:
        reason = (
            f"{self._path}: the index was moved away or replaced while the agent used it. Put it back, or start the "
            "agent again: it ships every line of every file to the new one."
        )
        return Outcome(OutcomeKind.PAUSED, "replaced", reason)

    def _insert(self, rows: list[tuple[object, ...]]) -> int:
        return self._db.executemany(_INSERT, rows).rowcount

    def _outcomes(self, ids: list[str]) -> list[Outcome]:
        there: set[str] = set()
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            query = f"SELECT id FROM documents WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608  placeholders only
            there.update(row[0] for row in self._db.execute(query, some))
        outcomes = []
        for name in ids:
            outcomes.append(ALREADY_STORED if name in there else STORED)
            there.add(name)
        return outcomes

    def _rows(self, query: str, values: Sequence[object]) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock, self._answers():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"{self._path}: the index did not answer: {error}") from error


def view(dataset: Dataset) -> str:
    """The SQL of a view with the dataset's fields as columns, named as in the documents."""
    fields = ["id", "timestamp", "host", "input", "fingerprint", "offset"]
    columns = fields + [f"document ->> {_path(name)} AS {_quoted(name)}" for name in sorted(dataset.field_types)]
    columns.append("document ->> '$.message' AS message")
    where = dataset.name.replace("'", "''")
    return (
        f"CREATE VIEW {_quoted(dataset.name)} AS SELECT {', '.join(columns)} FROM documents WHERE dataset = '{where}'"  # noqa: S608  quoted
    )


def _path(field: str) -> str:
    steps = "".join(f'."{step}"' for step in field.split("."))
    return "'$" + steps.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(document: Document) -> tuple[object, ...]:
    source = document.source
    return (
        document.id, document.dataset, source.host, source.input, document.timestamp, source.fingerprint,
        document.offset, *document.tally, document.pipeline, document.body.decode(),
    )  # fmt: skip


def _where(scope: Scope) -> tuple[str, list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if scope.host is not None:
        conditions.append("host = ?")
        values.append(scope.host)
    for column, wanted in (("input", scope.inputs), ("fingerprint", scope.fingerprints)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    if scope.since is not None:
        conditions.append("timestamp >= ?")
        values.append(int(scope.since * _NANOSECONDS))
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _strings(array: str | None) -> tuple[str, ...]:
    return tuple(json.loads(array)) if array else ()
