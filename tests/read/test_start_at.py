"""Where shipping begins in files that are there already; what is skipped is read, chained and counted."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from support.logs import append, compress, numbered, rename, replace_in_place, write
from support.rotating_logs import record
from support.sample_logs import SAMPLES
from support.scene import CLOSED, Scene


@pytest.fixture
def now(tmp_path):
    return Scene.of(tmp_path, "**/*", start_at="now")


def fates(scene):
    return [dict(counts) for counts in scene.ledger_by_path().values()]


def test_with_now_only_what_is_written_from_then_on_is_shipped(now):
    log = write(now.logs / "a.log", *numbered(0, 3))
    now.once()
    append(log, *numbered(3, 5))
    now.once()

    assert now.sources() == [numbered(3, 5)]
    assert fates(now) == [{"filtered:before_start": 3, "stored": 2}]
    assert now.verdict() == CLOSED


def test_a_line_that_is_only_begun_at_the_start_is_new(now):
    log = write(now.logs / "a.log", *numbered(0, 3))
    with log.open("ab") as file:
        file.write(b"begun before")
    now.once()
    append(log, " and ended after")
    now.once()

    assert now.sources() == [["begun before and ended after"]]
    assert now.verdict() == CLOSED


def test_files_that_appear_later_are_read_from_their_beginning(now):
    write(now.logs / "a.log", *numbered(0, 3))
    now.once()
    write(now.logs / "b.log", *numbered(0, 3, "other"))
    now.once()

    assert now.sources() == [numbered(0, 3, "other")]
    assert now.verdict() == CLOSED


def test_what_is_written_after_a_truncation_is_new(now):
    log = write(now.logs / "a.log", *numbered(0, 9))
    with now.live() as live:
        live.catch_up()
        replace_in_place(log, *numbered(20, 25))
        live.catch_up(20)

    assert now.sources() == [numbered(20, 25)]
    assert now.verdict() == CLOSED


def test_an_archive_that_was_there_is_skipped_whole(now):
    compress(write(now.logs / "a.log", *numbered(0, 3)))
    log = write(now.logs / "b.log", *numbered(0, 3, "other"))
    now.once()
    append(log, "the only new line")
    now.once()

    assert now.sources() == [["the only new line"]]
    assert now.verdict() == CLOSED


def test_a_header_that_was_there_still_names_the_columns(tmp_path):
    scene = Scene.of(tmp_path, "log_tcp_complete*", pipeline="tstat-tcp", start_at="now")
    sample = (
        (SAMPLES / "tstat/v3.2.1_rotation/2026_11_21_15_16.out/log_tcp_complete").read_bytes().splitlines(keepends=True)
    )
    log = scene.logs / "log_tcp_complete"
    log.write_bytes(b"".join(sample[:-1]))
    scene.once()
    log.write_bytes(b"".join(sample))
    totals = scene.once()

    assert (totals.documents, totals.unparsed) == (1, 0)
    assert scene.verdict() == CLOSED


def test_without_state_what_was_shipped_says_where_shipping_began(now):
    log = write(now.logs / "a.log", *numbered(0, 3))
    now.once()
    append(log, *numbered(3, 5))
    now.once()
    now.forget()
    append(log, *numbered(5, 7))
    now.once()

    assert now.sources() == [numbered(3, 7)]
    assert now.verdict() == CLOSED


def test_an_audit_without_state_takes_what_was_shipped_for_the_beginning(now):
    log = write(now.logs / "a.log", *numbered(0, 3))
    now.once()
    append(log, *numbered(3, 6))
    now.once()
    blind = now.audit(use_state=False)
    assert (blind.verdict, blind.totals.filtered, blind.totals.indexed) == ("closed", 3, 3)

    with closing(sqlite3.connect(now.folder / "index.db")) as db, db:
        db.execute("DELETE FROM documents WHERE document ->> '$.message' = ?", numbered(4, 5))
    assert now.audit(use_state=False).totals.missing == 1


def test_a_copy_made_before_all_was_skipped_is_skipped_as_far(now):
    log = write(now.logs / "a.log", *numbered(0, 9000))
    with now.live() as live:
        turns = iter([False])
        live.agent.run(lambda: next(turns, True))
        assert 0 < live.agent.reader.tailed[0].position < log.stat().st_size
    shutil.copyfile(log, now.logs / "copy.log")
    append(now.logs / "copy.log", "the only new line")
    log.unlink()
    rename(now.logs / "copy.log", "a.log")
    now.once()

    assert now.sources() == [["the only new line"]]


def test_a_date_leaves_out_the_events_before_it(tmp_path):
    scene = Scene.of(tmp_path, "**/*", pipeline="gridftp-transfer", start_at="2026-11-02")
    day = 24 * 60 * 60 * 1000
    write(scene.logs / "gridftp-transfer.log", record(0), record(day - 1), record(day), record(2 * day))
    scene.once()

    assert scene.sources() == [[record(day), record(2 * day)]]
    assert fates(scene) == [{"filtered:before_start": 2, "stored": 2}]
    assert scene.verdict() == CLOSED


def test_a_date_with_a_zone_is_that_moment(tmp_path):
    scene = Scene.of(tmp_path, "**/*", pipeline="gridftp-transfer", start_at="2026-11-02T00:00:01+00:00")
    day = 24 * 60 * 60 * 1000
    write(scene.logs / "gridftp-transfer.log", record(day), record(day + 999), record(day + 1000))
    scene.once()

    assert scene.sources() == [[record(day + 1000)]]
