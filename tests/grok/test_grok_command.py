import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from shipper.cli import execute


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"10.0.0.1 42\r\nno \x1b[31m\xff\n10.0.0.2 7")
    return path


def test_lines_are_shown_with_their_fields_or_with_what_fails(log, capsys):
    assert execute(["grok", "test", "%{IP:ip} %{INT:n:int}", str(log)]) == 1
    out, err = capsys.readouterr()
    first, second, third = out.splitlines()
    assert first == f'{log}:1: {{"ip": "10.0.0.1", "n": 42}}'
    assert second.startswith(f"{log}:2: no match: `%{{IP:ip}}` does not match")
    assert "\x1b" not in out
    assert third == f'{log}:3: {{"ip": "10.0.0.2", "n": 7}}'
    assert err == "2 lines matched, 1 did not.\n"


def test_json_is_one_document(log, capsys):
    assert execute(["grok", "test", "--json", "(?<first>.)", str(log)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["matched"], document["failed"]) == (3, 0)
    assert document["lines"][1] == {"file": str(log), "line": 2, "matched": True, "fields": {"first": "n"}}


def test_standard_input_and_compressed_files_are_read(log, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1\nx\n")))
    assert execute(["grok", "test", "%{INT:n}"]) == 1
    packed = log.with_suffix(".gz")
    packed.write_bytes(gzip.compress(b"5\n6\n"))
    assert execute(["grok", "test", "%{INT:n}", str(packed)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(':2: {"n": "6"}')


def test_patterns_of_a_directory_win(log, tmp_path, capsys):
    own = tmp_path / "own"
    own.mkdir()
    (own / "x").write_text("IP no\n")
    assert execute(["grok", "test", "--patterns", str(own), "%{IP:x}", str(log)]) == 1
    assert '{"x": "no"}' in capsys.readouterr().out


def test_a_wrong_expression_is_a_usage_error(log, capsys):
    assert execute(["grok", "test", "%{NOPE}", str(log)]) == 2
    assert "%{NOPE} is not defined" in capsys.readouterr().err
    assert execute(["grok", "test", "x", str(log) + ".missing"]) == 2


def test_a_line_that_takes_too_long_is_reported(tmp_path, capsys):
    path = tmp_path / "slow"
    path.write_text("a" * 60 + "b\n")
    assert execute(["grok", "test", "--timeout", "0.05", "^(?:a|a|aa)+$", str(path)]) == 1
    assert "It took longer than 0.05 s." in capsys.readouterr().out


def test_the_expressions_of_a_pipeline_are_tried_on_whole_events(tmp_path, capsys):
    path = tmp_path / "storm-backend.log"
    path.write_text("noise\n23:15:01.001 - INFO [main] - one\n  at two\n23:15:01.002 - INFO [main] - three\n")
    assert execute(["grok", "test", "--pipeline", "storm-backend", "--json", str(path)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(line["line"], line["matched"]) for line in document["lines"]] == [(1, False), (2, True), (4, True)]
    assert document["lines"][1]["fields"]["storm"]["text"] == "one\n  at two"


def test_blank_lines_are_not_tried_where_the_pipeline_drops_them(tmp_path, capsys):
    path = tmp_path / "blank.log"
    path.write_text("\n  \nnoise\n")
    assert execute(["grok", "test", "--pipeline", "gridftp-transfer", "--json", str(path)]) == 1
    assert [line["line"] for line in json.loads(capsys.readouterr().out)["lines"]] == [3]


def test_all_lines_of_a_real_log_match_its_pipeline(capsys):
    log = Path(__file__).parents[1] / "samples" / "gridftp" / "ng" / "gridftp-transfer.log"
    lines = log.read_bytes().count(b"\n")
    assert execute(["grok", "test", "--pipeline", "gridftp-transfer", str(log)]) == 0
    assert capsys.readouterr().err == f"{lines} lines matched, 0 did not.\n"


@pytest.mark.parametrize("arguments", [[], ["--pipeline", "nonsense"], ["--pipeline", "tstat-tcp"]])
def test_a_test_without_expressions_is_a_usage_error(arguments, capsys):
    assert execute(["grok", "test", *arguments]) == 2
    assert capsys.readouterr().err
