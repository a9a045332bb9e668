"""`shipper demo` as a user meets it: what it shows, what it refuses, and the whole of it once."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from shipper import cli
from shipper.cli.stage import Stage
from shipper.demo.story import Growth


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=100, highlight=False, markup=False)


def shown_by(console):
    return console.file.getvalue()


def test_steps_are_numbered_and_promises_are_ticked(console):
    with Stage(console) as stage:
        stage.step("It begins")
        stage.kept("nothing was lost")
        stage.step("It ends")
    assert " ".join(shown_by(console).split()) == "1. It begins ✓ nothing was lost 2. It ends"


def test_off_a_terminal_only_the_last_growth_of_a_step_is_shown(console):
    with Stage(console) as stage:
        for lines in range(5):
            stage.growth([Growth("gridftp", Path("logs/gridftp-transfer.log"), lines + 100, lines)])
    assert shown_by(console).splitlines()[1].split() == ["gridftp", "logs/gridftp-transfer.log", "104", "4"]
    assert "103" not in shown_by(console)


def test_text_from_logs_is_shown_as_it_is(console):
    with Stage(console) as stage:
        stage.printed("shipper audit", "[bold]no markup[/bold]\n" + "line\n" * 30)
    assert "[bold]no markup[/bold]" in shown_by(console)
    assert "… and 17 more lines" in shown_by(console)


def test_a_folder_that_is_not_empty_is_refused(tmp_path, capsys):
    (tmp_path / "precious").write_text("")
    assert cli.execute(["demo", "--keep", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.slow
def test_the_whole_demo_keeps_its_promises_within_a_minute(tmp_path):
    folder = tmp_path / "kept"
    command = [sys.executable, "-m", "shipper", "demo", "--keep", folder]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "All promises kept" in answer.stdout
    assert answer.stdout.count("✓ closed: ") == 2
    assert (folder / "index.db").is_file()
