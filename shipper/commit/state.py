"""The agent's memory: one SQLite file, read by `status` and `audit` also while an agent writes it.

Durability: WAL with `synchronous=FULL`; each commit is one transaction. Damaged, newer or foreign state is refused
with the ways out; it is never replaced by an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shipper.commit import copies
from shipper.commit import room as no_room
from shipper.commit.absences import Absences
from shipper.commit.connection import Room
from shipper.commit.database import Database
from shipper.commit.dead_letters import DeadLetters
from shipper.commit.files import EVERY_ROW, FileRows, place
from shipper.commit.ledger import Advance
from shipper.commit.schema import ADD_TO_LEDGER
from shipper.records import Tally

_COPIED = "copied"
_A_DAY = 86_400.0
_AN_HOUR = 3600.0
_ADVANCE = "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)"


class LedgerRow(NamedTuple):
    """What the ledger holds of one file, bucket and fate (`stored`, `filtered:<rule>`, `dead:<category>`)."""

    file: int
    bucket: int
    fate: str
    tally: Tally


class Stall(NamedTuple):
    """Something that stands still."""

    scope: str
    """What: `output`, `dataset tstat.tcp`, `file /var/log/x` …"""
    reason: str
    since: float
    """Seconds since the epoch."""


class State:
    """The state of one agent, seen for one output."""

    def __init__(self, database: Database, host: str) -> None:
        self._database = database
        self._db = database.connection
        self.path = database.path
        self.host = host
        self.files = FileRows(database, host)
        self.absences = Absences(database)
        self.dead_letters = DeadLetters(database, host)
        self._copied_at: float | None = None

    @classmethod
    def open(cls, folder: Path, host: str, room: Room | None = None) -> State:
        """Open the state to write it; creates it where there is none. The caller holds the lock.

        `room` waits where the disk is full; without one that is an error.
        """
        return cls(Database.open(folder, room), host)

    @classmethod
    def open_read_only(cls, folder: Path, host: str) -> State | None:
        """Open the state to look at it, also while an agent runs; None where there is none."""
        database = Database.open_read_only(folder)
        return None if database is None else cls(database, host)

    def flush(self) -> None:
        """Make durable what files and marks were recorded since the last commit."""
        self._database.flush()

    def close(self) -> None:
        """Close the database; what is not durable by then is found out again."""
        self._db.close()

    def use_output(self, identity: str) -> None:
        """Mean this output's checkpoints, ledger and dead letters from now on, and remember that it was used last."""
        with self._database.transaction() as db:
            db.execute("INSERT OR IGNORE INTO outputs (identity) VALUES (?)", (identity,))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('output', ?)", (identity,))
        self.look_at_output(identity)

    def look_at_output(self, identity: str) -> bool:
        """As `use_output`, but writes nothing; whether the state knows the output."""
        row = self._db.execute("SELECT id FROM outputs WHERE identity = ?", (identity,)).fetchone()
        self._database.output = row[0] if row else 0
        return row is not None

    def output_in_use(self) -> str | None:
        """The identity of the output that was used last."""
        return self.pins().get("output")

    def outputs(self) -> list[str]:
        """Identities of the outputs that the state knows, oldest first."""
        return [row[0] for row in self._db.execute("SELECT identity FROM outputs ORDER BY id")]

    @property
    def schema(self) -> int:
        """The number of the state's schema."""
        return self._database.version

    def rows(self) -> dict[str, int]:
        """How many rows each table has, for all outputs together."""
        names = [
            name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        counts = {name: self._db.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608  our own
        return {name: count for name, count in counts.items() if not name.startswith("sqlite_")}

    def pins(self) -> dict[str, str]:
        """Recorded facts that documents depend on: host, machine, inputs."""
        return dict(self._db.execute("SELECT key, value FROM meta").fetchall())

    def pin(self, facts: Mapping[str, str]) -> None:
        """Record facts; replaces equal keys."""
        with self._database.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    def define(self, version: str, definition: str) -> None:
        """Record a pipeline's definition under its version."""
        with self._database.change() as db:
            db.execute("INSERT OR IGNORE INTO definitions VALUES (?, ?)", (version, definition))

    def definitions(self) -> dict[str, str]:
        """Pipeline definitions by version."""
        return dict(self._db.execute("SELECT version, definition FROM definitions").fetchall())

    def commit(self, advances: Iterable[Advance], now: float) -> None:
        """Move checkpoints, add to the ledger, keep dead letters: all or nothing. `now` dates the dead letters."""
        output = self._database.output
        with self._database.transaction() as db:
            for advance in advances:
                where = place(advance.offset, advance.chain, advance.guard)
                db.execute(_ADVANCE, (output, advance.file, *where, advance.carry, advance.finished))
                db.executemany(
                    ADD_TO_LEDGER,
                    [(output, advance.file, bucket, fate, *tally) for (bucket, fate), tally in advance.fates.items()],
                )
                self.dead_letters.bury(advance.file, advance.dead, now)

    def keep_copy(self, now: float) -> str:
        """Keep a copy of the state beside it if the last one is a day old; the reason if that failed."""
        if self._copied_at is None:
            self._copied_at = float(self.pins().get(_COPIED, "-inf"))
        if 0 <= now - self._copied_at < _A_DAY:  # a clock that was ahead must not keep copies away for years
            return ""
        problem = copies.keep_copy(self._database)
        self._copied_at = now - _A_DAY + _AN_HOUR if problem else now
        if not problem:
            self.pin({_COPIED: str(now)})
        return problem

    def ledger(self, numbers: range = EVERY_ROW) -> list[LedgerRow]:
        """The ledger of the output at hand: the whole of it, or that of the files whose rows have such numbers."""
        query = "SELECT file, bucket, fate, lines, bytes, h0, h1 FROM ledger WHERE output = ? AND bytes > 0"
        span = (self._database.output, numbers.start, numbers.stop)
        rows = self._db.execute(f"{query} AND file >= ? AND file < ?", span)
        return [LedgerRow(file, bucket, fate, Tally(*tally)) for file, bucket, fate, *tally in rows]

    def note_stalls(self, stalls: Sequence[Stall]) -> None:
        """What stands still now; replaces what was noted before."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM stalls")
            db.executemany("INSERT INTO stalls VALUES (?, ?, ?)", stalls)

    def stalls(self) -> list[Stall]:
        """What stood still when the agent last said so."""
        found = [Stall(*row) for row in self._db.execute("SELECT scope, reason, since FROM stalls ORDER BY since")]
        note = no_room.read_note(self.path.parent)
        return [*found, Stall(no_room.SCOPE, *note)] if note else found
