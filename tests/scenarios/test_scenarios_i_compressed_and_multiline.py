"""I. Compressed and multi-line input: an archive is read once, an event is cut at the same places at every reading."""

import gzip
import os

import pytest
from support.faulty import Faulty
from support.logs import append, compress, copy_and_truncate, numbered, rename, replace_in_place, write
from support.rotating_logs import record
from support.scene import CLOSED, Scene

QUIET = 5.0
"""Seconds, the default of pipelines."""
TRACE = ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)", "Caused by: an.Exception", "\t... 7 more"]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def pipeline(folder, *definition, **settings):
    """A scene whose files are read by a pipeline of these lines."""
    scene = Scene.of(folder, "**/*", pipeline="app", **settings)
    write(folder / "pipelines" / "app.yml", "dataset: app", "timestamp: {by: modification}", *definition)
    scene.with_settings(pipeline_dirs=(folder / "pipelines",))
    return scene


def test_121_an_archive_is_read_once(scene):
    compress(write(scene.logs / "a.log", *numbered(0, 2000)))
    with scene.live() as agent:
        agent.catch_up(600)
        assert agent.agent.totals.lines == 2000
    scene.once()

    assert scene.sources() == [numbered(0, 2000)]
    assert scene.verdict() == CLOSED


def test_121_an_archive_that_grows_member_by_member_brings_each_member_once(scene):
    archive = scene.logs / "a.log.gz"
    with scene.live() as agent:
        for first in (0, 10, 20):
            with archive.open("ab") as file:
                file.write(gzip.compress("".join(f"{line}\n" for line in numbered(first, first + 10)).encode()))
            agent.catch_up()

    assert scene.sources() == [numbered(0, 30)]
    assert scene.verdict() == CLOSED


def test_121_an_archive_that_breaks_off_waits_as_it_is_and_a_damaged_one_is_told(tmp_path):
    """What can be read of it is read. Lines that are dated by the file's modification wait until it is whole."""
    scene = Scene.of(tmp_path, "*", pipeline="gridftp-transfer")
    lines = [record(number) for number in range(2000)]
    whole = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    cut, bad = scene.logs / "cut.gz", scene.logs / "bad.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    os.utime(cut, (scene.clock.now, scene.clock.now))  # somebody writes it
    bad.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    scene.once()
    early = sum(scene.messages().values())

    assert 0 < early < 2000
    assert (cut.read_bytes(), bad.read_bytes()) == (whole[: len(whole) // 2], b"\x1f\x8b" + b"\xff" * 100)
    assert scene.events.counts["file_unreadable"] == 1
    assert scene.verdict() == ("incomplete", [("unreadable", 102)])

    cut.write_bytes(whole)
    bad.unlink()
    scene.once()
    assert scene.sources() == [lines]
    assert scene.verdict() == CLOSED


def test_122_a_stack_trace_with_the_line_before_it_is_one_event(tmp_path):
    r"""First-line patterns and continuation patterns are ours; the latter look at how a line begins.

    C-style backslashes at the end of a line, and patterns for the last line, have no log that we ship behind them: a
    last-line pattern loses its place with the first event that misses its end.
    """
    scene = pipeline(tmp_path, r"lines: {continues: '^(?:\s|Caused by:|[\w.]+Exception)'}")
    log = write(scene.logs / "a.log", *numbered(0, 2), *TRACE)
    with scene.live() as agent:
        agent.catch_up()
        append(log, *numbered(2, 4))
        agent.catch_up()
        agent.catch_up(60)

    first, second, third, fourth = numbered(0, 4)
    assert scene.sources() == [[first, "\n".join([second, *TRACE]), third, fourth]]
    assert scene.verdict() == CLOSED


def test_122_a_first_line_pattern_takes_everything_to_the_next_first_line(tmp_path):
    scene = pipeline(tmp_path, r"lines: {starts: '^\d\d:\d\d '}")
    write(scene.logs / "a.log", "10:00 one event of lines", "of any", "  shape", "", "10:01 another", "10:02 a third")
    scene.once()

    assert scene.sources() == [["10:00 one event of lines\nof any\n  shape\n", "10:01 another", "10:02 a third"]]
    assert scene.verdict() == CLOSED


def test_123_an_open_event_is_closed_when_nothing_came_for_a_while_and_cut_there_for_ever(tmp_path):
    scene = pipeline(tmp_path, "lines: {continues: '^ '}")
    log = write(scene.logs / "a.log", *numbered(0, 1), " and its second line")
    with scene.live() as agent:
        agent.catch_up(1)
        assert scene.messages() == {}
        agent.catch_up(3 * QUIET)
        append(log, " a late third line", *numbered(1, 2))
        agent.catch_up(6 * QUIET)
    stored = scene.documents()
    scene.forget()
    scene.once()

    (first, second) = numbered(0, 2)
    assert scene.sources() == [[f"{first}\n and its second line", " a late third line", second]]
    assert scene.documents() == stored
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize(
    ("limit", "sizes"), [("max_lines: 4", [4, 4, 2]), ("max_bytes: 1KiB", [8, 2]), ("max_lines: 100", [10])]
)
def test_123_an_event_ends_at_its_limits_of_lines_and_bytes_and_says_so(tmp_path, limit, sizes):
    scene = pipeline(tmp_path, f"lines: {{continues: '^ ', {limit}}}")
    lines = [numbered(0, 1)[0], *(f" {line:<119}" for line in map(str, range(9)))]
    write(scene.logs / "a.log", *lines)
    scene.once()

    (source,) = scene.sources()
    assert [len(event.split("\n")) for event in source] == sizes
    assert "\n".join(source) == "\n".join(lines)
    assert [scene.tags()[event] for event in source[:-1]] == [["_event_truncated"]] * (len(sizes) - 1)
    assert scene.verdict() == CLOSED


def test_124_events_of_several_files_never_mix(tmp_path):
    scene = pipeline(tmp_path, "lines: {continues: '^ '}")
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 1, name)) for name in "abc"]
    with scene.live() as agent:
        for turn in range(1, 4):
            for log in logs:
                append(log, f" line {turn} of {log.stem}")
            agent.catch_up(1)
        for log in logs:
            append(log, *numbered(1, 2, log.stem))
        agent.catch_up(10 * QUIET)

    assert scene.sources() == [
        ["\n".join([*numbered(0, 1, name), *(f" line {turn} of {name}" for turn in (1, 2, 3))]), *numbered(1, 2, name)]
        for name in "abc"
    ]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("how", ["rename", "copy", "compress"])
