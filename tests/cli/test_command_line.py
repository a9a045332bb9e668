"""What all commands have in common: how a refusal of the operating system looks, and what scripts get from it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.logs import numbered, write

from shipper.cli import execute
from shipper.errors import Exit


@pytest.fixture
def configuration(tmp_path):
    write(tmp_path / "logs" / "a.log", *numbered(0, 3))
    path = tmp_path / "shipper.yml"
    path.write_text("host: dtn01.example.org\nstate: state\ninputs: [{name: a, paths: [logs/*], pipeline: raw}]\n")
    return path


def test_a_state_that_is_a_file_ends_every_command_with_one_sentence(configuration, capsys, tmp_path):
    (tmp_path / "state").write_text("a file of somebody else")

    for command in (["run", "--once"], ["status"], ["dead-letters", "list"]):
        assert execute([*command, "-c", str(configuration)]) == Exit.UNFINISHED
        answer = capsys.readouterr()
        assert answer.out == ""
        assert answer.err.startswith(f"shipper: {tmp_path / 'state'}")
        assert answer.err.count("\n") == 1
    assert (tmp_path / "state").read_text() == "a file of somebody else"


@pytest.mark.parametrize("command", [["status"], ["run", "--once", "--json"], ["audit", "--json"], ["check"]])
def test_a_full_disk_under_the_answer_is_told_and_is_no_finding(configuration, command):
    assert execute(["run", "--once", "-c", str(configuration)]) == Exit.CLEAN
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "shipper", *command, "-c", configuration], env=buffered,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "shipper: No space left on device."
    assert "Traceback" not in done.stderr
    assert done.returncode == Exit.UNFINISHED


def test_a_mistake_of_an_input_is_told_with_its_key_and_with_the_command_that_knows_the_line(tmp_path, capsys):
    configuration = tmp_path / "shipper.yml"
    configuration.write_text(
        "host: dtn01.example.org\nstate: state\ninputs:\n- {name: a, paths: [a], pipeline: raw}\n"
        "- {name: b, paths: [b], pipeline: rwa}\n"
    )
    for command in ("run", "audit"):
        assert execute([command, "-c", str(configuration)]) == Exit.USAGE
        told = capsys.readouterr().err
        assert told.startswith("shipper: inputs.1.pipeline: There is no pipeline 'rwa'; there are ")
        assert told.endswith(
            "Did you mean 'raw'?\nshipper: `shipper check` with this configuration tells file and line.\n"
        )
    assert execute(["parse", "--pipeline", "rwa"]) == Exit.USAGE
    assert "shipper check" not in capsys.readouterr().err
