"""`shipper run`: what it prints, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from support.logs import append, compress, numbered, write

from shipper.cli import execute

KEYS = [
    "lines",
    "documents",
    "stored",
    "already_stored",
    "filtered",
    "dead_letters",
    "unparsed",
    "pending_lines",
    "files",
    "seconds",
]


@pytest.fixture
def configuration(tmp_path):
    path = tmp_path / "shipper.yml"
    path.write_text("host: dtn01.example.org\nstate: state\ninputs: [{name: a, paths: [logs/*], pipeline: raw}]\n")
    return path


def once(configuration, capsys):
    code = execute(["run", "--once", "--json", "-c", str(configuration)])
    return code, json.loads(capsys.readouterr().out)


def test_one_json_document_says_what_a_pass_did(configuration, capsys, tmp_path):
    log = write(tmp_path / "logs" / "a.log", *numbered(0, 3), "")
    with log.open("ab") as file:
        file.write(b"half")
    code, said = once(configuration, capsys)

    assert (code, list(said)) == (0, KEYS)
    assert said | {"seconds": 0} == {
        "lines": 4,
        "documents": 3,
        "stored": 3,
        "already_stored": 0,
        "filtered": {"blank": 1},
        "dead_letters": 0,
        "unparsed": 0,
        "pending_lines": 1,
        "files": 1,
        "seconds": 0,
    }


def test_a_person_gets_a_sentence(configuration, capsys, tmp_path):
    write(tmp_path / "logs" / "a.log", *numbered(0, 3))

    assert execute(["run", "--once", "-c", str(configuration)]) == 0
    assert capsys.readouterr().out.startswith("3 lines of 1 file: 3 documents stored, 0 were there already,")


def test_a_file_that_could_not_be_read_is_told_and_ends_with_1(configuration, capsys, tmp_path):
    write(tmp_path / "logs" / "a.log", *numbered(0, 3))
    damaged = write(tmp_path / "logs" / "b.gz", *numbered(0, 300))
    compress(damaged)
    archive = damaged.with_name("b.gz.gz").read_bytes()
    damaged.with_name("b.gz.gz").unlink()
    damaged.write_bytes(archive[:40] + bytes(40) + archive[80:])

    assert execute(["run", "--once", "-c", str(configuration)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("3 lines of 2 files: 3 documents stored,")
    assert said.endswith(" 1 file could not be read: `shipper status` names it.\n")


def test_json_without_once_is_a_wrong_usage(configuration, capsys):
    assert execute(["run", "--json", "-c", str(configuration)]) == 2
    assert "--json prints what was done: it needs --once." in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_a_wrong_usage(tmp_path, capsys):
    assert execute(["run", "-c", str(tmp_path / "absent.yml")]) == 2
    assert "absent.yml" in capsys.readouterr().err


def test_state_that_another_agent_holds_ends_with_3(configuration, capsys, tmp_path):
    write(tmp_path / "logs" / "a.log", *numbered(0, 3))
    running = subprocess.Popen(
        [sys.executable, "-m", "shipper", "run", "-c", str(configuration)], stderr=subprocess.PIPE, text=True
    )
    with running:
        assert "started" in next(line for line in running.stderr if "started" in line)
        assert execute(["run", "--once", "-c", str(configuration)]) == 3
        assert f"process {running.pid}" in capsys.readouterr().err
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0


def test_sigterm_finishes_what_is_under_way(configuration, tmp_path):
    import sqlite3
    from contextlib import closing

    log = write(tmp_path / "logs" / "a.log", *numbered(0, 3))
    with subprocess.Popen(
        [sys.executable, "-m", "shipper", "run", "-c", str(configuration)], stderr=subprocess.PIPE, text=True
    ) as running:
        assert "started" in next(line for line in running.stderr if "started" in line)
        append(log, *numbered(3, 1003))
        index = tmp_path / "state" / "index.db"
        deadline = time.monotonic() + 30
        with closing(sqlite3.connect(index)) as db:
            while db.execute("SELECT COUNT(*) FROM documents").fetchone()[0] < 1003:
                assert time.monotonic() < deadline
        running.send_signal(signal.SIGTERM)
        _, rest = running.communicate(timeout=30)

    assert running.returncode == 0
    assert "stopped lines=1003" in rest
