"""A suggested pattern compiles, matches what it says it matches, and names what the log names."""

import io
import json
import sys
from pathlib import Path

import pytest

from shipper import resources
from shipper.cli import execute
from shipper.grok import Library
from shipper.grok.suggest import suggest

LIBRARY = Library.load([resources.patterns()], glob="*.grok")
SAMPLES = Path(__file__).parents[1] / "samples"
LOGS = sorted(path for path in SAMPLES.glob("[gs]*/**/*.log") if path.stat().st_size)


def best(*lines):
    return suggest(lines, LIBRARY)[0]


def fields(suggestion, line):
    return LIBRARY.compile(suggestion.pattern).match(line)


def test_columns_are_named_by_their_header():
    lines = ["#15#c_ip:1 c_port:2 rtt:3 tls:4", "10.0.0.1 80 1.5 -", "10.0.0.2 443 2 h2"]
    found = best(*lines)
    assert (found.kind, found.matched, found.lines) == ("columns", 2, 2)
    assert fields(found, lines[1]) == {"c_ip": "10.0.0.1", "c_port": 80, "rtt": 1.5}
    assert fields(found, lines[2])["tls"] == "h2"


def test_pairs_are_named_by_their_keys():
    lines = ["DATE=2026 HOST=dtn01 DEST=[10.0.0.1] NL.EVNT=a", "DATE=2027 HOST=dtn02 DEST=[10.0.0.2] NL.EVNT=b"]
    found = best(*lines)
    assert found.kind == "pairs"
    assert fields(found, lines[1]) == {"date": 2027, "host": "dtn02", "dest": "10.0.0.2", "nl_evnt": "b"}


def test_what_stands_between_values_is_literal_and_values_get_types():
    lines = [
        '2026-11-22 00:25:22,025 [main] INFO  took 5 ms "a b"',
        '2026-11-22 00:25:23,025 [pool-2] WARN  took 15 ms "c"',
    ]
    found = best(*lines)
    assert fields(found, lines[0]) == {
        "timestamp": "2026-11-22 00:25:22,025",
        "word": "main",
        "level": "INFO",
        "number": 5,
        "text": '"a b"',
    }
    assert " took " in found.pattern


def test_lines_that_only_begin_alike_get_their_rest_as_one_text():
    lines = [f"Nov 22 10:00:0{n} host{n} daemon[{n}]: " + "word " * n + "(end)" for n in range(1, 9)]
    found = next(each for each in suggest(lines, LIBRARY) if each.kind == "beginning")
    assert found.matched == 8
    assert fields(found, lines[2])["timestamp"] == "Nov 22 10:00:03"
    assert fields(found, lines[2])["message"].endswith("word (end)")


def test_a_pattern_of_the_library_that_fits_is_suggested():
    line = '10.0.0.1 - bob [22/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"'
    assert "^%{COMBINEDAPACHELOG}$" in [each.pattern for each in suggest([line] * 3, LIBRARY)]


def test_an_own_log_is_recognised():
    lines = (SAMPLES / "gridftp" / "ng" / "gridftp-transfer.log").read_text().splitlines()
    assert "%{GRIDFTP_TRANSFER}" in best(*lines).pattern


def test_what_matches_more_comes_first_and_of_equals_what_says_more():
    found = suggest((SAMPLES / "storm" / "heartbeat.log").read_text().splitlines(), LIBRARY)
    order = [(-each.matched, -each.specificity) for each in found]
    assert order == sorted(order)
    assert len(found) > 2


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name)
def test_every_suggestion_matches_as_many_lines_as_it_says(log):
    lines = [line for line in log.read_text(errors="backslashreplace").split("\n")[:300] if line.strip()]
    found = suggest(lines, LIBRARY)
    assert found
    for each in found:
        grok = LIBRARY.compile(each.pattern)
        assert sum(grok.match(line) is not None for line in lines) == each.matched
        assert each.lines == len(lines)


@pytest.mark.parametrize("lines", [[], [""], ["\x00\\E(["], ["%{X}", "%{X}"], ["a=", "a=1"], ["-", "- -"], ["]" * 500]])
def test_strange_lines_give_patterns_that_compile_or_none(lines):
    for each in suggest(lines, LIBRARY):
        assert LIBRARY.compile(each.pattern)


def test_the_command_prints_patterns_with_their_coverage(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.log"
    path.write_text("a=1 b=x\na=2 b=\x1by\n")
    assert execute(["grok", "suggest", str(path)]) in {0, 1}
    out = capsys.readouterr().out
    assert out.startswith("# ")
    assert " of 2 lines)" in out.splitlines()[0]
    assert "\x1b" not in out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a=1 b=x\na=2 b=z\n")))
    assert execute(["grok", "suggest", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["pattern"], first["matched"]) == ("^a=%{INT:a:int} b=%{WORD:b}$", 2)


def test_a_file_without_lines_has_nothing_to_suggest(tmp_path, capsys):
    (tmp_path / "empty").write_text("\n")
    assert execute(["grok", "suggest", str(tmp_path / "empty")]) == 1
    assert capsys.readouterr() == ("", "No line has a shape that could be suggested.\n")
