"""D, continued. Truncation while nobody looks, again and again, and the copies that are made before it."""

import os
import shutil

import pytest
from support.logs import append, copy_and_truncate, numbered, rename, replace_in_place, write
from support.scene import CLOSED, INSTANT, Scene

from shipper.read.reader import REPLACED_FILE_WAITS


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_072_truncated_while_running_and_stopped_before_the_next_look_is_read_from_its_beginning(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        replace_in_place(log, *numbered(20, 50))
    with scene.live() as agent:
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(20, 50)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [3, 10, 30])
def test_073_truncated_and_rewritten_while_the_agent_was_off(scene, lines):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    scene.once()
    replace_in_place(log, *numbered(20, 20 + lines))
    scene.once()

    assert scene.sources() == [numbered(0, 10), numbered(20, 20 + lines)]
    assert scene.verdict() == CLOSED


def test_073_what_was_seen_and_not_read_when_it_was_truncated_while_the_agent_was_off_is_told(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with log.open("ab") as writer:
        writer.write(b"eleven bytes")
    scene.once()
    replace_in_place(log, *numbered(20, 25))
    scene.once()

    assert scene.sources() == [numbered(0, 10), numbered(20, 25)]
    assert scene.verdict() == ("findings", [("truncated before read", len("eleven bytes"))])


@pytest.fixture
def behind(tmp_path):
    """A site whose agent ended long before it had read all that it had seen; where its log is, and what is unread."""
    scene = Scene.of(tmp_path, "**/*", rate=1 << 14)
    path = write(scene.logs / "a.log", *numbered(0, 25_000))
    with scene.live() as live:
        live.catch_up()
        append(path, *numbered(25_000, 50_000))
        live.catch_up(2 * scene.settings.rescan)
    unread = path.stat().st_size - sum(len(message) + 1 for message in scene.messages())
    assert unread > path.stat().st_size // 2
    return scene, path, unread


def test_073_what_a_file_grew_by_while_the_agent_was_behind_and_that_nobody_read_is_told(behind):
    scene, path, unread = behind
    write(path, *numbered(300_000, 300_010))
    with scene.live() as live:
        live.catch_up(60.0)

    assert scene.verdict() == ("findings", [("truncated before read", unread)])


@pytest.mark.parametrize("lines", [[], ["short"], numbered(300_000, 300_010)])
def test_073_what_is_gone_unread_is_told_also_before_another_agent_runs(behind, lines):
    scene, path, unread = behind
    path.unlink()
    if lines:
        write(path, *lines)

    assert scene.verdict() == ("findings", [("lost before read", unread)])


def test_073_what_an_agent_that_runs_has_not_read_yet_is_not_called_lost(behind):
    scene, path, _ = behind
    with scene.live() as live:
        live.catch_up()
        path.unlink()
        assert scene.verdict() == CLOSED
        live.catch_up(600.0)

    assert scene.sources() == [numbered(0, 50_000)]
    assert scene.verdict() == CLOSED


def test_073_what_was_unread_and_is_in_a_copy_is_pending(behind):
    scene, path, _ = behind
    copy_and_truncate(path, "a.log.1")

    assert scene.verdict() == CLOSED


def test_074_truncated_again_and_again_under_load(scene):
    log = write(scene.logs / "a.log", *numbered(0, 100))
    with scene.live() as agent:
        for turn in range(1, 21):
            agent.catch_up()
            os.truncate(log, 0)
            append(log, *numbered(1000 * turn, 1000 * turn + 100 + turn % 3))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 100)] + [
        numbered(1000 * turn, 1000 * turn + 100 + turn % 3) for turn in range(1, 21)
    ]
    assert scene.verdict() == CLOSED


def test_075_moved_away_truncated_and_moved_back(tmp_path):
    scene = Scene.of(tmp_path, "*.log")
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        away = rename(log, "a.away")
        agent.catch_up()
        os.truncate(away, 0)
        agent.catch_up()
        rename(away, "a.log")
        append(log, *numbered(20, 25))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(20, 25)]
    assert scene.verdict() == CLOSED


def test_076_truncated_while_a_link_to_it_comes_and_goes(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    link = scene.logs / "current"
    link.symlink_to(log)
    with scene.live() as agent:
        agent.catch_up()
        link.unlink()
        os.truncate(log, 0)
        agent.catch_up()
        append(log, *numbered(20, 22))
        agent.catch_up()
        link.symlink_to(log)
        replace_in_place(log, *numbered(30, 32))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(20, 22), numbered(30, 32)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize(
    "names", [("a.log.1", "a.log.2", "a.log.10"), ("a.log-20261120", "a.log-20261119", "a.log-20261121")]
)
def test_077_the_copy_that_continues_a_file_is_told_by_its_content_whatever_suffixes_say(scene, names):
    """Others sort numbers and dates in names; of names we believe nothing."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    written = []
    for turn, name in enumerate(names):
        scene.once()
        first = 100 * turn
        append(log, *numbered(first + 10, first + 12))
        copy_and_truncate(log, name)
        written.append(numbered(first, first + 12))
        append(log, *numbered(first + 100, first + 110))
    scene.once()

    assert scene.sources() == [*written, numbered(300, 310)]
    heirs = {path.rsplit("/", 1)[-1]: elder.rsplit("/", 1)[-1] for path, elder in scene.heirs() if elder}
    assert heirs == dict.fromkeys(names, "a.log")
    assert scene.verdict() == CLOSED


def test_077_copies_shifted_by_another_copy_bring_nothing_again(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    scene.once()
    copy_and_truncate(log, "a.log.1")
    append(log, *numbered(20, 30))
    scene.once()
    shutil.copyfile(scene.logs / "a.log.1", scene.logs / "a.log.2")
    copy_and_truncate(log, "a.log.1")
    append(log, *numbered(40, 50))

    scene.clock.advance(REPLACED_FILE_WAITS + INSTANT)
    assert scene.once().lines == 10
    assert scene.sources() == [numbered(0, 10), numbered(20, 30), numbered(40, 50)]
    assert scene.verdict() == CLOSED
