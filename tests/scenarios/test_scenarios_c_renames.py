"""Rename rotation, scenarios 42 to 51. Content is identity, a name is but a hint: nothing is read twice or missed."""

import pytest
from support.logs import append, numbered, rename, write
from support.scene import CLOSED, Scene

from shipper.read.reader import REPLACED_FILE_WAITS

MOMENT = 0.3


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "*.log*")


def arrived(scene):
    """All messages in the order of arrival."""
    return [message for (message,) in scene.values("$.message")]


def test_042_a_rename_within_the_glob_brings_nothing_twice(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        rename(log, "a.log.1")
        live.catch_up(30)
        assert live.agent.totals.lines == 10
    rename(scene.logs / "a.log.1", "a.log.2")

    assert scene.once().lines == 0
    assert scene.sources() == [numbered(0, 10)]
    assert scene.verdict() == CLOSED


def test_043_renamed_and_a_new_file_under_the_old_name_each_line_once(scene):
    with scene.live() as live:
        for turn in range(3):
            for name in "abc":
                log = scene.logs / f"{name}.log"
                if log.exists():
                    rename(log, f"{name}.log.{turn}")
                for number in range(turn * 30, turn * 30 + 30, 10):
                    append(log, *numbered(number, number + 10, name))
                    live.catch_up(MOMENT)
        live.catch_up(20)

    assert scene.sources() == [numbered(turn * 30, turn * 30 + 30, name) for name in "abc" for turn in range(3)]
    assert scene.verdict() == CLOSED


def test_044_renamed_out_of_the_glob_with_lines_unread(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        append(log, *numbered(10, 20))
        rename(log, "old")
        write(log, *numbered(20, 25))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 20), numbered(20, 25)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("name", ["a.log.1", "out of the glob"])
def test_045_a_writer_that_goes_on_with_the_renamed_file_is_followed(scene, name):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        old = rename(log, name)
        write(log, *numbered(50, 55))
        for number in range(10, 16):
            live.catch_up(REPLACED_FILE_WAITS / 2)
            append(old, *numbered(number, number + 1))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 16), numbered(50, 55)]
    assert scene.verdict() == CLOSED


def test_046_a_file_out_of_the_glob_is_let_go_when_it_was_quiet_for_long(scene):
    """Five quiet minutes. What is written to it later belongs to no input: it is not read, and no error."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        old = rename(log, "out of the glob")
        live.catch_up(REPLACED_FILE_WAITS + 30)
        assert live.agent.reader.tailed == ()
        append(old, *numbered(10, 12))
        live.catch_up(REPLACED_FILE_WAITS)

    assert scene.sources() == [numbered(0, 10)]
    assert scene.events.counts["file_unreadable"] == 0
    assert scene.verdict() == CLOSED


def test_047_what_is_unread_of_the_rotated_file_comes_before_the_new_one(scene):
    """Within a source order is kept always. Between sources it is for what one turn brings, up to 256 KiB a file:
    beyond that files are read in turns, for nobody's new lines shall wait for another's backlog."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        for first in (10, 30, 50):
            append(log, *numbered(first, first + 10))
            rename(log, f"a.log.{first}")
            write(log, *numbered(first + 10, first + 20))
            live.catch_up(20)

    assert arrived(scene) == numbered(0, 70)
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("pause", [0.01, MOMENT, 30.0])
def test_048_cascades_of_numbered_files_are_followed_slowly_and_at_full_speed(scene, pause):
    with scene.live() as live:
        for turn in range(6):
            for name in "ab":
                for number in (3, 2, 1):
                    old = scene.logs / f"{name}.log.{number}"
                    if old.exists():
                        rename(old, f"{name}.log.{number + 1}")
                        live.catch_up(pause)
                log = scene.logs / f"{name}.log"
                if log.exists():
                    rename(log, f"{name}.log.1")
                live.catch_up(pause)
                write(log, *numbered(turn * 10, turn * 10 + 10, name))
                live.catch_up(pause)
        live.catch_up(20)
        assert live.agent.totals.lines == 120

    assert scene.sources() == [numbered(turn * 10, turn * 10 + 10, name) for name in "ab" for turn in range(6)]
    assert scene.verdict() == CLOSED


def test_049_the_next_rotation_comes_while_the_one_before_is_still_read(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        for turn in range(1, 6):
            append(log, *numbered(turn * 9000, turn * 9000 + 9000))
            rename(log, f"a.log.{turn}")
            log.touch()
            live.agent.reader.scan()
            live.agent.take(next(live.agent.reader.chunks(once=False)))
        live.catch_up(20)

    assert scene.sources() == [
        [*numbered(0, 10), *numbered(9000, 18000)],
        *(numbered(turn * 9000, turn * 9000 + 9000) for turn in range(2, 6)),
    ]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("looks", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
def test_050_whenever_the_look_at_the_folder_falls_into_a_rotation(scene, looks):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    before, between, after = looks
    with scene.live() as live:
        live.catch_up()
        append(log, *numbered(10, 12))
        live.agent.reader.scan() if before else None
        old = rename(log, "a.log.1")
        live.agent.reader.scan() if between else None
        append(old, *numbered(12, 14))
        write(log, *numbered(14, 16))
        live.agent.reader.scan() if after else None
        for chunk in live.agent.reader.chunks(once=False):
            live.agent.take(chunk)
        append(log, *numbered(16, 18))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 14), numbered(14, 18)]
    assert scene.verdict() == CLOSED


def test_051_the_new_file_does_not_appear_for_a_while(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as live:
        live.catch_up()
        old = rename(log, "a.log.1")
        live.catch_up(120)
        append(old, *numbered(10, 12))
        live.catch_up(120)
        write(log, *numbered(12, 14))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 12), numbered(12, 14)]
    assert scene.verdict() == CLOSED
