"""Which files are meant, scenarios 8 to 11 and 20."""

import pytest
from support.logs import append, compress, numbered, rename, write
from support.scene import CLOSED, Scene

from shipper.settings import InputSettings


def names_matched(folder, *patterns, exclude=()):
    """The files that arrive, by the name that each holds as its only line."""
    scene = Scene.of(folder, *patterns, exclude=exclude)
    scene.once()
    assert scene.verdict() == CLOSED
    return [source[0].split()[0] for source in scene.sources()]


def named_files(folder, *names):
    for name in names:
        write(folder / "logs" / name, f"{name} is the name of this file, which is its only line")


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


def test_020_names_may_be_of_any_script(tmp_path):
    named_files(tmp_path, "журнал.log", "日誌/ログ.log", "a\u0301 and á.log", "with space.log", "tab\t.log")

    assert sorted(names_matched(tmp_path, "**/*")) == sorted(["журнал.log", "日誌/ログ.log", "a\u0301", "with", "tab"])
