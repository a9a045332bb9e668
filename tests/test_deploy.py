"""What stands in deploy/ works: the quickstart in good and in bad circumstances, the example configurations."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.config import load
from shipper.parse.definition import load_pipeline

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
