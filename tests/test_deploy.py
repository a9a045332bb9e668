"""What stands in deploy/ works: the quickstart in good and in bad circumstances, the examples, files for clusters."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shipper.cli import execute
from shipper.config import load
from shipper.events_log import EventsLog, silent
from shipper.parse.definition import load_pipeline
from shipper.reload.definitions import load_pipelines
from shipper.send.connection import Connection
from shipper.send.setup import Setup
from shipper.start import datasets

ROOT = Path(__file__).resolve().parent.parent
QUICKSTART = ROOT / "deploy" / "quickstart.sh"
SCRIPTS = [QUICKSTART, ROOT / "tests" / "run.sh"]
EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yml"))
NOT_IN_A_CLONE = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", "*.egg-info", "build", "dist")


@pytest.fixture
def clone(tmp_path):
    """The sources as a fresh clone would have them."""
    copy = tmp_path / "clone"
    shutil.copytree(ROOT, copy, ignore=NOT_IN_A_CLONE)
    return copy


def program(folder, name, script):
    """A program that stands in for another one."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def quickstart(clone, *, path=None, **variables):
    environment = {"PATH": path or os.environ["PATH"], "HOME": str(clone), **variables}
    command = ["sh", clone / "deploy" / "quickstart.sh"]
    return subprocess.run(command, cwd=clone.parent, env=environment, capture_output=True, text=True, check=False)


def machine_with_python(tmp_path, script):
    """A PATH on which the only Python is the given script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("dirname", "cat", "rm"):
        (folder / tool).symlink_to(shutil.which(tool))
    program(folder, "python3", script)
    (folder / "sh").symlink_to(shutil.which("sh"))
    return str(folder)


def test_an_old_python_is_refused_with_a_sentence(clone, tmp_path):
    old = 'case "$1" in --version) echo Python 3.9.18;; *) exit 1;; esac'
    answer = quickstart(clone, path=machine_with_python(tmp_path, old))
    assert answer.returncode == 1
    assert "shipper needs Python 3.11 or newer, and this machine has Python 3.9.18." in answer.stderr
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_is_refused_with_the_remedy(clone, tmp_path):
    bare = f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    answer = quickstart(clone, path=machine_with_python(tmp_path, bare))
    assert answer.returncode == 1
    assert "apt-get install python3-venv" in answer.stderr
    assert not (clone / ".venv").exists()


def test_a_chosen_python_that_does_not_exist_is_named(clone):
    answer = quickstart(clone, PYTHON="/no/such/python")
    assert answer.returncode == 1
    assert "PYTHON is set to /no/such/python" in answer.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_plain_shell(script):
    answer = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_the_machine_check_runs_the_whole_suite():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert "tests/run.sh" in run.read_text()


@pytest.mark.slow
def test_the_quickstart_installs_and_ends_with_the_demo(clone):
    answer = quickstart(clone, PYTHON=sys.executable)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "All promises kept" in answer.stdout
    assert (clone / ".venv" / "bin" / "shipper").is_file()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_configurations_whose_pipelines_load(example):
    settings = load(example)
    for item in settings.inputs:
        assert load_pipeline(item.pipeline, item).name == item.pipeline
    assert len(settings.inputs) > 3


ELASTICSEARCH = ROOT / "deploy" / "elasticsearch"
MADE_BY = "shipper setup -c deploy/elasticsearch/shipper.yml --print --folder deploy/elasticsearch"


def requests_in(folder):
    """What stands in each file, by its name."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob("_*/**/*.json"))}


def test_the_files_for_elasticsearch_are_what_setup_prints_now(tmp_path):
    assert execute(["setup", "-c", str(ELASTICSEARCH / "shipper.yml"), "--print", "--folder", str(tmp_path)]) == 0
    made, here = requests_in(tmp_path), requests_in(ELASTICSEARCH)
    differing = [name for name in sorted({*made, *here}) if made.get(name) != here.get(name)]
    assert differing == [], f"make them anew: {MADE_BY}"
    assert MADE_BY in (ELASTICSEARCH / "README.md").read_text()


def test_there_are_files_for_every_pipeline_that_comes_with_shipper():
    shipped = {path.stem for path in (ROOT / "pipelines").glob("*.yml")}
    assert {item.name for item in load(ELASTICSEARCH / "shipper.yml").inputs} == shipped


def test_what_has_a_retention_gets_a_policy_and_a_template_that_names_it(tmp_path):
    file = tmp_path / "shipper.yml"
    text = (ELASTICSEARCH / "shipper.yml").read_text()
    file.write_text(text.replace("{hosts:", "{retention: 90d, hosts:"))
    assert execute(["setup", "-c", str(file), "--print", "--folder", str(tmp_path)]) == 0
    made = {name: json.loads(body) for name, body in requests_in(tmp_path).items()}
    policy = made["_ilm/policy/shipper-tstat.tcp-default.json"]["policy"]
    assert policy["phases"]["delete"]["min_age"] == "121d", "the length of a month is added"
    settings = made["_index_template/shipper-tstat.tcp-default.json"]["template"]["settings"]
    assert settings["index.lifecycle.name"] == "shipper-tstat.tcp-default"
    suspect = made["_index_template/shipper-tstat.tcp-default-suspect.json"]["template"]["settings"]
    assert "index.lifecycle.name" not in suspect


def test_an_administrator_with_nothing_but_curl_installs_what_the_agent_waits_for(elasticsearch, tmp_path):
    """The commands of the page, on a node without security: all but the roles."""
    shutil.copytree(ELASTICSEARCH, tmp_path / "deploy" / "elasticsearch")
    shutil.rmtree(tmp_path / "deploy" / "elasticsearch" / "_security")
    loop = re.findall(r"```sh\n(.*?)```", (ELASTICSEARCH / "README.md").read_text(), re.DOTALL)[0]
    environment = {**os.environ, "ES_URL": elasticsearch.url, "ES_USER": "nobody:nothing"}
    done = subprocess.run(
        ["sh", "-eu", "-c", loop], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count('{"acknowledged":true}') == len(list(ELASTICSEARCH.glob("_index_template/*.json")))
    file = tmp_path / "shipper.yml"
    file.write_text((ELASTICSEARCH / "shipper.yml").read_text().replace("http://127.0.0.1:9200", elasticsearch.url))
    settings = load(file)
    with closing(Connection(settings.output)) as connection:
        shipped = datasets(settings, load_pipelines(settings))
        assert Setup(connection, shipped, EventsLog(silent)).missing() == []
