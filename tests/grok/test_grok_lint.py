"""Lint finds what is wrong or dangerous in a pattern file, and finds nothing where nothing is."""

import json
import time

import pytest

from shipper.cli import execute
from shipper.grok import Library
from shipper.grok.ambiguity import is_exponential
from shipper.grok.lint import Subject, Tried, lint
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.grok.translate import translate

BASE = Library.load()


def found_in(tmp_path, text, tried=()):
    """Rule and name of every finding in a pattern file on top of the bundled ones."""
    path = tmp_path / "own.grok"
    path.write_text(text)
    expressions = tuple(Tried(pattern, "p.yml", "0") for pattern in tried)
    return lint(Subject(BASE.with_files([path]), frozenset([str(path)]), expressions))


def rules(tmp_path, text, tried=()):
    return [(each.line, each.rule) for each in found_in(tmp_path, text, tried)]


def test_a_good_definition_has_no_findings(tmp_path):
    assert (
        found_in(tmp_path, "# a comment\nMY_TIME \\d+:\\d+\nMY_LOG ^%{MY_TIME:time} %{WORD:word} %{GREEDYDATA:text}\n")
        == []
    )


@pytest.mark.parametrize(
    ("definition", "rule"),
    [
        ("X ^%{NOPE:a}", "wrong"),
        ("X ^%{X:a}", "wrong"),
        ("X ^(?<a>[)", "wrong"),
        ("X %{WORD:a} %{INT:b}", "unanchored"),
        ("X ^(?<a>(?:a+b?)+)$", "exponential"),
        ("X ^%{NOTSPACE:a}%{DATA:b}x", "wildcards"),
        ("X ^%{DATA:a}(?: )?%{GREEDYDATA:b}$", "wildcards"),
        ("X ^(?:%{WORD:a}|%{INT:b}|%{WORD:a})$", "unreachable"),
        ("X ^(?<a>GET|GETALL)", "unreachable"),
        ("X ^%{INT:n} %{DATA:text}", "lazy-end"),
        ("X ^%{INT:n:integer}$", "type"),
        ("WORD ^%{INT:n}$", "shadows"),
        ("X ^%{INT:n}$\nX ^%{WORD:n}$", "shadows"),
        ("HELPER \\d+", "unused"),
    ],
)
def test_each_mistake_is_found_where_it_is(tmp_path, definition, rule):
    last = definition.count("\n") + 1
    assert rules(tmp_path, definition + "\n") == [(last, rule)]


def test_hiding_a_bundled_definition_is_a_note_and_hiding_an_own_one_is_not(tmp_path):
    found = found_in(tmp_path, "USER x\nA ^%{USER:a}$\nA ^(?<b>x)$\n")
    assert [(each.name, each.is_note) for each in found] == [("USER", True), ("A", False)]


def test_only_the_innermost_dangerous_definition_is_blamed(tmp_path):
    found = found_in(tmp_path, "INNER (?:\\w+,?)+\nOUTER ^%{INNER:list}$\n")
    assert [(each.name, each.rule) for each in found] == [("INNER", "exponential")]


def test_an_expression_behind_one_that_matches_everything_is_never_tried(tmp_path):
    text = "A ^%{GREEDYDATA:a}\nB ^%{INT:b}$\n"
    found = found_in(tmp_path, text, ["%{A}", "%{B}"])
    assert [(each.name, each.rule) for each in found] == [("%{B}", "unreachable")]
    assert found_in(tmp_path, text, ["%{B}", "%{A}"]) == []


def test_with_expressions_that_are_tried_whatever_they_do_not_use_is_unused(tmp_path):
    assert rules(tmp_path, "A ^%{INT:a}$\nB ^%{INT:b}$\n", ["%{A}"]) == [(2, "unused")]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("^(?:a|a|aa)+$", "a"),
        ("^(?:a|a)*$", "a"),
        ("^(?:a+b?)*$", "a"),
        ("^(?:a?b?)*$", "ab"),
        (r"^(?:\d{1,3})*$", "1"),
        (r"^(?:\\.|[^\"!])*$", "\\a"),
        ("^(?:(?i:a)|A)+$", "A"),
        (r"^(?:\w+\s*)+$", "a"),
        ("^(?:x*)(?:[^!]*,?)*$", ","),
        ("^(?:[a-z]+|[a-y]z?)*$", "y"),
    ],
)
def test_what_is_called_exponential_is(expression, text):
    regex = translate(expression).regex
    assert is_exponential(regex)
    grok = Library.from_definitions({}).compile(expression)
    with pytest.raises(MatchTimeout), time_limit(0.3):
        grok.match(text * 40 + '!"')


@pytest.mark.parametrize(
    "expression",
    [
        "^(?:a+b)*$",
        "^(?>a+b?)*$",
        r"^(?:\d{4})*$",
        r"^(?:\.[a-z]{0,62})*$",
        r"^(?:\\.|[^\\\"])*$",
        r"^(?:[^,]*,)*$",
        "^(?:ab|ac)*$",
        "^(?:a|ab)*$",
        "^(?:a+)+$",
    ],
)
def test_what_is_not_called_exponential_fails_fast(expression):
    regex = translate(expression).regex
    assert not is_exponential(regex)
    grok = Library.from_definitions({}).compile(expression)
    for text in ("a", "ab", "1", ".a", "\\a", ",", "ac"):
        began = time.monotonic()
        grok.match(text * 300 + "\x00!")
        assert time.monotonic() - began < 1


def test_the_installed_patterns_and_pipelines_need_no_repair(capsys):
    assert execute(["grok", "lint", "--json"]) == 0
    assert all(each["is_note"] for each in json.loads(capsys.readouterr().out))


def test_findings_are_shown_with_file_line_name_and_what_to_do(tmp_path, capsys):
    path = tmp_path / "own.grok"
    path.write_text("FINE ^%{INT:a}$\nBAD %{INT:a} \x1b$\n")
    assert execute(["grok", "lint", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}:2: unanchored: BAD: ")
    assert "\x1b" not in out
    assert "Begin it with ^" in out
    assert err == "1 to repair, 0 notes.\n"
    path.write_text("FINE ^%{INT:a}$\n")
    assert execute(["grok", "lint", str(tmp_path)]) == 0
    path.write_text("NAME_ALONE\n")
    assert execute(["grok", "lint", str(tmp_path)]) == 2


def test_the_folders_of_a_configuration_are_looked_at(tmp_path, capsys):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.grok").write_text("MINE %{INT:a}\n")
    (tmp_path / "shipper.yml").write_text(
        f"state: {tmp_path}/state\npatterns_dir: {tmp_path}/own\n"
        f"inputs: [{{name: a, paths: [{tmp_path}/*.log], pipeline: raw}}]\n"
    )
    assert execute(["grok", "lint", "--json", "-c", str(tmp_path / "shipper.yml")]) == 0
    names = {each["name"]: each["rule"] for each in json.loads(capsys.readouterr().out)}
    assert names["MINE"] == "unused"
