"""Which files match: globs for what is wanted, and the same language for what is not."""

import os

import pytest
from support.logs import write

from shipper.read.discover import fixed_folders, matching
from shipper.settings import InputSettings


def names(folder, *paths, exclude=()):
    item = InputSettings("i", tuple(f"{folder}/{path}" for path in paths), "raw", exclude=tuple(exclude))
    return [str(path.relative_to(folder)) for path in matching(item)]


@pytest.fixture
def tree(tmp_path):
    for number, name in enumerate(["a.log", "a.log.1", "deep/b.log", "deep/er/c.log", "[odd].log"]):
        os.utime(write(tmp_path / name, "x"), (number, number))
    return tmp_path


def test_a_star_stays_within_a_folder_and_two_do_not(tree):
    assert names(tree, "*.log") == ["a.log", "[odd].log"]
    assert names(tree, "**/*.log") == ["a.log", "deep/b.log", "deep/er/c.log", "[odd].log"]


def test_the_oldest_comes_first_and_each_once(tree):
    os.utime(tree / "a.log", (100, 100))

    assert names(tree, "**/*.log", "a*") == ["a.log.1", "deep/b.log", "deep/er/c.log", "[odd].log", "a.log"]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ("*.log", ["a.log.1"]),
        ("a.log*", ["deep/b.log", "deep/er/c.log", "[odd].log"]),
        ("{tree}/*/*", ["a.log", "a.log.1", "deep/er/c.log", "[odd].log"]),
        ("{tree}/deep/**", ["a.log", "a.log.1", "[odd].log"]),
        ("**/er/*", ["a.log", "a.log.1", "deep/b.log", "[odd].log"]),
        ("?.log", ["a.log.1", "[odd].log"]),
        ("[[]odd].log", ["a.log", "a.log.1", "deep/b.log", "deep/er/c.log"]),
        ("[!a].log", ["a.log", "a.log.1", "[odd].log"]),
        ("a.log\\", ["a.log", "a.log.1", "deep/b.log", "deep/er/c.log", "[odd].log"]),
    ],
)
def test_excludes_speak_the_language_of_paths(tree, exclude, left):
    assert names(tree, "**/*", exclude=[exclude.format(tree=tree)]) == left


def test_a_watcher_listens_above_the_first_wildcard(tree):
    item = InputSettings("i", (f"{tree}/deep/*/x*.log", f"{tree}/not/yet/there.log"), "raw")

    assert fixed_folders(item) == {tree / "deep", tree}