def test_125_a_rotation_in_the_middle_of_an_event_leaves_it_whole(tmp_path, how):
    scene = pipeline(tmp_path, "lines: {continues: '^ '}")
    log = write(scene.logs / "a.log", *numbered(0, 1), " second line")
    with scene.live() as agent:
        agent.catch_up(1)
        append(log, " third line")
        if how == "copy":
            copy_and_truncate(log, "a.log.1")
        else:
            old = rename(log, "a.log.1")
            compress(old) if how == "compress" else None
            write(log)
        append(log, *numbered(10, 12))
        agent.catch_up(20 * QUIET)

    assert scene.sources() == [[f"{numbered(0, 1)[0]}\n second line\n third line"], numbered(10, 12)]
    assert scene.verdict() == CLOSED


def test_126_lines_that_match_no_pattern_are_shipped_raw_and_tagged(tmp_path):
    """They can be dropped by a rule of the pipeline, and are counted under its name then; never by default."""
    scene = pipeline(tmp_path, "parse: [{grok: ['^%{WORD:app.verb} %{INT:app.size:int}$']}]")
    write(scene.logs / "a.log", "put 1", "what is this", "get 2 of a log that is long enough", "get 3")
    scene.once()

    assert scene.sources() == [["put 1", "what is this", "get 2 of a log that is long enough", "get 3"]]
    assert [key for key, found in scene.tags().items() if "_grokparsefailure" in found] == [
        "what is this",
        "get 2 of a log that is long enough",
    ]
    assert scene.verdict() == CLOSED


def test_126_what_a_drop_rule_names_is_filtered_under_its_name(tmp_path):
    rule = "drop: [{rule: small, when: {app.size: {'<': 3}}}]"
    scene = pipeline(tmp_path, "parse: [{grok: ['^%{WORD:app.verb} %{INT:app.size:int}$']}]", rule)
    log = write(scene.logs / "a.log", "put 1", "a line that does not match any pattern", "get 2", "get 3")
    scene.once()

    assert scene.sources() == [["a line that does not match any pattern", "get 3"]]
    assert scene.ledger_by_path() == {str(log): {"filtered:small": 2, "stored": 2}}
    assert scene.verdict() == CLOSED


def test_127_lines_of_json_that_cannot_be_read_disturb_no_position(tmp_path):
    """Records of container runtimes that were split there are shipped as they are: no host of ours writes them."""
    scene = pipeline(tmp_path, "parse: [{json: {into: docker}}]")
    lines = [
        '{"log":"one\\n","stream":"stdout","time":"2026-11-21T10:00:00Z"}',
        '{"log":"half of a record',
        "not JSON at all",
        '{"log":"part ","stream":"stdout"}',
        '{"log":"and the rest\\n","stream":"stdout"}',
    ]
    log = write(scene.logs / "a.log", *lines[:3])
    with scene.live() as agent:
        agent.catch_up()
        append(log, *lines[3:])
        agent.catch_up()
    scene.once()

    assert scene.sources() == [lines]
    assert [key for key, found in scene.tags().items() if "_jsonparsefailure" in found] == lines[1:3]
    assert scene.verdict() == CLOSED


def test_125_replaced_while_the_output_cannot_be_asked_for_its_cuts_the_file_waits(tmp_path):
    """Of a log with events of several lines the output may know where they were cut: it is asked before reading."""
    scene = pipeline(tmp_path, "lines: {continues: '^ '}")
    log = write(scene.logs / "a.log", *numbered(0, 2))
    output = Faulty(scene)
    with scene.live(output) as agent:
        agent.catch_up(3 * QUIET)
        output.silent = True
        replace_in_place(log, *numbered(10, 30))
        agent.catch_up(3 * QUIET)
        assert scene.sources() == [numbered(0, 2)]
        output.silent = False
        agent.catch_up(6 * QUIET)

    assert scene.sources() == [numbered(0, 2), numbered(10, 30)]
    assert scene.verdict() == CLOSED
