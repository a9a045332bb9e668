"""The state is refused when it cannot be trusted, and never replaced by an empty one."""

import sqlite3
from contextlib import closing

import pytest
from support.agents import HOST, Site
from support.logs import numbered, write

from shipper.commit.database import explained
from shipper.commit.state import State
from shipper.errors import StateError
from shipper.records import Mark, MarkKind


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    write(site.logs / "a.log", *numbered(0, 50))
    site.once()
    return site


def test_damaged_state_is_refused_with_the_ways_out(site):
    path = site.settings.state / "state.db"
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    path.write_bytes(data)

    with pytest.raises(StateError, match=r"state.db: the state cannot be used: .* Put back a copy"):
        site.once()
    assert path.read_bytes() == data


def test_a_state_that_somebody_else_holds_is_not_called_damaged(site):
    path = site.settings.state / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as one, closing(sqlite3.connect(path, timeout=0)) as two:
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match=r"another process holds the state.*is locked") as refused, explained(path):
            two.execute("BEGIN IMMEDIATE")
    assert "restore" not in str(refused.value)


def test_state_of_a_newer_version_is_refused(site):
    with closing(sqlite3.connect(site.settings.state / "state.db")) as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(StateError, match="schema 99, this one knows 2"):
        site.once()


def test_a_foreign_database_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        db.execute("CREATE TABLE somebody_elses (x)")

    with pytest.raises(StateError, match="this is not a state of shipper"):
        State.open(tmp_path, HOST)


def test_where_there_is_no_state_there_is_nothing_to_look_at(tmp_path):
    assert State.open_read_only(tmp_path, HOST) is None


def test_hashes_of_64_bits_survive(site):
    with closing(State.open(site.settings.state, HOST)) as state:
        state.use_output(state.outputs()[0])
        (row,) = state.files.all()
        row.chain, row.guard = (1 << 64) - 1, 1 << 63
        row.marks = [Mark(5, MarkKind.CUT, "quiet")]
        copy = state.files.add(row, None)

        assert (state.files.row(copy.id).chain, state.files.row(copy.id).guard) == ((1 << 64) - 1, 1 << 63)
        assert state.files.row(copy.id).marks == [Mark(5, MarkKind.CUT, "quiet")]
