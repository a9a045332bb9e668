"""The demo does not believe what it is told: a command that answers wrongly ends it with an error."""

import json
import sqlite3
import sys
from contextlib import closing

import pytest

from shipper.demo.programs import Answer, Programs, until
from shipper.demo.story import Story
from shipper.errors import DemoError

LINES = {
    "gridftp": [f"transfer {number}" for number in range(1, 151)],
    "tstat": [f"flow {number}" for number in range(1, 61)],
    "storm-backend": ["one line", "an error\nwith a stack trace\nof two lines"],
}
NAMED = {"gridftp": (101, 103), "tstat": (41, 42), "storm-backend": (2, 4)}
"""First and last line of what the demo deletes."""


class Silent:
    def step(self, title):
        pass

    def growth(self, logs):
        pass

    def kept(self, promise):
        pass

    def printed(self, command, text):
        pass


class ScriptedPrograms:
    """Answers every audit with the same report."""

    def __init__(self, report, exit_code):
        self._answer = Answer(exit_code, json.dumps(report))

    def run(self, *_arguments):
        return self._answer


@pytest.fixture
def folder(tmp_path):
    """An index and the log files that it was made from."""
    with closing(sqlite3.connect(tmp_path / "index.db")) as database, database:
        database.execute("CREATE TABLE documents (id TEXT PRIMARY KEY, input, lines, fingerprint, offset, document)")
        for name, events in LINES.items():
            (tmp_path / f"{name}.log").write_text("".join(f"{event}\n" for event in events))
            database.executemany(
                "INSERT INTO documents VALUES (?, ?, ?, 'f', ?, ?)",
                [
                    (f"{name}-{number}", name, event.count("\n") + 1, number, json.dumps({"message": event}))
                    for number, event in enumerate(events)
                ],
            )
    return tmp_path


def finding(name, first, last, **changes):
    place = {"path": f"{name}.log", "first_line": first, "last_line": last}
    return {"kind": "missing", "cause": "gone from the index", **place, **changes}


def truthful_report():
    return {"verdict": "findings", "findings": [finding(name, *lines) for name, lines in NAMED.items()]}


def damage(folder, report, exit_code=1):
    Story(folder, Silent(), ScriptedPrograms(report, exit_code)).damage()


def test_an_audit_that_names_what_was_deleted_is_accepted(folder):
    damage(folder, truthful_report())
    with closing(sqlite3.connect(folder / "index.db")) as database:
        assert database.execute("SELECT count(*) FROM documents").fetchone() == (sum(map(len, LINES.values())) - 6,)


def test_an_audit_that_finds_nothing_is_not_believed(folder):
    with pytest.raises(DemoError, match="verdict closed"):
        damage(folder, {"verdict": "closed", "findings": []}, exit_code=0)


def test_an_audit_that_ends_with_the_wrong_exit_code_is_not_believed(folder):
    with pytest.raises(DemoError, match="exit code 0"):
        damage(folder, truthful_report(), exit_code=0)


@pytest.mark.parametrize(
    "change",
    [{"first_line": 102}, {"last_line": 104}, {"first_line": 100, "last_line": 102}, {"path": "tstat.log"}],
)
def test_an_audit_that_names_other_lines_is_not_believed(folder, change):
    report = truthful_report()
    report["findings"][0].update(change)
    with pytest.raises(DemoError, match="lines that were not deleted, or not all"):
        damage(folder, report)


@pytest.mark.parametrize("change", [{"cause": "never acknowledged"}, {"kind": "altered"}])
def test_an_audit_that_names_another_cause_is_not_believed(folder, change):
    report = truthful_report()
    report["findings"][2].update(change)
    with pytest.raises(DemoError, match="gone from the index"):
        damage(folder, report)


def test_a_command_that_prints_no_json_is_reported():
    with pytest.raises(DemoError, match="Traceback"):
        _ = Answer(1, "Traceback: ...").document


def test_an_agent_that_ends_by_itself_is_reported_with_its_last_words(tmp_path):
    command = (sys.executable, "-c", "import sys; sys.exit('no such pipeline')")
    with Programs(tmp_path, command).agent("shipper.yml") as agent:
        agent.start()
        agent._process.wait(20)
        with pytest.raises(DemoError, match="exit code 1") as error:
            agent.check()
    assert "no such pipeline" in str(error.value)


def test_leaving_the_block_kills_the_agent(tmp_path):
    command = (sys.executable, "-c", "import signal; signal.pause()")
    with Programs(tmp_path, command).agent("shipper.yml") as agent:
        agent.start()
        process = agent._process
    assert process.poll() is not None


def test_waiting_ends_at_the_deadline():
    waits = []
    assert not until(lambda: False, deadline=1, sleep=waits.append)
    assert sum(waits) == pytest.approx(1)
