"""The canary: what counts as worse, held against lines read back from disk."""

from __future__ import annotations

import gzip
import os
from itertools import count

import pytest

from shipper.parse.definition import load_pipeline
from shipper.reload import recent
from shipper.reload.canary import FLOOR, Trial, compared, differences, tried
from shipper.reload.recent import Excerpt, recent_lines
from shipper.settings import InputSettings

LINES = b"".join(b"put %d ok\n" % number for number in range(50)) + b"something else\n"


def no_time():
    return 0.0


@pytest.fixture
def pipeline(tmp_path):
    numbers = count()

    def make(pattern, rest="", dataset="app.log"):
        folder = tmp_path / f"pipelines{next(numbers)}"
        folder.mkdir()
        (folder / "app.yml").write_text(
            f"dataset: {dataset}\nparse: [{{grok: ['{pattern}']}}]\ntimestamp: {{by: modification}}\n{rest}"
        )
        return load_pipeline("app", InputSettings("app", (), "app", timezone="UTC"), pipeline_dirs=[folder])

    return make


def excerpt(lines=LINES, head=b""):
    return Excerpt("/log", head, lines, whole=not head, modified=1.7e9)


def objections(old, new, lines=LINES):
    return compared(old, new, [excerpt(lines)], no_time)


def test_a_pattern_that_reads_more_is_no_worse(pipeline):
    old = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int} ok$")
    new = pipeline("^%{WORD:app.action} (?:%{NUMBER:app.size:int} ok|%{WORD:app.rest})$")
    assert objections(old, new) == []


def test_finding_events_within_lines_is_no_worse(pipeline):
    pattern, glued = "^%{WORD:app.action} %{NUMBER:app.size:int} ok ?$", LINES + b"put 7 ok put 8 ok\n"
    old, new = pipeline(pattern), pipeline(pattern, "lines: {splits: 'put '}\n")
    assert tried(new, [excerpt(glued)], no_time).tags["_line_split"] == 2
    assert objections(old, new, glued) == []


def test_lines_that_match_no_more_are_counted(pipeline):
    old = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int} ok$")
    new = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int} ok!?$")
    assert objections(old, new) == []
    worse = pipeline("^%{WORD:app.action} (?<app.size>1[0-9]*) ok$")
    assert "_grokparsefailure on 40 of 51 recent events, before on 1." in objections(old, worse)


def test_a_field_that_vanishes_is_named(pipeline):
    old = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int} ok$")
    new = pipeline("^%{WORD:app.action} %{NUMBER:app.bytes:int} ok$")
    assert objections(old, new) == ["The field 'app.size' is in 0 of the recent events, before in 50."]


def test_a_field_that_becomes_text_is_named(pipeline):
    old = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int} ok$")
    new = pipeline("^%{WORD:app.action} %{NUMBER:app.size} ok$")
    assert objections(old, new) == [
        "The field 'app.size' is declared keyword, before long; an index holds one type only.",
        "The field 'app.size' changes its type from integer to text.",
    ]


def test_a_type_failure_that_is_cured_is_no_field_that_vanishes(pipeline):
    lines = b"put 12x ok\nput 13x ok\n"
    old = pipeline("^%{WORD:app.action} %{NOTSPACE:app.size:int} ok$")
    new = pipeline("^%{WORD:app.action} %{NUMBER:app.size:int}x ok$")
    assert objections(old, new, lines) == []
    assert any("_type_failure" in reason for reason in objections(new, old, lines))


def test_lines_that_a_new_rule_filters_are_counted(pipeline):
    pattern = "^%{WORD:app.action} %{NUMBER:app.size:int} ok$"
    new = pipeline(pattern, "drop: [{rule: small, when: {app.size: {'<': 10}}}]\n")
    assert "10 more of the recent lines are filtered or refused." in objections(pipeline(pattern), new)


def test_another_dataset_is_named(pipeline):
    pattern = "^%{WORD:app.action} %{NUMBER:app.size:int} ok$"
    (reason,) = objections(pipeline(pattern), pipeline(pattern, dataset="other.log"))
    assert reason == "Documents would go to dataset other.log, before to app.log."


def test_time_counts_beyond_twice_and_a_floor():
    before = Trial(events=1000, seconds=0.1)
    limit = 0.2 + 1000 * FLOOR + 0.05
    assert differences(before, Trial(events=1000, seconds=limit - 0.001)) == []
    (reason,) = differences(before, Trial(events=1000, seconds=limit + 0.001))
    assert reason == "Parsing takes 301 µs per event, before 100 µs."


def test_a_pipeline_that_takes_for_ever_is_given_up(pipeline):
    ticks = count()
    trial = tried(pipeline("^%{WORD:app.action}"), [excerpt()], lambda: float(next(ticks)), patience=3)
    assert trial.given_up
    assert trial.events < 51


def test_the_header_of_a_file_is_read_with_its_last_lines(tmp_path):
    (tmp_path / "app.yml").write_text(
        "dataset: app.log\nheader: '^#'\nparse: [{columns: {separator: ' ', names: header, into: app}}]\n"
        "timestamp: {by: modification}\n"
    )
    settings = InputSettings("app", (), "app", timezone="UTC")
    found = load_pipeline("app", settings, pipeline_dirs=[tmp_path])
    trial = tried(found, [excerpt(b"1 2\n3 4\n", head=b"#1#a:1 b:2\n9 9\n1 2\n")], no_time)
    assert trial.fields == {"app.a": 2, "app.b": 2}


def write(folder, name, data, age=0):
    path = folder / name
    path.write_bytes(data)
    os.utime(path, (1.7e9 - age, 1.7e9 - age))


def test_the_last_whole_lines_of_the_newest_files_are_taken(tmp_path):
    write(tmp_path, "old.log", b"".join(b"old %d\n" % n for n in range(1500)), age=60)
    write(tmp_path, "new.log", b"".join(b"new %d\n" % n for n in range(1200)) + b"and no en")
    newest, older = recent_lines(InputSettings("app", (f"{tmp_path}/*.log",), "app"))
    assert (newest.lines.split(b"\n")[0], newest.lines.split(b"\n")[-2]) == (b"new 0", b"new 1199")
    assert newest.whole
    assert older.lines.startswith(b"old 700\n")
    assert not older.whole


def test_no_more_than_a_limit_of_bytes_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(recent, "BYTES", 1000)
    write(tmp_path, "a.log", b"".join(b"%099d\n" % n for n in range(100)))
    (found,) = recent_lines(InputSettings("app", (f"{tmp_path}/*.log",), "app"))
    assert found.lines == b"".join(b"%099d\n" % n for n in range(91, 100))


def test_archives_are_read_from_their_beginning_and_damaged_ones_left_out(tmp_path):
    write(tmp_path, "a.log.gz", gzip.compress(b"one\ntwo\n"))
    write(tmp_path, "b.log.gz", gzip.compress(b"three\n")[:-20] + b"damage" * 9)
    found = recent_lines(InputSettings("app", (f"{tmp_path}/*.log.gz",), "app"))
    assert [each.lines for each in found] == [b"one\ntwo\n"]
