"""The rows of log files: how they are recognised, how far they are settled, which marks they carry."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shipper.commit.database import Database
from shipper.hashes import chain_start
from shipper.records import FileRow, Mark, MarkKind

EVERY_ROW = range(1 << 62)

_KINDS = {kind.value: kind for kind in MarkKind}
_ROWS = """
SELECT f.id, f.input, f.path, f.current_path, f.device, f.inode, f.fingerprint, f.size,
       f.heir_of, c.offset, c.chain, c.guard, c.carry, c.finished
FROM files f LEFT JOIN checkpoints c ON c.file = f.id AND c.output = :output
"""
_INHERIT_LEDGER = """
INSERT INTO ledger SELECT output, :heir, bucket, fate, lines, bytes, h0, h1
FROM ledger WHERE file = :elder AND output = :output
"""
_INHERIT_DEAD_LETTERS = """
INSERT INTO dead_letters SELECT output, :heir, id, offset, lines, bytes, h0, h1, category, reason, dataset, index_name,
       timestamp, pipeline, body, refused_at
FROM dead_letters WHERE file = :elder AND output = :output
"""


class FileRows:
    """All files of a state, as seen for the output at hand. The registry that reading asks."""

    def __init__(self, database: Database, host: str) -> None:
        self._database = database
        self._db = database.connection
        self._host = host

    def all(self) -> list[FileRow]:
        """Every file."""
        return self.numbered(EVERY_ROW)

    def numbered(self, numbers: range) -> list[FileRow]:
        """The files whose rows have such numbers."""
        span = {"first": numbers.start, "end": numbers.stop}
        query = "SELECT file, offset, kind, value FROM marks WHERE file >= :first AND file < :end ORDER BY file, offset"
        marks: dict[int, list[Mark]] = defaultdict(list)
        for file, *mark in self._db.execute(query, span):
            marks[file].append(_mark(*mark))
        return self._rows("WHERE f.id >= :first AND f.id < :end", span, lambda file: marks.get(file, []))

    def fingerprints(self) -> dict[int, str]:
        """That of every file, by the number of its row."""
        return dict(self._db.execute("SELECT id, fingerprint FROM files ORDER BY id").fetchall())

    def row(self, file: int) -> FileRow:
        """One file by its row number."""
        return self._rows("WHERE f.id = :file", {"file": file})[0]

    def rows_of_inode(self, input_name: str, device: int, inode: int) -> list[FileRow]:
        """Files that were last seen under this inode."""
        where = "WHERE f.input = :input AND f.device = :device AND f.inode = :inode"
        return self._rows(where, {"input": input_name, "device": device, "inode": inode})

    def rows_of_fingerprint(self, fingerprint: str) -> list[FileRow]:
        """Files that begin the same."""
        return self._rows("WHERE f.fingerprint = :fingerprint", {"fingerprint": fingerprint})

    def add(self, row: FileRow, heir_of: FileRow | None) -> FileRow:
        """Record a new file; an heir takes over ledger and dead letters of the file it continues."""
        with self._database.gathering() as db:
            row.heir_of = heir_of.id if heir_of else 0
            row.id = self._insert(row)
            self.write_marks(row.id, row.marks)
            self.write_checkpoint(row)
            if heir_of is not None:
                both = {"heir": row.id, "elder": heir_of.id, "output": self._database.output}
                db.execute(_INHERIT_LEDGER, both)
                db.execute(_INHERIT_DEAD_LETTERS, both)
        return row

    def seen(self, row: FileRow) -> None:
        """Record where a file is now and how long it is."""
        with self._database.change() as db:
            db.execute(
                "UPDATE files SET current_path = ?, device = ?, inode = ?, size = ? WHERE id = ?",
                (row.current_path, row.device, row.inode, row.size, row.id),
            )

    def is_started(self, input_name: str) -> bool:
        """Whether all files that an input found first were opened once."""
        return self._db.execute("SELECT 1 FROM meta WHERE key = ?", (f"started:{input_name}",)).fetchone() is not None

    def start(self, input_name: str) -> None:
        """Record that they were."""
        with self._database.change() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, 'yes')", (f"started:{input_name}",))

    def gap(self, row: FileRow, mark: Mark) -> None:
        """Record a loss at the source."""
        self.mark(row.id, [mark])

    def mark(self, file: int, marks: Sequence[Mark]) -> None:
        """Record decisions; the state is flushed before anything that depends on them is sent."""
        if marks:
            with self._database.gathering():
                self.write_marks(file, marks)

    def marks(self, file: int) -> list[Mark]:
        """The marks of a file, by offset."""
        rows = self._db.execute("SELECT offset, kind, value FROM marks WHERE file = ? ORDER BY offset", (file,))
        return [_mark(*mark) for mark in rows]

    def write_marks(self, file: int, marks: Iterable[Mark]) -> None:
        """As `mark`, within the caller's transaction."""
        rows = [(file, mark.offset, mark.kind.value, mark.value) for mark in marks]
        self._db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", rows)

    def write_checkpoint(self, row: FileRow) -> None:
        """Record how far a file is settled, within the caller's transaction."""
        self._db.execute(
            "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._database.output, row.id, *place(row.offset, row.chain, row.guard), row.carry, row.finished),
        )

    def _insert(self, row: FileRow) -> int:
        cursor = self._db.execute(
            "INSERT INTO files (input, path, current_path, device, inode, fingerprint, size, heir_of)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (row.input, row.path, row.current_path, row.device, row.inode, row.fingerprint, row.size, row.heir_of),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _rows(
        self, where: str, values: Mapping[str, str | int], marks_of: Callable[[int], list[Mark]] | None = None
    ) -> list[FileRow]:
        cursor = self._db.execute(_ROWS + where, {**values, "output": self._database.output})
        cursor.row_factory = sqlite3.Row
        return [self._row(row, marks_of or self.marks) for row in cursor.fetchall()]

    def _row(self, row: Any, marks_of: Callable[[int], list[Mark]]) -> FileRow:
        unread = row["offset"] is None
        return FileRow(
            **{name: row[name] for name in ("id", "input", "path", "current_path", "device", "inode", "fingerprint")},
            size=row["size"],
            offset=0 if unread else row["offset"],
            chain=chain_start(self._host, row["input"]) if unread else int(row["chain"], 16),
            guard=0 if unread else int(row["guard"], 16),
            carry=row["carry"],
            finished="" if unread else row["finished"],
            marks=marks_of(row["id"]),
            heir_of=row["heir_of"],
        )


def _mark(offset: int, kind: str, value: str) -> Mark:
    return Mark(offset, _KINDS[kind], value)


def place(offset: int, chain: int, guard: int) -> tuple[int, str, str]:
    """Offset, chain and guard as the state keeps them: SQLite's integers are signed, hashes are not."""
    return offset, f"{chain:016x}", f"{guard:016x}"
