"""Discovery and start position, scenarios 1 to 20."""

import os
import socket

import pytest
from support.logs import append, compress, numbered, rename, write
from support.permissions import ordinary_user
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.settings import InputSettings


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "**/*")


@pytest.fixture
def ordinary_scene():
    with ordinary_user() as folder:
        yield Scene.of(folder, "**/*")


def names_matched(folder, *patterns, exclude=()):
    """The files that arrive, by the name that each holds as its only line."""
    scene = Scene.of(folder, *patterns, exclude=exclude)
    scene.once()
    assert scene.verdict() == CLOSED
    return [source[0].split()[0] for source in scene.sources()]


def named_files(folder, *names):
    for name in names:
        write(folder / "logs" / name, f"{name} is the name of this file, which is its only line")


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
    """A path without a file is what rotation leaves behind; `shipper check` tells of it, the agent does not."""
    scene = Scene.of(tmp_path, "missing.log", "damaged.log")
    damaged = scene.logs / "damaged.log"
    damaged.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    with scene.live() as live:
        live.catch_up(120)
        assert scene.events.counts == {"file_unreadable": 1}
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


TREE = ("a1.log", "a2.log", "b1.log", "b2.txt", "deep/a3.log", "deep/er/a4.log", "deep/er/est/a5.log")


@pytest.mark.parametrize(
    ("patterns", "exclude", "matched"),
    [
        (["a1.log"], [], ["a1.log"]),
        (["a*.log", "b*"], [], ["a1.log", "a2.log", "b1.log", "b2.txt"]),
        (["c*", "nowhere/*"], [], []),
        (["[a-b]1.log"], [], ["a1.log", "b1.log"]),
        (["?2.*"], [], ["a2.log", "b2.txt"]),
        (["*"], ["b*"], ["a1.log", "a2.log"]),
        (["*/*.log"], [], ["deep/a3.log"]),
        (["**/a*.log"], [], ["a1.log", "a2.log", "deep/a3.log", "deep/er/a4.log", "deep/er/est/a5.log"]),
        (["deep/**/*.log"], [], ["deep/a3.log", "deep/er/a4.log", "deep/er/est/a5.log"]),
        (["**/er/**/a*"], [], ["deep/er/a4.log", "deep/er/est/a5.log"]),
        (["**/*.log"], ["**/er/**"], ["a1.log", "a2.log", "b1.log", "deep/a3.log"]),
    ],
)
def test_008_globs_match_what_shells_match_and_two_stars_any_depth(tmp_path, patterns, exclude, matched):
    named_files(tmp_path, *TREE)
    excluded = tuple(f"{tmp_path}/logs/{pattern}" if "/" in pattern else pattern for pattern in exclude)
    if not matched:
        scene = Scene.of(tmp_path, *patterns)
        assert (scene.once().lines, scene.verdict()) == (0, CLOSED)
    else:
        assert names_matched(tmp_path, *patterns, exclude=excluded) == matched


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("[[]odd].log", ["[odd].log"]),
        ("{a,b}.log", ["{a,b}.log"]),
        ("x,y.log", ["x,y.log"]),
        ("2026-[0-9][0-9]/*.log", ["2026-11/day.log"]),
        ("*.log", ["[odd].log", "a.log", "o.log", "x,y.log", "{a,b}.log"]),
    ],
)
def test_009_brackets_braces_and_commas_stand_in_real_names(tmp_path, pattern, matched):
    """Braces and commas mean nothing in our globs; a bracket is written as the set `[[]`."""
    named_files(tmp_path, "[odd].log", "o.log", "{a,b}.log", "a.log", "x,y.log", "2026-11/day.log", "2026-x/day.log")

    assert names_matched(tmp_path, pattern) == matched


def test_010_exclude_wins_also_for_later_files_and_for_rotated_names(tmp_path):
    scene = Scene.of(tmp_path, "**/*", exclude=("debug*",))
    log = write(scene.logs / "a.log", *numbered(0, 5))
    debug = write(scene.logs / "debug.log", *numbered(0, 5, "debug"))
    with scene.live() as live:
        live.catch_up()
        compress(rename(debug, "debug.log.1"))
        write(scene.logs / "debug-2.log", *numbered(0, 5, "debug too"))
        append(log, *numbered(5, 7))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 7)]
    assert scene.verdict() == CLOSED


def test_011_a_file_that_two_globs_match_is_read_once_and_by_two_inputs_twice(tmp_path):
    """Within an input it is one file. Two inputs are two wishes: each ships it, under ids of its own."""
    twice = InputSettings("one", (f"{tmp_path}/logs/*.log", f"{tmp_path}/logs/a*"), "raw", timezone="UTC")
    other = InputSettings("other", (f"{tmp_path}/logs/a.log",), "raw", timezone="UTC")
    scene = Scene(tmp_path, twice, other)
    write(scene.logs / "a.log", *numbered(0, 5))
    scene.once()

    assert scene.sources() == [numbered(0, 5), numbered(0, 5)]
    assert scene.verdict() == CLOSED


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
        live.catch_up(20)
        assert live.agent.reader.unreadable == {}

    assert scene.sources() == [numbered(0, 5)]
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


def test_020_names_may_be_of_any_script(tmp_path):
    named_files(tmp_path, "журнал.log", "日誌/ログ.log", "a\u0301 and á.log", "with space.log", "tab\t.log")

    assert sorted(names_matched(tmp_path, "**/*")) == sorted(["журнал.log", "日誌/ログ.log", "a\u0301", "with", "tab"])
