"""Line framing, scenarios 21 to 35: only a newline ends a line, and no line is given up while it may grow."""

import json

import pytest
from support.logs import append, compress, numbered, rename, write
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.read.framing import LONG, PART

BLANK = "filtered:blank"


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "**/*")


def begin(path, data):
    """Write some bytes, no whole line perhaps."""
    with path.open("ab") as file:
        file.write(data)


def tags(scene):
    return [json.loads(text) for (text,) in scene.values("$.tags")]


def test_021_a_line_written_in_two_writes_is_one_event(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as live:
        live.catch_up()
        begin(log, b"one ")
        live.catch_up(20)
        begin(log, b"line\n")
        live.catch_up()

    assert scene.sources() == [[*numbered(0, 3), "one line"]]
    assert scene.verdict() == CLOSED


def test_022_a_line_without_newline_is_held_back_while_the_file_may_grow(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    begin(log, b"half a line")
    with scene.live() as live:
        live.catch_up(3600)
        assert live.agent.reader.pending_lines() == 1

    assert scene.sources() == [numbered(0, 3)]
    assert (scene.verdict(), scene.audit().totals.pending) == (CLOSED, 1)


def test_023_quiet_does_not_end_a_line_only_the_end_of_the_file_does(scene):
    """Tools differ: most flush after a quiet time or in read-once mode, and so make two events of one line.

    Ours gives up a half line only where it can never be completed: in an archive, or in a file without a name. A
    single pass leaves it `pending`.
    """
    log = write(scene.logs / "a.log", *numbered(0, 3))
    begin(log, b"half a line")
    scene.once()
    assert (scene.pending, scene.sources()) == (1, [numbered(0, 3)])

    compress(log)
    scene.once()
    assert scene.sources() == [[*numbered(0, 3), "half a line"]]
    assert "_line_incomplete" in tags(scene)[-1]
    assert scene.verdict() == CLOSED


def test_024_a_partial_line_before_a_shutdown_is_completed_after_it_and_arrives_once(tmp_path):
    running = Running(tmp_path)
    log = write(running.logs / "a.log", *numbered(0, 3))
    begin(log, b"begun before ")
    with running:
        running.wait_for(3)
        running.stop()
    begin(log, b"and ended after\n")
    append(log, *numbered(3, 5))
    with running:
        running.wait_for(6)
        running.stop()

    assert running.sources() == [[*numbered(0, 3), "begun before and ended after", *numbered(3, 5)]]
    assert running.verdict() == CLOSED


def test_025_half_a_line_is_not_glued_to_the_file_that_takes_its_place(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    begin(log, b"half a line")
    with scene.live() as live:
        live.catch_up()
        rename(log, "a.log.1").unlink()
        write(log, *numbered(5, 8))
        live.catch_up(60)

    assert scene.sources() == [[*numbered(0, 3), "half a line"], numbered(5, 8)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("size", [4097, 65537, 256 * 1024 + 1, LONG - 1])
def test_026_very_long_lines_arrive_whole(scene, size):
    long = "x" * size
    write(scene.logs / "a.log", "before", long, "after")
    scene.once()

    assert scene.sources() == [["before", long, "after"]]
    assert scene.verdict() == CLOSED


def test_027_a_line_over_the_limit_is_cut_and_its_neighbours_are_whole(scene):
    """The text is cut at 1 MiB and tagged; the whole line is hashed and counted, and the next line's place is right."""
    long = "x" * (3 * LONG)
    log = write(scene.logs / "a.log", "before", long)
    with scene.live() as live:
        live.catch_up()
        append(log, "after")
        live.catch_up()

    assert scene.sources() == [["before", "x" * LONG, "after"]]
    assert ["_line_truncated" in found for found in tags(scene)] == [False, True, False]
    assert scene.values("$.log.offset") == [(0,), (7,), (7 + len(long) + 1,)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("shift", range(4))
def test_028_cutting_splits_no_character(scene, shift):
    long = "x" * shift + "𝄞" * (LONG // 4 + 10)
    write(scene.logs / "a.log", long)
    scene.once()
    ((message,),) = scene.values("$.message")

    assert long.startswith(message)
    assert LONG - 4 < len(message.encode()) <= LONG
    assert scene.verdict() == CLOSED


def test_029_a_restart_in_the_middle_of_an_over_long_line_makes_no_second_event_of_its_rest(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    begin(log, b"x" * (2 * LONG))
    scene.once()
    begin(log, b"y" * LONG)
    scene.once()
    begin(log, b"\n")
    append(log, "after")
    scene.once()

    assert scene.sources() == [[*numbered(0, 3), "x" * LONG, "after"]]
    assert scene.verdict() == CLOSED


def test_030_data_without_any_newline_goes_on_in_parts_and_stalls_nothing(scene):
    """From 16 MiB without newline on it is taken in parts of that size, each a line: memory is bounded."""
    log = scene.logs / "a.log"
    begin(log, b"x" * (2 * PART + 100))
    with scene.live() as live:
        live.catch_up(20)
        assert len(scene.values("$.log.offset")) == 2
        begin(log, b"\n")
        append(log, *numbered(0, 2))
        live.catch_up(20)

    assert scene.sources() == [["x" * LONG, "x" * LONG, "x" * 100, *numbered(0, 2)]]
    assert scene.values("$.log.offset")[:3] == [(0,), (PART,), (2 * PART,)]
    assert scene.verdict() == CLOSED


def test_031_a_carriage_return_before_the_newline_is_no_text_wherever_reads_divide_them(scene):
    data = b"".join(line.encode() + b"\r\n" for line in numbered(0, 2)) + b"a\rb\r\r\n"
    log = scene.logs / "a.log"
    log.touch()
    with scene.live() as live:
        for place in range(len(data)):
            begin(log, data[place : place + 1])
            live.catch_up(0.3)
        live.catch_up()

    assert scene.sources() == [[*numbered(0, 2), "a\rb\r"]]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("separator", ["\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\0"])
def test_032_nothing_but_a_newline_ends_a_line(scene, separator):
    """Other delimiters are not offered: lines are what ids and tallies are made of, so there is one rule for all.

    What Python's `splitlines` or a terminal takes for an end of line is text. NULs are taken out of it, with a tag.
    """
    line = f"this is one line{separator}and this is still the same line"
    write(scene.logs / "a.log", *numbered(0, 1), line)
    with scene.live() as live:
        live.catch_up(60)

    assert scene.sources() == [[*numbered(0, 1), line.replace("\0", "")]]
    assert scene.verdict() == CLOSED


def test_033_empty_lines_are_lines_that_a_rule_filters(scene):
    """Tools differ: ours ships none by default, and counts each as filtered by the rule `blank`."""
    log = write(scene.logs / "a.log", "", "", *numbered(0, 2), "", "", "", *numbered(2, 3), "")
    only = write(scene.logs / "only.log", *[""] * 100)
    with scene.live() as live:
        live.catch_up(20)
        append(only, "", "at last")
        live.catch_up(20)

    assert scene.sources() == [["at last"], numbered(0, 3)]
    assert scene.ledger_by_path() == {str(log): {"stored": 3, BLANK: 6}, str(only): {"stored": 1, BLANK: 101}}
    assert scene.verdict() == CLOSED


def test_034_an_empty_file_is_waited_for(scene):
    log = write(scene.logs / "a.log")
    with scene.live() as live:
        live.catch_up(60)
        append(log, *numbered(0, 3))
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 3)]
    assert scene.verdict() == CLOSED


def test_035_blanks_at_both_ends_are_text(scene):
    """Tools differ; ours changes nothing of a line but its end."""
    lines = ["  two before and three after   ", "\ttabs\t\t", "long enough to be told from other files"]
    write(scene.logs / "a.log", *lines)
    scene.once()

    assert scene.sources() == [lines]
    assert scene.verdict() == CLOSED
