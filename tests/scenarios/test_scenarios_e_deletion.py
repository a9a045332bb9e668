"""E. Deletion, recreation, links: a name is a hint, and so is an inode; what was open is read to its end."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.descriptors import open_below
from support.logs import append, numbered, rename, write
from support.scene import CLOSED, Scene

from shipper.audit.findings import Cause, Verdict
from shipper.commit.database import Database
from shipper.read.absences import LOOK_EVERY
from shipper.read.nuls import SETTLE

DAY = 86_400.0


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def under_inode_of_before(scene, log: Path) -> None:
    """Make the state believe that a file has the inode number that the one before it had."""
    status = log.stat()
    with closing(Database.open(scene.settings.state).connection) as db:
        db.execute("UPDATE files SET device = ?, inode = ?", (status.st_dev, status.st_ino))


def test_078_deleted_while_open_it_is_read_to_its_end_and_released(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    write(scene.logs / "b.log", *numbered(0, 3, "b"))
    with scene.live() as agent:
        agent.catch_up()
        append(log, *numbered(3, 6))
        log.unlink()
        agent.catch_up()
        assert scene.sources()[1] == numbered(0, 6)
        agent.catch_up(SETTLE + 30)
        append(scene.logs / "b.log", *numbered(3, 5, "b"))
        agent.catch_up(30)

        assert open_below(scene.logs) == [str(scene.logs / "b.log")]
    assert scene.sources() == [numbered(0, 5, "b"), numbered(0, 6)]
    assert scene.verdict() == CLOSED


def test_078_the_half_line_of_a_deleted_file_is_shipped_when_nobody_can_complete_it(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as agent, log.open("ab") as writer:
        writer.write(b"half")
        writer.flush()
        agent.catch_up()
        log.unlink()
        agent.catch_up(SETTLE / 2)
        writer.write(b" of it and the other half\nand half")
        writer.flush()
        agent.catch_up(3 * SETTLE)

    assert scene.sources() == [[*numbered(0, 3), "half of it and the other half", "and half"]]
    assert scene.verdict() == CLOSED


def test_079_the_descriptor_of_a_deleted_file_is_released_when_nothing_else_happens(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as agent:
        agent.catch_up()
        log.unlink()
        assert open_below(scene.logs) == [f"{log} (deleted)"]
        agent.catch_up(SETTLE + 2 * scene.settings.rescan)

        assert open_below(scene.logs) == []
    assert scene.sources() == [numbered(0, 3)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [2, 3, 50])
def test_080_deleted_and_recreated_under_the_same_name_it_is_read_from_its_head(scene, lines):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as agent:
        agent.catch_up()
        log.unlink()
        write(log, *numbered(70, 70 + lines))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 3), numbered(70, 70 + lines)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [2, 3, 50])
def test_080_recreated_while_stopped_even_under_the_same_inode_number(scene, lines):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    scene.once()
    log.unlink()
    write(log, *numbered(70, 70 + lines))
    under_inode_of_before(scene, log)
    scene.once()

    assert scene.sources() == [numbered(0, 3), numbered(70, 70 + lines)]
    assert scene.verdict() == CLOSED


def test_081_a_file_that_is_gone_keeps_its_row_until_it_is_forgotten_and_stays_proved(scene):
    """`forget_after`, 90 days: positions of removed files are neither dropped at once nor kept for ever."""
    log = write(scene.logs / "a.log", *numbered(0, 3))
    write(scene.logs / "b.log", *numbered(0, 3, "b"))
    scene.once()
    log.unlink()
    scene.once()
    scene.clock.advance(80 * DAY)
    scene.once()
    assert len(scene.heirs()) == 2

    scene.clock.advance(11 * DAY)
    scene.once()

    assert scene.heirs() == [(str(scene.logs / "b.log"), "")]
    assert scene.verdict() == CLOSED
    assert scene.audit().vouched.lines == 3


def test_081_what_was_stored_of_a_forgotten_file_is_missed_when_it_leaves_the_index(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    scene.once()
    log.unlink()
    scene.once()
    scene.clock.advance(91 * DAY)
    scene.once()
    with closing(sqlite3.connect(scene.folder / "index.db")) as db, db:
        db.execute("DELETE FROM documents WHERE offset = 0")
    outcome = scene.audit()

    assert outcome.verdict is Verdict.INCOMPLETE
    assert [finding.cause for finding in outcome.findings] == [Cause.FILE_GONE]


def test_081_an_agent_that_runs_for_months_forgets_too(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    scene.with_settings(rescan=LOOK_EVERY * 24)
    with scene.live() as agent:
        agent.catch_up()
        log.unlink()
        agent.catch_up(92 * DAY)

    assert scene.heirs() == []
    assert scene.verdict() == CLOSED


def test_081_a_file_that_comes_back_before_it_is_forgotten_is_read_on(scene, tmp_path):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    scene.once()
    away = log.rename(tmp_path / "away")
    scene.once()
    scene.clock.advance(80 * DAY)
    away.rename(log)
    append(log, *numbered(3, 5))
    assert scene.once().lines == 2
    scene.clock.advance(20 * DAY)
    scene.once()

    assert scene.heirs() == [(str(log), "")]
    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_082_another_file_under_a_known_inode_number_is_not_resumed_where_the_old_one_was(scene):
    log = write(scene.logs / "a.log", "#same header of all files", *numbered(0, 1), *numbered(10, 20))
    scene.once()
    log.unlink()
    other = write(scene.logs / "b.log", "#same header of all files", *numbered(0, 1), *numbered(30, 60))
    under_inode_of_before(scene, other)
    scene.once()

    assert sum(scene.messages().values()) == 2 + 10 + 30
    assert set(scene.messages()) == {"#same header of all files", *numbered(0, 1), *numbered(10, 20), *numbered(30, 60)}
    assert scene.verdict() == CLOSED


def test_083_closed_for_others_and_appended_to_it_is_read_on_where_it_was(scene):
    """We close files only when descriptors are short; there is no time after which a file is closed."""
    scene.with_settings(max_open_files=2)
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 5, name)) for name in "abcdef"]
    with scene.live() as agent:
        agent.catch_up()
        for turn in range(1, 4):
            for log in logs:
                append(log, *numbered(5 * turn, 5 * turn + 5, log.stem))
            agent.catch_up(30)
            assert len(open_below(scene.logs)) <= 2
        assert agent.agent.totals.lines == 6 * 20

    assert scene.sources() == [numbered(0, 20, name) for name in "abcdef"]
    assert scene.verdict() == CLOSED


def test_083_files_that_hold_half_a_line_are_closed_for_others_too(scene):
    scene.with_settings(max_open_files=2)
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 3, name)) for name in "abcdef"]
    for log in logs:
        with log.open("ab") as file:
            file.write(b"half of a line ")
    with scene.live() as agent:
        agent.catch_up(60)
        assert scene.sources() == [numbered(0, 3, name) for name in "abcdef"]
        for log in logs:
            append(log, "and the rest")
        agent.catch_up(60)

    assert scene.sources() == [[*numbered(0, 3, name), "half of a line and the rest"] for name in "abcdef"]
    assert scene.verdict() == CLOSED


def test_084_closed_for_others_and_then_removed_renamed_or_replaced(scene):
    scene.with_settings(max_open_files=1)
    for name in "abcd":
        write(scene.logs / f"{name}.log", *numbered(0, 5, name))
    with scene.live() as agent:
        agent.catch_up()
        (scene.logs / "a.log").unlink()
        append(rename(scene.logs / "b.log", "b.log.1"), *numbered(5, 6, "b"))
        rename(scene.logs / "c.log", "c.log.1").unlink()
        rename(scene.logs / "d.log", "d.log.1")
        write(scene.logs / "d.log", *numbered(20, 25, "d"))
        agent.catch_up(30)

    assert scene.sources() == [
        numbered(0, 5, "a"),
        numbered(0, 6, "b"),
        numbered(0, 5, "c"),
        numbered(0, 5, "d"),
        numbered(20, 25, "d"),
    ]
    assert scene.verdict() == CLOSED


def test_085_a_pass_closes_every_file_at_its_end_and_the_next_one_resumes_there(scene):
    """`--once` is our close at the end; a time limit is its caller's business."""
    log = write(scene.logs / "a.log", *numbered(0, 5))
    with scene.live() as agent:
        agent.agent.once()
        assert open_below(scene.logs) == []
        append(log, *numbered(5, 9))
        agent.agent.once()
        assert agent.agent.totals.lines == 9

    assert scene.sources() == [numbered(0, 9)]
    assert scene.verdict() == CLOSED
