"""Which files match: globs for what is wanted, and the same language for what is not."""

import glob
import os
from pathlib import Path

import pytest
from support.logs import write
from support.permissions import file_permissions_hold

from shipper.read import globs
from shipper.read.discover import closed_folders, discover, fixed_folders, matching, may_hold
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


@pytest.mark.parametrize(
    "wanted", ["**", "**/", "**/*", "*/**", "deep/**/*.log", "**/er/**/c*", "**/**/[[]odd].log", "*", "no/**"]
)
def test_folders_of_any_depth_are_found_as_everywhere(tree, wanted):
    write(tree / "deep" / ".hidden" / "d.log", "x")
    write(tree / "deep" / "[er]" / "c.log", "x")
    (tree / "link").symlink_to("deep/er")
    (tree / "nowhere").symlink_to("gone")
    pattern = f"{tree}/{wanted}"

    def those(found):
        return {path for path in found if Path(path).exists() and path.endswith("/") == wanted.endswith("/")}

    assert those(globs.paths(pattern)) == those(glob.iglob(pattern, recursive=True))  # noqa: PTH207


def test_links_that_lead_back_are_no_way_to_more_files(tree):
    for number in range(20):
        (tree / "deep" / f"{number}").symlink_to("..")
        (tree / "deep" / "er" / f"{number}").symlink_to(".")
    assert names(tree, "**/*.log") == ["a.log", "deep/b.log", "deep/er/c.log", "[odd].log"]
    item = InputSettings("i", (f"{tree}/**/*.log",), "raw")
    assert closed_folders(item) == {}


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


def problems(folder, **settings):
    item = InputSettings("i", (f"{folder}/logs/**/*.log",), "raw", **settings)
    return {found.path.name: found.problem for found in discover(item)}


def test_a_link_out_of_the_tree_is_not_followed_and_told(tmp_path):
    secret = write(tmp_path / "secret", "x")
    write(tmp_path / "logs" / "a.log", "x")
    (tmp_path / "logs" / "b.log").symlink_to(tmp_path / "logs" / "c.log")
    write(tmp_path / "logs" / "c.log", "y")
    (tmp_path / "logs" / "link.log").symlink_to(secret)
    write(tmp_path / "out" / "d.log", "z")
    (tmp_path / "logs" / "folder").symlink_to(tmp_path / "out")
    found = problems(tmp_path)

    assert {name for name, problem in found.items() if not problem} == {"a.log", "b.log"}
    assert found["link.log"].endswith(f"out of the input's folders to {secret}; `links: anywhere` would follow it")
    assert "out of the input's folders" in found["d.log"]
    assert not any(problems(tmp_path, links="anywhere").values())


def test_a_link_that_is_named_without_wildcard_or_is_the_folder_itself_is_meant(tmp_path):
    write(tmp_path / "real" / "a.log", "x")
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    (tmp_path / "named.log").symlink_to(write(tmp_path / "elsewhere" / "b.log", "y"))
    item = InputSettings("i", (f"{tmp_path}/logs/*.log", f"{tmp_path}/named.log"), "raw")

    assert [found.problem for found in discover(item)] == ["", ""]


def test_a_name_that_is_not_utf_8_is_told_and_not_read(tmp_path):
    folder = os.fsencode(tmp_path)
    Path(os.fsdecode(folder + b"/\xff.log")).write_bytes(b"x")
    (found,) = discover(InputSettings("i", (f"{tmp_path}/*",), "raw"))

    assert found.problem == f"{tmp_path}/\\xff.log: the name is not UTF-8; rename the file, or exclude it"


@pytest.fixture
def forbidden(tree):
    """A user who may neither enter nor list `deep`."""
    with file_permissions_hold():
        (tree / "deep").chmod(0)
        yield tree
        (tree / "deep").chmod(0o700)


@pytest.mark.parametrize(
    ("path", "exclude", "told"),
    [
        ("deep/b.log", (), ["deep"]),
        ("deep/er/c.log", (), ["deep"]),
        ("deep/*.log", (), ["deep"]),
        ("deep/er/*.log", (), ["deep"]),
        ("*/b.log", (), ["deep"]),
        ("*/er/*.log", (), ["deep"]),
        ("**/*.log", (), ["deep"]),
        ("*.log", (), []),
        ("not/there/*.log", (), []),
        ("*/b.log", ("{tree}/deep/*",), []),
        ("**/*.log", ("{tree}/deep/**",), []),
    ],
)
def test_a_folder_that_may_hide_files_is_told_however_the_path_is_written(forbidden, path, exclude, told):
    excluded = tuple(pattern.format(tree=forbidden) for pattern in exclude)
    item = InputSettings("i", (f"{forbidden}/{path}",), "raw", exclude=excluded)

    assert closed_folders(item) == {f"{forbidden}/{name}": f"{forbidden}/{name}: Permission denied" for name in told}
    assert fixed_folders(item) <= {forbidden, forbidden / "deep"}


def test_a_folder_that_may_be_entered_but_not_listed_hides_nothing_that_is_named(forbidden):
    (forbidden / "deep").chmod(0o100)
    named = InputSettings("i", (f"{forbidden}/deep/b.log", f"{forbidden}/*/er/c.log"), "raw")

    assert [path.name for path in matching(named)] == ["b.log", "c.log"]
    assert not closed_folders(named)
    assert closed_folders(InputSettings("i", (f"{forbidden}/deep/*.log",), "raw"))


@pytest.mark.parametrize(
    ("pattern", "may"),
    [
        ("/a/b/c.log", True),
        ("/a/b", True),
        ("/a", True),
        ("/a/*/c", True),
        ("/*", True),
        ("/a/bc/*", False),
        ("/x", False),
    ],
)
def test_what_may_lie_below_a_folder_is_what_its_path_does_not_rule_out(pattern, may):
    assert may_hold("/a/b", pattern) is may
