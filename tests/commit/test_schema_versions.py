"""Versions of the state's schema: forward by itself, whole or not at all; backward never; and noticed while running."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.agents import HOST, Site
from support.logs import append, numbered, write
from support.running import DEADLINE, Running

from shipper.cli import execute
from shipper.commit import schema
from shipper.commit.state import State
from shipper.errors import Exit, StateError
from shipper.records import Batch, Document, Outcome, OutcomeKind, Receipt
from shipper.send.output import Output
from shipper.send.sqlite import SQLiteOutput

TO_THE_FIRST = "ALTER TABLE files DROP COLUMN gone_since; DROP TABLE forgotten; PRAGMA user_version = 1; VACUUM;"
"""Makes a state of today one of the first schema."""
NEWER = schema.VERSION + 1


class Picky(SQLiteOutput):
    """Refuses every line that ends with 7."""

    def send(self, batch: Batch) -> Receipt:
        taken = super().send(Batch(batch.number, [one for one in batch.documents if not _is_refused(one)], 0))
        outcomes = iter(taken.outcomes)
        refused = Outcome(OutcomeKind.REFUSED, "mapping", "no sevens")
        return Receipt(batch, [refused if _is_refused(one) else next(outcomes) for one in batch.documents])


def _is_refused(document: Document) -> bool:
    return str(json.loads(document.body)["message"]).split()[1].endswith("7")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that the first schema has, with its columns."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [
                row[:9] if name == "files" else row  # the tenth column is new in the second
                for row in sorted(db.execute(f"SELECT * FROM {name}"), key=repr)
            ]
            for name in tables
            if name != "forgotten"
        }


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture
def first(tmp_path: Path) -> Site:
    """A site with a state of the first schema: checkpoints, ledger, filtered lines, dead letters."""
    site = Site(tmp_path)
    write(site.logs / "a.log", *numbered(0, 30), "")
    write(site.logs / "b.log", *numbered(100, 130))
    output: Output = Picky(tmp_path / "index.db")
    site.once(output)
    with closing(sqlite3.connect(site.settings.state / "state.db")) as db:
        db.executescript(TO_THE_FIRST)
    return site


def test_a_migration_takes_everything_along(first: Site) -> None:
    path = first.settings.state / "state.db"
    before = contents(path)
    assert len(before["dead_letters"]) == 6
    State.open(first.settings.state, HOST).close()
    assert version_of(path) == schema.VERSION
    assert contents(path) == before == contents(path.with_name("state.db.schema1"))


def test_a_migrated_state_has_the_tables_of_a_new_one(first: Site, tmp_path: Path) -> None:
    State.open(first.settings.state, HOST).close()
    State.open(tmp_path / "new", HOST).close()

    def columns(folder: Path) -> set[tuple[object, ...]]:
        with closing(sqlite3.connect(folder / "state.db")) as db:
            return set(
                db.execute(
                    'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
                )
            )

    assert columns(first.settings.state) == columns(tmp_path / "new")


def test_a_migration_that_breaks_off_has_changed_nothing(first: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = first.settings.state / "state.db"
    before = contents(path)
    with monkeypatch.context() as broken:
        broken.setitem(schema.MIGRATIONS, 1, schema.MIGRATIONS[1] + "INSERT INTO nowhere VALUES (1);")
        with pytest.raises(StateError, match="nowhere"):
            State.open(first.settings.state, HOST)
    assert (version_of(path), contents(path)) == (1, before)
    State.open(first.settings.state, HOST).close()
    assert (version_of(path), contents(path)) == (schema.VERSION, before)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--once"],
        ["audit"],
        ["status"],
        ["dead-letters", "list"],
        ["state", "show"],
        ["state", "verify"],
        ["state", "forget", "--yes", "x"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_newer_state_and_leaves_it_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, 10))
    assert execute(["run", "--once", "-c", str(site.configuration)]) == Exit.CLEAN
    path = tmp_path / "state" / "state.db"
    upgrade(path)
    before = path.read_bytes()
    capsys.readouterr()
    assert execute([*command, "-c", str(site.configuration)]) == Exit.UNFINISHED
    told = capsys.readouterr().err
    assert f"{path}: the state was written by a newer shipper (schema {NEWER}, this one knows {schema.VERSION})" in told
    assert path.read_bytes() == before


def upgrade(path: Path) -> None:
    """What a newer version does to a state."""
    with closing(sqlite3.connect(path, timeout=DEADLINE)) as db:
        db.executescript(
            f"BEGIN IMMEDIATE; CREATE TABLE newer (x); PRAGMA user_version = {NEWER}; COMMIT;"
            "PRAGMA wal_checkpoint(TRUNCATE);"
        )


def test_an_agent_that_runs_while_the_state_is_upgraded_notices_at_its_next_commit(tmp_path: Path) -> None:
    """As where the lock does not help: the new version runs in another container, or on another host of a share."""
    site = Running(tmp_path)
    log = write(site.logs / "a.log", *numbered(0, 10))
    path = tmp_path / "state" / "state.db"
    with site:
        site.wait_for(10)
        site.until(lambda: site.ask("status", code=None)["totals"]["lag_bytes"] == 0)
        upgrade(path)
        before = contents(path)
        append(log, *numbered(10, 20))
        assert site.process is not None
        assert site.process.wait(timeout=2 * DEADLINE) == Exit.UNFINISHED
    said = site.log_text()
    assert f"another version of shipper has changed the state while this one ran (schema {NEWER}" in said
    assert "Start the agent again, with the version that is installed now" in said
    assert contents(path) == before

    with closing(sqlite3.connect(path)) as db:  # the newer version runs on: here it is today's
        db.executescript(f"DROP TABLE newer; PRAGMA user_version = {schema.VERSION};")
    totals = site.once()
    assert totals["stored"] + totals["already_stored"] == 10
    assert site.sources() == [numbered(0, 20)]
    assert site.verdict() == ("closed", [])
