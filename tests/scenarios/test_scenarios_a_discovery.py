"""What discovery meets, scenarios 12 to 19."""

import os
import socket

import pytest
from support.logs import append, numbered, write
from support.permissions import file_permissions_hold
from support.scene import CLOSED, Scene


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "**/*")


@pytest.fixture
def ordinary_scene(scene):
    """For folders and files without permission; those are given back, so that they can be removed."""
    with file_permissions_hold():
        yield scene
        for path in scene.logs.iterdir():
            path.chmod(0o700)


def test_012_a_folder_that_cannot_be_listed_does_not_stop_the_others(ordinary_scene):
    scene = ordinary_scene
    write(scene.logs / "open" / "a.log", *numbered(0, 5))
    closed = write(scene.logs / "closed" / "b.log", *numbered(0, 5, "closed")).parent
    closed.chmod(0)
    scene.once()

    assert scene.sources() == [numbered(0, 5)]

    closed.chmod(0o700)
    scene.once()
    assert scene.sources() == [numbered(0, 5, "closed"), numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_013_what_is_no_regular_file_is_skipped(scene):
    write(scene.logs / "a.log", *numbered(0, 5))
    (scene.logs / "folder.log").mkdir()
    os.mkfifo(scene.logs / "pipe.log")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(scene.logs / "socket.log"))
        scene.once()

    assert scene.events.counts["file_unreadable"] == 0
    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_014_hundreds_of_files_that_come_late_and_at_once_are_all_found(scene):
    write(scene.logs / "first.log", *numbered(0, 5))
    with scene.live() as live:
        live.catch_up()
        for number in range(400):
            write(scene.logs / f"{number:03d}.log", *numbered(0, 2, f"late {number:03d}"))
        live.catch_up(20)

    assert scene.sources() == [*(numbered(0, 2, f"late {number:03d}") for number in range(400)), numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_015_more_files_than_may_be_open_are_all_read_and_followed(scene):
    scene.with_settings(max_open_files=8)
    logs = [write(scene.logs / f"{number:02d}.log", *numbered(0, 5, f"log {number:02d}")) for number in range(40)]
    open_at_most = 0
    with scene.live() as live:
        for first in (5, 10, 15):
            live.catch_up(30)
            open_at_most = max(open_at_most, len(live.agent.reader.tailed))
            for number, log in enumerate(logs):
                append(log, *numbered(first, first + 5, f"log {number:02d}"))
        live.catch_up(30)

    assert open_at_most <= 8
    assert scene.sources() == [numbered(0, 20, f"log {number:02d}") for number in range(40)]
    assert scene.verdict() == CLOSED


def test_015_also_where_each_of_them_ends_in_half_a_line(scene):
    scene.with_settings(max_open_files=8)
    logs = [write(scene.logs / f"{number:02d}.log", *numbered(0, 5, f"log {number:02d}")) for number in range(40)]
    for log in logs:
        with log.open("ab") as file:
            file.write(b"half a ")
    with scene.live() as live:
        live.catch_up(30)
        assert len(live.agent.reader.tailed) <= 8
        for log in logs:
            append(log, "line")
        live.catch_up(30)

    assert scene.sources() == [[*numbered(0, 5, f"log {number:02d}"), "half a line"] for number in range(40)]
    assert scene.verdict() == CLOSED


def test_016_what_is_old_at_the_start_is_ignored_but_read_when_it_grows_again(tmp_path):
    """Ours has no age limit by modification time, which drops lines by when others wrote: `start_at` is the limit."""
    scene = Scene.of(tmp_path, "*", start_at="now")
    old = write(scene.logs / "old.log", *numbered(0, 5))
    os.utime(old, (1_000_000_000, 1_000_000_000))
    write(scene.logs / "older.log", *numbered(0, 5, "never again"))
    scene.once()
    append(old, *numbered(5, 8))
    scene.once()

    assert scene.sources() == [numbered(5, 8)]
    assert scene.verdict() == CLOSED


def test_017_an_unreadable_file_is_read_once_its_permission_returns(ordinary_scene):
    scene = ordinary_scene
    log = write(scene.logs / "a.log", *numbered(0, 5))
    log.chmod(0)
    write(scene.logs / "b.log", *numbered(0, 5, "other"))
    with scene.live() as live:
        live.catch_up(60)
        assert live.agent.reader.unreadable == {str(log): f"{log}: Permission denied"}
        assert scene.sources() == [numbered(0, 5, "other")]
        log.chmod(0o600)
        live.catch_up(20)
        assert live.agent.reader.unreadable == {}

    assert scene.events.counts["file_unreadable"] == 1
    assert scene.sources() == [numbered(0, 5), numbered(0, 5, "other")]
    assert scene.verdict() == CLOSED


def test_018_a_file_that_vanishes_before_it_is_opened_disturbs_nothing(scene):
    write(scene.logs / "a.log", *numbered(0, 5))
    gone = write(scene.logs / "gone.log", *numbered(0, 5, "gone"))
    with scene.live() as live:
        live.agent.reader.scan()
        gone.unlink()
        for chunk in live.agent.reader.chunks(once=False):
            live.agent.take(chunk)
        assert live.agent.reader.unreadable == {}
        live.catch_up(20)

    assert scene.events.counts["file_unreadable"] == 0
    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("taken_by", [os.mkdir, os.mkfifo])
def test_018_nor_does_it_if_something_else_takes_its_name(scene, taken_by):
    write(scene.logs / "a.log", *numbered(0, 5))
    moved = write(scene.logs / "moved.log", *numbered(0, 5, "moved"))
    with scene.live() as live:
        live.agent.reader.scan()
        moved.rename(scene.logs / "moved.log.1")
        taken_by(moved)
        for chunk in live.agent.reader.chunks(once=False):
            live.agent.take(chunk)
        assert live.agent.reader.unreadable == {}
        live.catch_up()

    assert scene.sources() == [numbered(0, 5), numbered(0, 5, "moved")]
    assert scene.verdict() == CLOSED


def test_019_a_folder_without_permission_is_told_once_and_stands_in_status(ordinary_scene):
    scene = ordinary_scene
    closed = write(scene.logs / "closed" / "b.log", *numbered(0, 5)).parent
    closed.chmod(0)
    with scene.live() as live:
        live.catch_up(300)
        assert live.agent.reader.unreadable == {str(closed): f"{closed}: Permission denied"}
        closed.chmod(0o700)
        live.catch_up(120)
        assert live.agent.reader.unreadable == {}

    assert scene.events.counts["file_unreadable"] == 1
    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED
