"""E, continued. Links: a file with several names is one file, and a link that is switched is a new name."""

import os

import pytest
from support.descriptors import open_below
from support.logs import append, numbered, write
from support.scene import CLOSED, INSTANT, Scene

from shipper.read.reader import REPLACED_FILE_WAITS

DAY = 86_400.0


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.mark.parametrize(("links", "read"), [("inside", ["in.log"]), ("anywhere", ["in.log", "out.log"])])
def test_086_a_link_within_the_tree_is_followed_and_one_out_of_it_only_when_allowed(tmp_path, links, read):
    scene = Scene.of(tmp_path, "*.log", links=links)
    for name, folder in (("in", scene.logs / "deep"), ("out", tmp_path / "elsewhere")):
        target = write(folder / "target", *numbered(0, 3, f"{name}.log"))
        (scene.logs / f"{name}.log").symlink_to(target)
    scene.once()

    assert scene.sources() == [numbered(0, 3, name) for name in read]
    assert scene.events.counts["file_unreadable"] == 2 - len(read)
    assert scene.verdict()[0] == ("closed" if len(read) == 2 else "incomplete")


def test_087_a_link_that_is_switched_again_and_again_brings_all_lines_of_all_targets(tmp_path):
    scene = Scene.of(tmp_path, "current.log")
    targets = tmp_path / "targets"
    link = scene.logs / "current.log"
    expected = []
    with scene.live() as agent:
        for turn in range(6):
            target = write(targets / f"{turn}.log", *numbered(100 * turn, 100 * turn + 3))
            switched = tmp_path / "new"
            switched.symlink_to(target)
            switched.rename(link)
            agent.catch_up()
            append(target, *numbered(100 * turn + 3, 100 * turn + 5))
            if turn:
                append(targets / f"{turn - 1}.log", *numbered(100 * turn - 50, 100 * turn - 48))
            expected.append([*numbered(100 * turn, 100 * turn + 5), *numbered(100 * turn + 50, 100 * turn + 52)])
        agent.catch_up()

    expected[-1] = expected[-1][:5]
    assert scene.sources() == expected
    assert scene.verdict() == CLOSED


def test_088_a_link_that_is_removed_while_its_target_grows_is_read_until_it_has_been_quiet(tmp_path):
    scene = Scene.of(tmp_path, "current.log")
    target = write(tmp_path / "target.log", *numbered(0, 3))
    link = scene.logs / "current.log"
    link.symlink_to(target)
    with scene.live() as agent:
        agent.catch_up()
        assert str(target) in open_below(tmp_path)
        link.unlink()
        for turn in range(1, 5):
            append(target, *numbered(3 * turn, 3 * turn + 3))
            agent.catch_up(REPLACED_FILE_WAITS - 60)
        agent.catch_up(REPLACED_FILE_WAITS)
        assert str(target) not in open_below(tmp_path)
        append(target, *numbered(15, 18))
        agent.catch_up(INSTANT)

    assert scene.sources() == [numbered(0, 15)]
    assert scene.verdict() == CLOSED


def test_088_half_a_line_of_a_file_that_was_moved_away_keeps_no_descriptor_and_is_told_until_it_comes_back(tmp_path):
    scene = Scene.of(tmp_path, "*.log")
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as agent:
        with log.open("ab") as file:
            file.write(b"half")
        agent.catch_up()
        away = log.rename(tmp_path / "away")
        agent.catch_up(2 * REPLACED_FILE_WAITS)
        assert str(away) not in open_below(tmp_path)
        assert scene.verdict() == ("findings", [("lost before read", len("half"))])
        append(away, " and whole")
        away.rename(log)
        agent.catch_up(30)

    assert scene.sources() == [[*numbered(0, 3), "half and whole"]]
    assert scene.verdict() == CLOSED


def test_089_a_file_and_a_link_to_it_that_both_match_are_read_once(scene):
    """A file with several names in an input is one file; other shippers give one record for each name."""
    log = write(scene.logs / "a.log", *numbered(0, 3))
    (scene.logs / "b.log").symlink_to(log)
    os.link(log, scene.logs / "c.log")
    with scene.live() as agent:
        agent.catch_up()
        append(scene.logs / "b.log", *numbered(3, 5))
        agent.catch_up()
        log.unlink()
        append(scene.logs / "c.log", *numbered(5, 7))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 7)]
    assert scene.verdict() == CLOSED


def test_090_chains_of_links_and_links_in_a_tree_of_folders(tmp_path):
    scene = Scene.of(tmp_path, "links/**/*.log", links="anywhere")
    real = write(tmp_path / "disk" / "one.log", *numbered(0, 3, "one"))
    write(tmp_path / "disk" / "deep" / "er" / "two.log", *numbered(0, 3, "two"))
    (scene.logs / "links" / "sub").mkdir(parents=True)
    before = real
    for number in range(5):
        link = tmp_path / f"step{number}"
        link.symlink_to(before)
        before = link
    (scene.logs / "links" / "sub" / "one.log").symlink_to(before)
    (scene.logs / "links" / "tree").symlink_to(tmp_path / "disk" / "deep")
    (scene.logs / "links" / "nowhere.log").symlink_to(tmp_path / "missing")
    (scene.logs / "links" / "circle.log").symlink_to(scene.logs / "links" / "circle.log")
    with scene.live() as agent:
        agent.catch_up()
        append(real, *numbered(3, 5, "one"))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 5, "one"), numbered(0, 3, "two")]
    assert scene.verdict() == CLOSED
