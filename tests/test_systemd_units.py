"""The units in deploy/systemd: systemd understands them, they start what exists, and may do no more than needed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.cli import DEFAULT_CONFIGURATION, execute
from shipper.errors import Exit

ROOT = Path(__file__).resolve().parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/shipper/bin/shipper"
SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    SYSTEMD is None, reason="systemd-analyze is not installed: nothing says that systemd understands the units"
)


def settings_of(unit):
    """Key -> values, in order."""
    found = {}
    for line in unit.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def commands_of(unit):
    settings = settings_of(unit)
    return [shlex.split(line) for key in ("ExecStart", "ExecReload") for line in settings.get(key, [])]


@pytest.fixture
def installed(tmp_path):
    """The units as they would be on a host where the program is installed here."""
    program = Path(sys.executable).with_name("shipper")
    assert program.is_file()
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    return tmp_path


def analyze(*words):
    return subprocess.run([SYSTEMD, *words], capture_output=True, text=True, check=False, timeout=60)


def test_there_are_an_agent_and_a_nightly_audit():
    assert [unit.name for unit in UNITS] == ["shipper-audit.service", "shipper-audit.timer", "shipper.service"]


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_line(installed, unit):
    answer = analyze("verify", "--man=no", installed / unit.name)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


@needs_systemd
def test_a_line_that_systemd_does_not_understand_is_noticed(installed):
    unit = installed / "shipper.service"
    unit.write_text(unit.read_text().replace("Nice=", "Nicee="))
    assert "Nicee" in analyze("verify", "--man=no", unit).stderr


@needs_systemd
@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_services_are_hardly_exposed(installed, service):
    answer = analyze("security", "--offline=yes", "--threshold=20", installed / service.name)
    assert answer.returncode == 0, answer.stdout[-300:] + answer.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_every_line_is_a_section_a_setting_or_a_comment(unit):
    line = re.compile(r"\[(Unit|Service|Timer|Install)\]|[A-Z]\w+=.*|#.*|")
    assert [each for each in unit.read_text().splitlines() if not line.fullmatch(each)] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_commands_are_ours_with_options_that_exist(service, capsys):
    commands = commands_of(service)
    assert commands
    for program, *words in commands:
        assert program == PROGRAM
        assert words[-2:] == ["-c", DEFAULT_CONFIGURATION]
        assert execute([*words, "--help"]) == Exit.CLEAN
        assert execute([*words[:-1], "/no/such/file"]) == Exit.USAGE
        assert "/no/such/file" in capsys.readouterr().err


def test_the_agent_is_nice_to_the_host_and_is_restarted_when_it_hangs_or_fails():
    settings = settings_of(ROOT / "deploy" / "systemd" / "shipper.service")
    assert settings["Type"] == ["notify"]
    assert {"WatchdogSec", "Nice", "IOSchedulingClass", "MemoryMax", "StateDirectory", "LimitNOFILE"} <= settings.keys()
    assert settings["Restart"] == ["on-failure"]
    assert settings["RestartPreventExitStatus"] == [str(int(Exit.USAGE))]
    assert settings["TimeoutStartSec"] == ["infinity"], "it is ready only when the output has answered"


def test_agent_and_audit_are_confined_alike():
    agent, audit = (
        settings_of(ROOT / "deploy" / "systemd" / f"{name}.service") for name in ("shipper", "shipper-audit")
    )
    confining = {
        key
        for key in agent
        if key.startswith(("Protect", "Private", "Restrict", "SystemCall", "Capability", "NoNew", "Lock", "MemoryDeny"))
        and key != "RestartPreventExitStatus"
    }
    assert len(confining) > 15
    assert {key: agent[key] for key in confining} == {key: audit.get(key) for key in confining}


def test_the_guide_names_every_unit():
    guide = (ROOT / "docs" / "operating.md").read_text()
    assert [unit.name for unit in UNITS if unit.name not in guide] == []
