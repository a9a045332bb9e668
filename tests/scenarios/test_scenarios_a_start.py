"""Where reading starts, scenarios 1 to 7."""

import pytest
from support.logs import append, numbered, write
from support.running import Running
from support.scene import CLOSED, Scene


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "**/*")


def test_001_a_file_that_is_there_is_read_from_its_beginning(tmp_path):
    running = Running(tmp_path)
    write(running.logs / "a.log", *numbered(0, 100))
    with running:
        running.wait_for(100)
        running.stop()

    assert running.sources() == [numbered(0, 100)]
    assert running.verdict() == CLOSED


def test_002_with_start_at_now_nothing_old_and_all_that_is_appended(tmp_path):
    """What is skipped is not forgotten: it is counted as filtered, so that the audit closes."""
    scene = Scene.of(tmp_path, "*", start_at="now")
    log = write(scene.logs / "a.log", *numbered(0, 100))
    with scene.live() as live:
        live.catch_up()
        append(log, *numbered(100, 110))
        live.catch_up()

    assert scene.sources() == [numbered(100, 110)]
    assert scene.ledger_by_path() == {str(log): {"filtered:before_start": 100, "stored": 10}}
    assert scene.verdict() == CLOSED


def test_003_a_file_made_after_the_start_is_read_from_its_beginning_also_with_start_at_now(tmp_path):
    """Tools differ. Ours reads it whole: `now` is about what was written before anybody asked for it.

    That holds over restarts, for the start is recorded.
    """
    scene = Scene.of(tmp_path, "*", start_at="now")
    with scene.live() as live:
        live.catch_up()
        write(scene.logs / "a.log", *numbered(0, 10))
        live.catch_up(20)
    write(scene.logs / "b.log", *numbered(0, 10, "made while stopped"))
    scene.once()

    assert scene.sources() == [numbered(0, 10), numbered(0, 10, "made while stopped")]
    assert scene.verdict() == CLOSED


def test_004_what_is_there_and_what_is_appended_while_running_arrive_once(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        for first in range(10, 60, 10):
            live.catch_up()
            append(log, *numbered(first, first + 10))
        live.catch_up()

    assert scene.sources() == [numbered(0, 60)]
    assert scene.verdict() == CLOSED


def test_005_a_path_that_is_not_there_yet_is_waited_for(tmp_path):
    later = tmp_path / "later" / "deep"
    running = Running(tmp_path, [{"name": "logs", "paths": [f"{later}/a.log"], "pipeline": "raw", "timezone": "UTC"}])
    with running:
        write(later / "a.log", *numbered(0, 5))
        running.wait_for(5)
        running.stop()

    assert running.sources() == [numbered(0, 5)]
    assert running.verdict() == CLOSED


def test_006_what_is_wrong_with_a_file_is_said_once_and_that_there_is_none_not_at_all(tmp_path):
    """A path without a file is what rotation leaves behind; `shipper check` tells of it, the agent does not.

    What is wrong is brought to mind again, ever more seldom, and not at every look.
    """
    scene = Scene.of(tmp_path, "missing.log", "damaged.log")
    damaged = scene.logs / "damaged.log"
    damaged.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    with scene.live() as live:
        live.catch_up(120)
        assert scene.events.counts == {"file_unreadable": 1, "still_stalled": 1}
        damaged.unlink()
        write(scene.logs / "missing.log", *numbered(0, 2))
        live.catch_up(20)

    assert scene.events.counts["file_unreadable"] == 1
    assert scene.sources() == [numbered(0, 2)]
    assert scene.verdict() == CLOSED


def test_007_a_relative_path_is_one_below_the_configuration_and_may_appear_later(tmp_path):
    """Relative to the configuration file, not to the folder in which somebody happened to start the agent."""
    running = Running(tmp_path, [{"name": "logs", "paths": ["some/day/*.log"], "pipeline": "raw", "timezone": "UTC"}])
    with running:
        made = write(tmp_path / "elsewhere" / "a.log", *numbered(0, 5))
        (tmp_path / "some").mkdir()
        made.parent.rename(tmp_path / "some" / "day")
        running.wait_for(5)
        running.stop()

    assert running.sources() == [numbered(0, 5)]
    assert running.verdict() == CLOSED
