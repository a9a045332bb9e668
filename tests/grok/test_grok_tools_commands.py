"""`shipper grok list`, `show` and `explain` as a person and a program see them, and the bar of `coverage`."""

import io
import json
import sys

import click
import pytest

from shipper import cli
from shipper.cli import execute
from shipper.cli.grok import COMMANDS
from shipper.grok import Library
from shipper.grok.usage import shown, users


def test_list_shows_the_names_that_contain_a_part_with_their_files(capsys):
    assert execute(["grok", "list", "httpdate"]) == 0
    out, err = capsys.readouterr()
    name, file, definition = out.splitlines()[1].split(None, 2)
    assert (name, file.split(":")[0]) == ("HTTPDATE", "grok-patterns")
    assert definition.startswith("%{MONTHDAY}/%{MONTH}/%{YEAR}")
    assert err == "1 pattern.\n"


def test_list_without_a_part_lists_all_and_json_is_one_document(capsys):
    assert execute(["grok", "list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    names = [entry["name"] for entry in entries]
    assert names == sorted(names)
    assert {"IP", "GRIDFTP_TRANSFER", "STORM_HEARTBEAT"} <= set(names)
    assert all(entry["file"] and entry["line"] and entry["definition"] for entry in entries)


def test_list_of_nothing_has_exit_code_one(capsys):
    assert execute(["grok", "list", "no such name"]) == 1
    assert execute(["grok", "list", "--json", "no such name"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == []


def test_show_says_definition_fields_users_and_what_is_hidden(tmp_path, capsys):
    own = tmp_path / "own.grok"
    own.write_text("# mine\nUSER [a-z]+\nMINE ^%{USER:name} %{INT:n:int} (?<rest>.*)%{IP:[a][b]:foo}\n")
    assert execute(["grok", "show", "--patterns", str(own), "--json", "MINE"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["file"], found["line"]) == (str(own), 3)
    assert "%{" not in found["expansion"]
    types = {field["name"]: (field["type"], field["pattern"], field["in"]) for field in found["fields"]}
    assert types == {
        "name": (None, "USER", "MINE"),
        "n": ("int", "INT", "MINE"),
        "rest": (None, None, "MINE"),
        "[a][b]": ("foo", "IP", "MINE"),
    }
    assert found["uses"] == ["USER", "INT", "IP"]
    assert execute(["grok", "show", "--patterns", str(own), "USER"]) == 0
    out = capsys.readouterr().out
    assert "MINE" in next(line for line in out.splitlines() if line.startswith("used by"))
    assert next(line for line in out.splitlines() if line.startswith("hides")).split()[1] == "%{USERNAME}"


def test_show_says_how_the_type_of_a_field_comes(tmp_path, capsys):
    own = tmp_path / "own.grok"
    own.write_text("MINE %{INT:n:int} %{IP:x:foo} %{WORD:w}\n")
    assert execute(["grok", "show", "--patterns", str(own), "MINE"]) == 0
    fields = [line for line in capsys.readouterr().out.splitlines() if line.startswith("field")]
    assert ["int: written as :int" in fields[0], "'foo' is no type" in fields[1], "text" in fields[2]] == [True] * 3


def test_show_says_which_pipelines_use_a_pattern(capsys):
    assert execute(["grok", "show", "--json", "%{GRIDFTP_TRANSFER}"]) == 0
    assert json.loads(capsys.readouterr().out)["pipelines"] == ["gridftp-session", "gridftp-transfer"]


def test_a_name_that_does_not_exist_is_refused_with_those_that_are_near(capsys):
    assert execute(["grok", "show", "GRIDFTP_TRANS"]) == 2
    assert "GRIDFTP_TRANSFER" in capsys.readouterr().err


def test_every_definition_can_be_shown():
    library = Library.load()
    for name in library:
        found = shown(library, name)
        assert {user.name for user in found.used_by} == {user.name for user in users(library, name)}
        assert len(found.fields) == len(library.compile(f"%{{{name}}}").captures)


def test_explain_puts_a_caret_under_the_place(capsys):
    assert execute(["grok", "explain", "^%{INT:n} is %{WORD:w}$", "12 is 日本 x\x1b[31m"]) == 1
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[1] == "line       12 is 日本 x\\x1b[31m"
    assert lines[2].index("^") == lines[1].index("日")
    assert "fails      %{WORD:w}" in lines
    assert "instead    '日本 x\\x1b[31m'" in lines
    assert "\x1b" not in out


def test_the_caret_counts_columns_of_wide_characters(capsys):
    assert execute(["grok", "explain", "^日本x", "日本y"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == " " * (len("line       ") + 4) + "^"


def test_a_long_line_is_shown_around_the_place(capsys):
    line = "a" * 500 + "1" + "b" * 500
    assert execute(["grok", "explain", "^a+$", line]) == 1
    shown_line, caret = capsys.readouterr().out.splitlines()[1:3]
    assert shown_line.startswith("line       …aaa")
    assert shown_line.endswith("b…")
    assert shown_line[caret.index("^")] == "1"


def test_explain_as_json_has_every_alternative_the_furthest_first(capsys):
    line = "[2026-11-22 00:25:22,025]; x"
    assert execute(["grok", "explain", "--json", "--pipeline", "storm-heartbeat", line]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["matches"] is False
    first = document["explanations"][0]
    assert (first["failing"], first["found"]) == (r"\]:", "]; x")
    assert (first["end"], first["place"]) == (24, 25)


def test_a_line_that_matches_is_said_to_match(capsys):
    assert execute(["grok", "explain", "%{INT:n}", "a 5"]) == 0
    assert "The expression matches, from character 2 to 3." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["x"], ["x", "a", "b"], ["%{NOPE}", "a"], ["--pipeline", "nonsense", "a"]])
def test_explain_with_wrong_arguments_is_a_usage_error(arguments, capsys):
    assert execute(["grok", "explain", *arguments]) == 2
    assert capsys.readouterr().err


def test_an_explanation_that_takes_too_long_is_given_up(capsys):
    assert execute(["grok", "explain", "--timeout", "0.05", "^(?:a|a|aa)+$", "a" * 60 + "b"]) == 3
    assert "longer than 0.05 s" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_coverage_shows_a_bar_over_the_bytes_on_a_terminal_only(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.log"
    path.write_text("1\n" * 300_000)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert execute(["grok", "coverage", "^%{INT:n}$", str(path)]) == 0
    assert "100 %" in terminal.getvalue()
    assert "600.0/600.0 kB" in terminal.getvalue()
    silent = io.StringIO()
    monkeypatch.setattr(sys, "stderr", silent)
    assert execute(["grok", "coverage", "^%{INT:n}$", str(path)]) == 0
    assert silent.getvalue() == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_says_what_its_exit_codes_mean(name):
    group = cli.shipper.get_command(click.Context(cli.shipper), "grok")
    command = group.get_command(click.Context(group), name)
    assert "Exit code: 0" in " ".join(command.help.split())


def test_the_rules_of_lint_are_listed_one_a_line(capsys):
    assert execute(["grok", "lint", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rules = ("wrong", "exponential", "unanchored", "wildcards", "unreachable", "lazy-end", "type", "shadows", "unused")
    assert [line.split()[0] for line in lines if line.split()[:1] and line.split()[0] in rules] == list(rules)


def test_the_patterns_and_pipelines_of_a_configuration_are_tried_where_they_are(tmp_path, capsys):
    for name, text in (
        ("shipper.yml", "host: a.example.org\nstate: state\npatterns_dir: p\npipelines_dir: q\ninputs:\n"),
        ("p/own.grok", "OWN ^own %{INT:own.number}$\n"),
        (
            "q/own.yml",
            "dataset: own\nparse: [{grok: ['%{OWN}']}]\ntimestamp: {field: own.number, formats: [epoch_s]}\n",
        ),
        ("own.log", "own 42\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with (tmp_path / "shipper.yml").open("a") as file:
        file.write("- {name: own, paths: [own.log], pipeline: own}\n")
    words = ["-c", str(tmp_path / "shipper.yml"), "--pipeline", "own"]

    assert execute(["grok", "test", *words, str(tmp_path / "own.log")]) == 0
    assert '{"own.number": "42"}' in capsys.readouterr().out
    assert execute(["grok", "coverage", *words, str(tmp_path / "own.log")]) == 0
    assert execute(["grok", "explain", *words, "own x"]) == 1
    assert execute(["grok", "test", "--pipeline", "own", str(tmp_path / "own.log")]) == 2
    assert execute(["grok", "list", *words[:2], "OWN"]) == 0
    capsys.readouterr()
    assert execute(["grok", "show", *words[:2], "OWN", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pipelines"] == ["own"]
