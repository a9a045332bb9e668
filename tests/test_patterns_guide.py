"""The guide for pattern writers: what it shows is what happens, and it shows real lines."""

import os
import re
import sys
from pathlib import Path

import pytest
from support.transcript import commands_in, differs, run_session

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "patterns.md"
LOG = ROOT / "tests" / "samples" / "storm" / "storm-webdav-server.log"


@pytest.mark.slow
def test_every_command_of_the_guide_prints_what_it_shows(tmp_path):
    commands = commands_in(GUIDE.read_text())
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
    }
    outputs = run_session(commands, folder=tmp_path, environment=environment)
    assert len(outputs) == len(commands)
    for command, (printed, code) in zip(commands, outputs, strict=True):
        # A command whose output is not shown has nothing to say, and nothing to complain of.
        expected = {0} if not command.expected else {0, 1, 2}
        assert code in expected, f"$ {command.text}\n{printed}\nended with exit code {code}"
        assert not (problem := differs(command.expected, printed)), f"$ {command.text}\n{problem}"


def test_every_command_of_the_guide_is_one_that_the_test_runs():
    languages = set(re.findall(r"^```(\S*)$", GUIDE.read_text(), re.MULTILINE)) - {""}
    assert languages == {"console"}


def test_the_guide_shows_each_tool_that_pattern_writers_need():
    texts = " ".join(command.text for command in commands_in(GUIDE.read_text()))
    for tool in (
        *("grok list", "grok suggest", "grok test", "grok explain", "grok coverage", "grok lint", "grok show"),
        *("parse", "check", "run", "reload", "status", "reparse", "audit"),
    ):
        assert f"shipper {tool}" in texts


def test_the_lines_of_the_guide_are_lines_that_a_program_wrote():
    (log,) = [command.text for command in commands_in(GUIDE.read_text()) if "cat > logs/" in command.text]
    written = set(LOG.read_text().splitlines())
    assert set(log.splitlines()[1:-1]) <= written
