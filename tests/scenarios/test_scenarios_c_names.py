"""Rotation as a whole, stopped agents and names that come back, scenarios 52 to 61."""

import gzip
import threading
from collections import Counter

import pytest
from support.logs import append, compress, copy_and_truncate, numbered, rename, write
from support.rotating_logs import RotatingLogs, record
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.hashes import HEAD_CONTENT
from shipper.read.reader import REPLACED_FILE_WAITS

DAY = 86400.0


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "*.log*")


def rotate(log, turn, *, dated, copied):
    """One rotation, as rotators do it; the name of the backup."""
    name = f"a-2026-11-{turn:02d}.log" if dated else f"{log.name}.1"
    if not dated:
        for number in sorted((int(old.name.rpartition(".")[2]) for old in log.parent.glob("a.log.*")), reverse=True):
            rename(log.with_name(f"a.log.{number}"), f"a.log.{number + 1}")
    return copy_and_truncate(log, name) if copied else rename(log, name)


@pytest.mark.parametrize("dated", [False, True])
@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("kept", [2, 100])
@pytest.mark.parametrize("lines", [1, 40])
def test_052_whatever_way_it_is_rotated_each_line_arrives_once(scene, dated, copied, kept, lines):
    """Names, ways, deletion, and less or more content than a head: each agrees with every other.

    All that was on disk when the agent looked arrives; here it looks after every write.
    """
    log, backups = scene.logs / "a.log", []
    with scene.live() as live:
        for turn in range(8):
            append(log, *numbered(turn * lines, (turn + 1) * lines))
            live.catch_up()
            rotate(log, turn + 1, dated=dated, copied=copied)
            live.catch_up(20)
            backups = sorted(scene.logs.glob("a*.log*"), key=lambda path: path.stat().st_mtime_ns)
            for old in [path for path in backups if path != log][:-kept]:
                old.unlink()
        live.catch_up(20)

    assert len(numbered(0, 1)[0]) > HEAD_CONTENT
    assert scene.messages() == Counter(numbered(0, 8 * lines))
    assert scene.verdict() == CLOSED


def test_053_a_fast_writer_rotates_while_files_are_closed_for_want_of_descriptors(tmp_path):
    """Idle files are closed where descriptors are short; so few are allowed here that it happens all the time."""
    running = Running(tmp_path, max_open_files=8)
    logs = RotatingLogs(running.logs, files=12, seed=53)
    writer = threading.Thread(target=logs.write, args=(30_000,))
    with running:
        writer.start()
        writer.join()
        running.wait_for(30_000)
        running.stop()

    found = Counter(message for source in running.sources() for message in source)
    assert found == Counter(record(number) for number in range(30_000))
    assert running.verdict() == CLOSED


def test_054_renamed_while_the_agent_is_off(tmp_path):
    running = Running(tmp_path)
    log = write(running.logs / "a.log", *numbered(0, 10))
    with running:
        running.wait_for(10)
        running.stop()
    append(log, *numbered(10, 12))
    append(rename(log, "a.log.1"), *numbered(12, 14))
    write(log, *numbered(14, 16))
    with running:
        running.wait_for(16)
        running.stop()

    assert running.sources() == [numbered(0, 14), numbered(14, 16)]
    assert running.verdict() == CLOSED


def test_055_renamed_before_it_was_ever_opened(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.agent.reader.scan()
        rename(log, "a.log.1")
        write(log, *numbered(10, 12))
        for chunk in live.agent.reader.chunks(once=False):
            live.agent.take(chunk)
        assert live.agent.totals.lines == 12  # in the same pass, for a single pass has no other
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 10), numbered(10, 12)]
    assert scene.verdict() == CLOSED


def test_056_renamed_into_the_glob_what_was_read_is_not_read_again(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    write(scene.logs / "new", *numbered(0, 5, "never seen"))
    with scene.live() as live:
        live.catch_up()
        away = rename(log, "away")
        live.catch_up(REPLACED_FILE_WAITS + 30)
        append(away, *numbered(10, 12))
        rename(away, "back.log")
        rename(scene.logs / "new", "new.log")
        live.catch_up(20)
        assert live.agent.totals.lines == 17

    assert scene.sources() == [numbered(0, 12), numbered(0, 5, "never seen")]
    assert scene.verdict() == CLOSED


def test_057_renamed_out_of_the_glob_while_the_agent_is_off_it_is_read_no_more(scene):
    """While it runs, the open file is read on until it was quiet for long: see 44 to 46."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    scene.once()
    append(rename(log, "away"), *numbered(10, 12))

    assert scene.once().lines == 0
    assert scene.sources() == [numbered(0, 10)]
    assert scene.verdict() == CLOSED


def test_058_the_path_in_the_state_is_that_of_now_and_in_documents_the_first_one(scene):
    """Tools differ. A document depends on the path under which its file was first seen, so that it never changes."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        renamed = rename(log, "b.log")
        append(renamed, *numbered(10, 12))
        live.catch_up(20)

    assert scene.ledger_by_path() == {str(renamed): {"stored": 12}}
    assert set(scene.values("$.log.file.path")) == {(str(log),)}
    assert scene.sources() == [numbered(0, 12)]
    assert scene.verdict() == CLOSED


def test_059_a_file_comes_back_under_an_earlier_path(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        first = rename(log, "a.log.1")
        write(log, *numbered(50, 55))
        live.catch_up(20)
        rename(log, "other.log")
        first.rename(log)
        append(log, *numbered(10, 12))
        live.catch_up(20)
    rename(log, "a.log.2")
    rename(scene.logs / "other.log", "a.log")
    append(log, *numbered(55, 57))
    scene.once()

    assert scene.sources() == [numbered(0, 12), numbered(50, 57)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("live", [True, False])
def test_060_the_compressed_successor_of_a_rotated_file_brings_nothing_again(scene, live):
    log = write(scene.logs / "a.log", *numbered(0, 1000))
    if live:
        with scene.live() as running:
            running.catch_up()
            archive = compress(rename(log, "a.log.1"))
            running.catch_up(30)
            assert running.agent.totals.lines == 1000
    else:
        scene.once()
        archive = compress(rename(log, "a.log.1"))
        assert scene.once().lines == 0

    assert gzip.decompress(archive.read_bytes()).count(b"\n") == 1000
    assert scene.sources() == [numbered(0, 1000)]
    assert scene.verdict() == CLOSED


def test_061_after_many_rotations_the_state_knows_the_files_that_are_there(scene):
    """Rows of files that are gone vouch for their documents; they are dropped when they were gone for `forget_after`.

    What remains of them is a tally per content, so that the audit still knows their documents.
    """
    log = scene.logs / "a.log"
    with scene.live() as live:
        for turn in range(6):
            append(log, *numbered(turn * 10, turn * 10 + 10))
            live.catch_up(20)
            old = rename(log, "a.log.1")
            live.catch_up(20)
            archive = compress(old)
            live.catch_up(20)
            archive.unlink()
        write(log, *numbered(60, 70))
        live.catch_up(2 * 3600)
        assert len(scene.ledger_by_path()) > 1
        scene.clock.advance(91 * DAY)
        live.catch_up(20)

    assert scene.ledger_by_path() == {str(log): {"stored": 10}}
    assert scene.sources() == [numbered(turn * 10, turn * 10 + 10) for turn in range(7)]
    assert scene.verdict() == CLOSED
