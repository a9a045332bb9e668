"""What is written between a rotator's copy and its truncation is in no file any more: who saw it can name it."""

import os
import shutil

import pytest
from support.logs import append, numbered, rename, write
from support.scene import CLOSED, Scene

LENGTH = len(numbered(0, 1)[0]) + 1


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def grow(live, log, *lines):
    """Write, and tell of it as the watcher does."""
    append(log, *lines)
    live.agent.reader.sizes.look(str(log))


def copy(log):
    shutil.copyfile(log, log.with_name("a.log.1"))


def truncate(live, log):
    os.truncate(log, 0)
    live.agent.reader.sizes.look(str(log))


@pytest.mark.parametrize("following", [0, 1, 5, 500])
def test_what_was_seen_to_be_written_after_the_copy_is_named_with_its_bytes(scene, following):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        grow(live, log, *numbered(10, 13))
        copy(log)
        grow(live, log, *numbered(13, 18))
        truncate(live, log)
        grow(live, log, *numbered(1000, 1000 + following))
        live.catch_up()

    assert scene.sources() == [source for source in (numbered(0, 13), numbered(1000, 1000 + following)) if source]
    assert scene.verdict() == ("findings", [("truncated before read", 5 * LENGTH)])


def test_what_nobody_saw_cannot_be_named(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        copy(log)
        append(log, *numbered(10, 15))
        truncate(live, log)
        live.catch_up()

    assert scene.sources() == [numbered(0, 10)]
    assert scene.verdict() == CLOSED


def test_what_was_read_after_the_copy_is_stored_and_no_loss(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        copy(log)
        grow(live, log, *numbered(10, 15))
        live.catch_up()
        truncate(live, log)
        grow(live, log, *numbered(20, 25))
        live.catch_up()

    assert scene.sources() == [numbered(0, 15), numbered(20, 25)]
    assert scene.verdict() == CLOSED


def test_each_truncation_loses_what_was_written_before_it(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        for turn in range(1, 4):
            live.catch_up()
            shutil.copyfile(log, log.with_name(f"a.log.{turn}"))
            grow(live, log, *numbered(1000 * turn, 1000 * turn + turn))
            truncate(live, log)
            grow(live, log, *numbered(100 * turn, 100 * turn + 10))
        live.catch_up()

    assert scene.sources() == [numbered(first, first + 10) for first in (0, 100, 200, 300)]
    verdict, findings = scene.verdict()
    assert verdict == "findings"
    assert sorted(findings) == [("truncated before read", turn * LENGTH) for turn in (1, 2, 3)]


def test_a_reader_that_lags_knows_how_large_the_file_was_and_names_what_the_copy_does_not_have(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        append(log, *numbered(10, 15_000))
        copy(log)
        append(log, *numbered(15_000, 15_200))
        live.agent.take(next(live.agent.reader.chunks(once=False)))
        os.truncate(log, 0)
        live.catch_up()

    assert scene.sources() == [numbered(0, 15_000)]
    assert scene.verdict() == ("findings", [("truncated before read", 200 * LENGTH)])


def test_a_new_file_under_the_name_was_not_truncated(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        grow(live, log, *numbered(10, 20))
        live.catch_up()
        log.rename(scene.logs / "a.log.1")
        grow(live, log, *numbered(20, 23))
        live.catch_up()
        truncate(live, log)
        grow(live, log, *numbered(30, 31))
        live.catch_up()

    assert scene.sources() == [numbered(0, 20), numbered(20, 23), numbered(30, 31)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("read", [0, 10])
def test_how_large_a_file_is_that_was_truncated_and_renamed_before_it_was_read_on_says_nothing_of_what_it_held(
    scene, read
):
    """The copy has all that the log held. What the inode holds by now is longer, and something else."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        if read:
            live.catch_up()
        live.agent.reader.scan()
        live.agent.reader.hold()
        grow(live, log, *numbered(10, 13))
        copy(log)
        truncate(live, log)
        grow(live, log, *numbered(1000, 1100))
        rename(log, "a.log.2")
        live.catch_up()

    assert scene.sources() == [numbered(0, 13), numbered(1000, 1100)]
    assert scene.verdict() == CLOSED


def test_how_large_a_file_was_before_it_was_opened_says_nothing_of_what_is_truncated_later(scene):
    """An agent that lags finds a log that was truncated before, with the watcher looking on."""
    log = scene.logs / "a.log"
    with scene.live() as live:
        grow(live, log, *numbered(0, 30))
        copy(log)
        truncate(live, log)
        grow(live, log, *numbered(100, 105))
        live.catch_up()
        grow(live, log, *numbered(105, 107))
        shutil.copyfile(log, log.with_name("a.log.2"))
        truncate(live, log)
        grow(live, log, *numbered(200, 203))
        live.catch_up()

    assert scene.sources() == [numbered(0, 30), numbered(100, 107), numbered(200, 203)]
    assert scene.verdict() == CLOSED
