"""A disk without room for state or index: the agent waits, says so, and goes on by itself; nothing is lost."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from support.agents import HOST, Site
from support.clock import VirtualClock
from support.edited_site import until
from support.logs import numbered, write
from support.running import DEADLINE, Running

from shipper.clock import Bell
from shipper.commit.connection import Connection
from shipper.commit.room import WaitForRoom, read_note
from shipper.commit.state import Stall, State
from shipper.errors import StateError
from shipper.events_log import EventsLog


class Freed:
    """Room that comes back after some attempts."""

    def __init__(self, free, after):
        self.free = free
        self.after = after
        self.waits = 0
        self.found_again = 0

    def wait(self, problem):
        assert "full" in problem
        self.waits += 1
        if self.waits == self.after:
            self.free()

    def found(self):
        self.found_again += 1


def filled(db: sqlite3.Connection, pages: int) -> None:
    """Let the database grow by no more than so many pages."""
    held = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {held + pages}")


@pytest.fixture
def db(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)")
        yield db


@pytest.mark.parametrize("rows", [1, 10, 40])
def test_a_transaction_for_which_there_is_no_room_is_done_once_when_there_is(db, rows):
    filled(db, 2)
    room = Freed(lambda: db.execute("PRAGMA max_page_count = 1000000"), after=3)
    connection = Connection(db, room)
    connection.begin()
    names = [connection.execute("INSERT INTO t (value) VALUES (?)", (bytes(4096),)).lastrowid for _ in range(rows)]
    connection.executemany("UPDATE t SET value = ? WHERE id = ?", ((bytes(9000), name) for name in names))
    connection.commit()

    assert (room.waits, room.found_again) == (3, 1)
    assert names == list(range(1, rows + 1))
    assert not connection.in_transaction
    found = db.execute("SELECT id, LENGTH(value) FROM t").fetchall()
    assert found == [(name, 9000) for name in names]


def test_who_gives_up_has_changed_nothing(db):
    filled(db, 2)

    class GivesUp(Freed):
        def wait(self, problem):
            raise StateError(problem)

    connection = Connection(db, GivesUp(None, 0))
    connection.begin()
    with pytest.raises(StateError, match="full"):
        connection.executemany("INSERT INTO t (value) VALUES (?)", [(bytes(4096),)] * 40)
    connection.rollback()
    assert db.execute("SELECT COUNT(*) FROM t").fetchone() == (0,)


def test_the_log_tells_of_a_wait_at_once_and_then_ever_rarer(tmp_path):
    said, clock = [], VirtualClock()
    events = EventsLog(lambda _, event, fields: said.append((event, fields["seconds"])))
    room = WaitForRoom(tmp_path, clock, Bell(), events, bool)
    began = clock.time()
    while clock.time() < began + 3600:
        room.wait("database or disk is full")
    note = read_note(tmp_path)
    room.found()

    stalled = [seconds for event, seconds in said if event == "state_stalled"]
    assert stalled[0] == 0
    assert 8 <= len(stalled) <= 16
    assert all(later >= 2 * earlier for earlier, later in pairwise(stalled))
    assert said[-1] == ("state_resumed", pytest.approx(3600, abs=6))
    assert note == (f"no room for the state in {tmp_path}: database or disk is full", began)
    assert read_note(tmp_path) is None


def test_one_pass_does_not_wait_but_says_what_to_do(tmp_path):
    room = WaitForRoom(tmp_path, VirtualClock(), Bell(), EventsLog(lambda *_: None), lambda: True)
    with pytest.raises(StateError, match=r"Nothing is lost.*Make room"):
        room.wait("database or disk is full")


def test_status_tells_of_the_wait_although_the_state_cannot_be_written(tmp_path):
    site = Site(tmp_path)
    write(site.logs / "a.log", *numbered(0, 50))
    site.once()
    room = WaitForRoom(site.settings.state, site.clock, Bell(), EventsLog(lambda *_: None), bool)
    room.wait("database or disk is full")
    with closing(State.open_read_only(site.settings.state, HOST)) as state:
        (stall,) = state.stalls()
    assert stall == Stall(
        "state", f"no room for the state in {site.settings.state}: database or disk is full", stall.since
    )

    site.once()
    with closing(State.open_read_only(site.settings.state, HOST)) as state:
        assert state.stalls() == []


@contextmanager
def small_disk(folder: Path, size: int):
    """A file system of its own of so many bytes; only root may make one."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED on a disk that is really full: only root may mount a small one")
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        if os.environ.get("CI") == "true":
            pytest.fail(f"A small disk could not be mounted: {done.stderr}")
        pytest.skip(f"NOT TESTED on a disk that is really full: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def take_back_journal(database: Path) -> None:
    """What was written ahead is room of its own that may be used again: give it back to the disk."""
    with closing(sqlite3.connect(database, timeout=DEADLINE)) as db:
        until(lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def fill(folder: Path, leave: int = 0) -> Path:
    """Use up the room on a disk but for some bytes."""
    hog = folder / "hog"
    with hog.open("wb") as file:
        for _ in range(100):
            space = os.statvfs(folder)
            with suppress(OSError):  # an agent may write between the look and the use
                os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)
                return hog
    raise AssertionError("somebody else takes the room again and again")


def many_files(logs: Path, begin: int) -> None:
    for number in range(begin, begin + 300):
        write(logs / f"{number}.log", *numbered(number * 10, number * 10 + 10))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["state", "index"])
def test_an_agent_on_a_full_disk_waits_and_goes_on_when_there_is_room(tmp_path, where):
    with small_disk(tmp_path / "disk", 64 << 20) as disk:
        places = {"state": tmp_path / "state", "index": tmp_path / "index"} | {where: disk / where}
        settings = {"state": str(places["state"]), "output": {"sqlite": {"path": str(places["index"] / "index.db")}}}
        running = Running(tmp_path, **settings)
        running.index = places["index"] / "index.db"
        many_files(running.logs, 0)
        with running:
            running.wait_for(3000)
            take_back_journal({"state": disk / "state" / "state.db", "index": running.index}[where])
            hog, began = fill(disk), time.monotonic()
            many_files(running.logs, 300)
            scope = {"state": "state", "index": "output"}[where]

            def stalls() -> list[str]:
                return [
                    stall["reason"] for stall in running.ask("status", code=None)["stalls"] if stall["scope"] == scope
                ]

            until(lambda: any("full" in reason for reason in stalls()), 30)
            told = running.log_text().count(" stalled ")
            assert 1 <= told <= 3 + math.log2(1 + time.monotonic() - began), "ever rarer"
            hog.unlink()
            running.wait_for(6000)
            until(lambda: not stalls(), 30)
            running.stop()
        assert running.once()["pending_lines"] == 0
        assert running.count() == 6000
        assert running.verdict() == ("closed", [])


@pytest.mark.slow
def test_an_agent_that_starts_on_a_full_disk_waits_for_room_and_then_ships(tmp_path):
    with small_disk(tmp_path / "disk", 64 << 20) as disk:
        running = Running(tmp_path, output={"sqlite": {"path": str(disk / "index.db")}})
        running.index = disk / "index.db"
        many_files(running.logs, 0)
        hog = fill(disk)
        with running.log.open("ab") as out:
            running.process = subprocess.Popen(running._words("run"), stdout=out, stderr=out)
        try:
            running.until(lambda: "output away" in running.log_text())
            hog.unlink()
            running.wait_for(3000)
            running.stop()
        finally:
            running.__exit__()
        assert running.verdict() == ("closed", [])
