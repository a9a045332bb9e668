"""`shipper check` on real files."""

import json
import os

import pytest
from support.permissions import file_permissions_hold

from shipper.cli import execute
from shipper.errors import Exit
from shipper.send.sqlite import SQLiteOutput

HEAD = "host: dtn01.example.org\nstate: state\n"
INPUT = "inputs:\n- {name: app, paths: [logs/*.log], pipeline: raw}\n"
PIPELINE = """
dataset: own.log
parse:
  - grok: ['%{WORD:own.word} %{INT:own.number:int}']
timestamp: {field: own.word, formats: [iso8601], timezone: UTC}
samples: own.samples.yml
"""
SAMPLE = """
- text: 'hello 42'
  expect:
    '@timestamp': '1970-01-01T00:00:00Z'
    own: {word: hello, number: 42}
    tags: [_timestamp_inherited, _timestamp_suspect]
"""


@pytest.fixture
def check(tmp_path, capsys):
    def call(text, *options):
        path = tmp_path / "shipper.yml"
        path.write_text(text)
        code = execute(["check", "-c", str(path), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return call


def own_pipeline(folder, definition=PIPELINE, sample=SAMPLE):
    (folder / "own").mkdir()
    (folder / "own" / "own.yml").write_text(definition)
    if sample is not None:
        (folder / "own" / "own.samples.yml").write_text(sample)
    return HEAD + "pipelines_dir: own\ninputs:\n- {name: app, paths: [logs/*.log], pipeline: own}\n"


def test_a_right_configuration_is_clean_and_nothing_is_made(check, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").touch()
    code, answer = check(HEAD + INPUT)
    assert (code, answer["verdict"], answer["problems"], answer["warnings"]) == (Exit.CLEAN, "clean", [], [])
    (found,) = answer["inputs"]
    assert (found["name"], found["pipeline"], found["files"]) == ("app", "raw", 1)
    assert len(found["version"]) == 16
    assert not (tmp_path / "state").exists()


def test_an_input_without_the_time_zone_that_its_pipeline_needs_is_named_with_its_line(check, tmp_path):
    text = HEAD + "inputs:\n- {name: a, paths: [x], pipeline: raw}\n- {name: b, paths: [y], pipeline: storm-backend}\n"
    code, answer = check(text)
    (problem,) = answer["problems"]
    assert (code, problem["file"], problem["line"]) == (Exit.USAGE, str(tmp_path / "shipper.yml"), 5)
    assert problem["message"].startswith("Input 'b': times that the pipeline 'storm-backend' reads have no zone")


@pytest.mark.parametrize(
    ("pipeline", "ignored"),
    [
        ("tstat-udp", True),
        ("tstat-tcp", True),
        ("gridftp-session", False),
        ("storm-backend", False),
        ("storm-heartbeat", False),
        ("raw", False),
    ],
)
def test_a_time_zone_that_changes_nothing_is_a_warning(check, pipeline, ignored):
    text = f"inputs:\n- {{name: app, paths: [logs/*.log], pipeline: {pipeline}, timezone: Europe/Rome}}\n"
    code, answer = check(HEAD + text)
    assert code == (Exit.FINDINGS if ignored else Exit.CLEAN)
    assert [f"says timezone 'Europe/Rome', which changes nothing: all times of the pipeline '{pipeline}'" in warning
            for warning in answer["warnings"]] == [True] * ignored  # fmt: skip


def test_a_folder_that_this_user_may_not_look_into_is_a_warning(check, tmp_path):
    (tmp_path / "logs").mkdir()
    with file_permissions_hold():
        (tmp_path / "logs").chmod(0)
        code, answer = check(HEAD + INPUT)
        (tmp_path / "logs").chmod(0o700)
    (warning,) = answer["warnings"]
    assert code == Exit.FINDINGS
    problem = f"{tmp_path}/logs: Permission denied"
    assert warning.startswith(f"This user may not look into a folder of the input 'app': {problem}. If the agent")


def test_a_file_that_this_user_may_not_read_is_a_warning(check, tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    for name in ("a.log", "b.log"):
        (tmp_path / "logs" / name).touch()
    monkeypatch.setattr(os, "access", lambda path, mode: not (str(path).endswith("b.log") and mode == os.R_OK))
    code, answer = check(HEAD + INPUT)
    (warning,) = answer["warnings"]
    assert code == Exit.FINDINGS
    assert warning.startswith("This user may not read 1 of 2 files that the input 'app' matches")
    assert str(tmp_path / "logs" / "b.log") in warning


def test_three_mistakes_give_three_messages_with_lines_and_code_2(tmp_path, capsys):
    path = tmp_path / "shipper.yml"
    path.write_text(
        "host: localhost\nmemory: 64 lemons\ninputs:\n- {name: a, paths: [x], pipelin: raw, pipeline: raw}\n"
    )
    assert execute(["check", "-c", str(path)]) == Exit.USAGE
    lines = capsys.readouterr().err.splitlines()
    assert [line.removeprefix(str(path)).split(" ")[0] for line in lines] == [":1:", ":2:", ":4:", ":"]
    assert lines[3].endswith("3 mistakes.")


def test_mistakes_are_told_as_json_too(check):
    code, answer = check("host: localhost\n" + INPUT)
    assert (code, answer["verdict"]) == (Exit.USAGE, "mistakes")
    (problem,) = answer["problems"]
    assert (problem["line"], problem["key"]) == (1, "host")


def test_mistakes_of_all_inputs_come_together_with_the_place_that_asks_for_them(check, tmp_path):
    text = HEAD + (
        "inputs:\n- {name: a, paths: [x], pipeline: nothing}\n- name: b\n  paths: [y]\n  pipeline: gridftp\n"
        "- {name: c, paths: [z], pipeline: raw}\n"
    )
    code, answer = check(text)
    assert code == Exit.USAGE
    assert [(p["file"], p["line"], p["key"]) for p in answer["problems"]] == [
        (str(tmp_path / "shipper.yml"), 4, "inputs.0.pipeline"),
        (str(tmp_path / "shipper.yml"), 7, "inputs.1.pipeline"),
    ]
    assert [item["name"] for item in answer["inputs"]] == ["c"]


def test_a_mistake_in_a_pipeline_is_told_with_its_file_and_line(check, tmp_path):
    code, answer = check(own_pipeline(tmp_path, PIPELINE.replace("%{WORD:", "%{WORT:")))
    assert code == Exit.USAGE
    problem = answer["problems"][0]
    assert (problem["file"], problem["line"]) == (str(tmp_path / "own" / "own.yml"), 4)
    assert "WORT" in problem["message"]


def test_a_sample_that_comes_out_otherwise_is_a_mistake(check, tmp_path):
    text = own_pipeline(tmp_path)
    assert check(text)[0] == Exit.CLEAN
    (tmp_path / "own" / "own.samples.yml").write_text(SAMPLE.replace("number: 42", "number: 43"))
    code, answer = check(text)
    assert code == Exit.USAGE
    (problem,) = answer["problems"]
    assert (problem["file"], problem["line"]) == (str(tmp_path / "own" / "own.samples.yml"), 2)
    assert "own.number = 42, expected is 43" in problem["message"]


def test_a_pipeline_without_samples_is_a_mistake(check, tmp_path):
    code, answer = check(own_pipeline(tmp_path, sample=None))
    assert code == Exit.USAGE
    assert "own.samples.yml" in str(answer["problems"])


def test_a_file_that_two_inputs_match_is_a_warning(check, tmp_path):
    (tmp_path / "logs").mkdir()
    for name in ("a.log", "b.log", "c.txt"):
        (tmp_path / "logs" / name).write_text(name)
    text = HEAD + INPUT + "- {name: all, paths: [logs/*], pipeline: raw}\n"
    code, answer = check(text)
    assert (code, answer["verdict"]) == (Exit.FINDINGS, "warnings")
    (warning,) = answer["warnings"]
    assert warning.startswith("The inputs 'all' and 'app' both match 2 files, for example ")
    assert f"{tmp_path}/logs/a.log" in warning
    code, _ = check(text.replace("pipeline: raw}\n- {name: all", "pipeline: raw}\n- {exclude: ['*.log'], name: all"))
    assert code == Exit.CLEAN


def test_the_output_is_asked_only_when_wanted(check, tmp_path):
    output = SQLiteOutput(tmp_path / "state" / "index.db")
    assert check(HEAD + INPUT)[1]["output"] == {"identity": None, "problem": None}
    code, answer = check(HEAD + INPUT, "--connect")
    assert (code, answer["output"]) == (Exit.CLEAN, {"identity": output.identity, "problem": None})
    output.close()


def test_a_database_that_is_not_there_yet_is_not_made_by_looking(check, tmp_path):
    code, answer = check(HEAD + INPUT, "--connect")
    assert code == Exit.CLEAN
    assert answer["output"]["identity"].startswith("sqlite: to be made at ")
    assert not (tmp_path / "state").exists()


def test_a_database_that_cannot_be_made_is_told(check, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    code, answer = check(HEAD + INPUT, "--connect")
    assert (code, answer["verdict"]) == (Exit.UNFINISHED, "output unusable")
    assert "may not make it" in answer["output"]["problem"]


def test_a_file_that_is_no_database_is_told(check, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "index.db").write_bytes(b"no database, but long enough to be taken for one " * 99)
    code, answer = check(HEAD + INPUT, "--connect")
    assert code == Exit.UNFINISHED
    assert "index.db" in answer["output"]["problem"]


def test_a_cluster_that_is_away_is_told(check):
    text = HEAD + INPUT + "output: {elasticsearch: {hosts: ['http://127.0.0.1:9'], deadline: 1s}}\n"
    code, answer = check(text, "--connect")
    assert code == Exit.UNFINISHED
    assert answer["output"]["problem"]


def test_show_prints_what_is_in_force_and_where_it_was_written(check, tmp_path, capsys):
    _, answer = check(HEAD + INPUT, "--show")
    rows = {row["key"]: (row["value"], row["origin"]) for row in answer["settings"]}
    assert rows["state"] == (str(tmp_path / "state"), f"{tmp_path}/shipper.yml:2")
    assert rows["memory"] == ("32MiB", "default")
    assert execute(["check", "-c", str(tmp_path / "shipper.yml"), "--show"]) == Exit.CLEAN
    assert "memory: 32MiB  # default" in capsys.readouterr().out.splitlines()
