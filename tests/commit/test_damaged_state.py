"""A state that is damaged, cut short, newer, moved or of yesterday: refused, or recovered exactly; never begun anew."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from support.agents import HOST, Site, already_stored, stored
from support.logs import append, compress, numbered, rename, write

from shipper.commit.database import Database
from shipper.commit.state import State
from shipper.errors import StateError
from shipper.start import agent
from shipper.verify import verify

PAGE = 4096


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    for number in range(200):
        write(site.logs / f"{number:03}.log", *numbered(number * 10, number * 10 + 10))
    site.once()
    return site


def pages(site) -> int:
    return (site.settings.state / "state.db").stat().st_size // PAGE


def refused_or_exact(site, before) -> str:
    """What a run and a verification make of a damaged state. Where it runs, it must have stored nothing again."""
    try:
        found = verify(site.settings.state, HOST)
        totals = site.once()
    except StateError as error:
        assert "shipper state rebuild" in str(error)  # noqa: PT017  each of two outcomes is right
        return "refused"
    assert stored(totals) == 0
    assert site.documents() == before
    return "faults" if found.faults else "sound"


def test_a_flipped_byte_in_any_page_is_refused_found_or_harmless(site):
    path, before = site.settings.state / "state.db", site.documents()
    whole = path.read_bytes()
    fates = []
    for page in range(pages(site)):
        data = bytearray(whole)
        data[page * PAGE + 3] ^= 0x41  # in the header of the page; in that of the file on the first
        data[page * PAGE + PAGE // 2] ^= 0x41
        path.write_bytes(data)
        fates.append(refused_or_exact(site, before))
        for part in ("-wal", "-shm"):
            path.with_name(path.name + part).unlink(missing_ok=True)
    assert len(fates) > 20
    assert fates.count("refused") > len(fates) * 0.8
    assert "sound" not in fates


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_state_that_is_cut_short_is_refused_and_left_as_it_is(site, share):
    path = site.settings.state / "state.db"
    data = path.read_bytes()
    cut = data[: int(len(data) * share)]
    path.write_bytes(cut)
    with pytest.raises(StateError, match=r"state.db: the state cannot be used.*shipper state restore.*rebuild"):
        site.once()
    assert path.read_bytes() == cut


def test_a_state_of_which_only_the_journal_is_left_is_not_begun_anew(site):
    path = site.settings.state / "state.db"
    path.rename(path.with_name("state.db-wal"))
    with pytest.raises(StateError, match=r"the state is gone, and a part of it, state\.db-wal, is left"):
        site.once()
    assert not path.exists()


def test_a_state_that_is_gone_is_told(tmp_path):
    site = Site(tmp_path)
    write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    site.once()
    assert site.events.counts["state_lost"] == 0
    site.forget()
    site.once()
    assert site.events.counts["state_lost"] == 1


def migrated(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def taken_away(path):
    path.rename(path.with_name("elsewhere"))


def replaced(path):
    shutil.copy(path, path.with_name("other"))
    path.with_name("other").rename(path)


@pytest.mark.parametrize(
    ("change", "words"), [(migrated, "schema 99"), (taken_away, "moved away"), (replaced, "moved away or replaced")]
)
def test_an_agent_under_which_the_state_is_changed_stops_and_says_so(site, change, words):
    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.once()
        write(site.logs / "new.log", *numbered(9000, 9010))
        change(site.settings.state / "state.db")
        with pytest.raises(StateError, match=words):
            running.once()


def test_a_state_of_yesterday_costs_repeats_and_nothing_else(site):
    path = site.settings.state / "state.db"
    shutil.copy(path, site.folder / "yesterday.db")
    append(site.logs / "000.log", *numbered(5000, 5100))
    site.once()
    rename(site.logs / "000.log", "000.log.1")
    write(site.logs / "000.log", *numbered(6000, 6100))
    site.once()
    compress(site.logs / "001.log")
    before = site.documents()
    shutil.copy(site.folder / "yesterday.db", path)

    totals = site.once()

    assert (stored(totals), already_stored(totals)) == (0, 200)
    assert site.documents() == before
    assert verify(site.settings.state, HOST).faults == []


def test_a_newer_copy_is_not_looked_at(site):
    path = site.settings.state / "state.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="written by a newer shipper"):
        Database.look_at(path)
    with pytest.raises(StateError, match="written by a newer shipper"):
        State.open(site.settings.state, HOST)


def test_a_copy_that_cannot_be_made_is_told_and_tried_again_in_an_hour(site):
    obstacle = site.settings.state / "state.db.backup.part"
    obstacle.mkdir()
    with agent(site.settings, site.clock, site.events, threads=0) as running:

        def live_after(seconds: float) -> None:
            site.clock.advance(seconds)
            end = site.clock.now + 30
            running.run(lambda: site.clock.now >= end)

        live_after(0)
        live_after(3000)
        assert site.events.counts["state_copy_failed"] == 1
        obstacle.rmdir()
        live_after(1000)
        copy = site.settings.state / "state.db.backup"
        first = copy.stat().st_ino
        live_after(80_000)
        assert copy.stat().st_ino == first
        live_after(6500)
        second = copy.stat().st_ino
        assert second != first
        live_after(-4e8)  # the clock was ahead, and is put right
        assert copy.stat().st_ino != second
    assert site.events.counts["state_copy_failed"] == 1
