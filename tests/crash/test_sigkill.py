"""The agent is killed at random moments while its files rotate: afterwards every line is stored exactly once.

The seed is printed; `SHIPPER_SEED` repeats a run. `SHIPPER_CRASH_LINES` and `SHIPPER_CRASH_KILLS` change its size.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.rotating_logs import RotatingLogs

LINES = int(os.environ.get("SHIPPER_CRASH_LINES", "300000"))
KILLS = int(os.environ.get("SHIPPER_CRASH_KILLS", "20"))
FILES = 20

CONFIGURATION = """
host: dtn01.example.org
state: {folder}/state
inputs:
  - {{name: gridftp, paths: ['{folder}/logs/gridftp-transfer-*.log*'], pipeline: gridftp-transfer}}
output: {output}
"""


def shipper(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "shipper", *arguments]


def ask(*arguments: str) -> dict:
    done = subprocess.run(shipper(*arguments), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def live_and_die(configuration: Path, moments: random.Random, log: Path) -> None:
    """Run an agent and kill it after a random time."""
    with log.open("ab") as out:
        process = subprocess.Popen(shipper("run", "-c", str(configuration)), stdout=out, stderr=out)
    try:
        process.wait(timeout=moments.uniform(0.2, 3.0))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL, log.read_text()[-3000:]


def kill_again_and_again(folder: Path, output: str) -> tuple[dict, dict]:
    """The whole story; what a last pass did, and what the audit says."""
    seed = int(os.environ.get("SHIPPER_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SHIPPER_SEED={seed}")  # noqa: T201  pytest shows it where a run fails
    configuration = folder / "shipper.yml"
    configuration.write_text(CONFIGURATION.format(folder=folder, output=output))
    logs = RotatingLogs(folder / "logs", FILES, seed)
    moments = random.Random(seed + 1)
    for turn in range(KILLS):
        share = LINES * (turn + 1) // KILLS - logs.written
        writer = threading.Thread(target=logs.write, args=(share,))
        writer.start()
        live_and_die(configuration, moments, folder / "agent.log")
        writer.join()
    last = ask("run", "--once", "--json", "-c", str(configuration))
    audit = ask("audit", "--json", "-c", str(configuration))
    assert logs.written == LINES
    return last, audit


@pytest.mark.slow
def test_killed_at_random_moments_every_line_is_in_sqlite_exactly_once(tmp_path):
    import sqlite3

    last, audit = kill_again_and_again(tmp_path, f"{{sqlite: {{path: {tmp_path}/index.db}}}}")
    with sqlite3.connect(tmp_path / "index.db") as db:
        counts = db.execute(
            "SELECT COUNT(*), COUNT(DISTINCT document ->> '$.gridftp.nbytes') FROM documents"
        ).fetchone()
    db.close()

    assert counts == (LINES, LINES)
    assert (last["pending_lines"], last["unparsed"], last["dead_letters"]) == (0, 0, 0)
    assert audit["verdict"] == "closed"
    assert (audit["totals"]["disk_lines"], audit["totals"]["indexed"]) == (LINES, LINES)


@pytest.mark.slow
@pytest.mark.real
def test_killed_at_random_moments_every_line_is_in_elasticsearch_exactly_once(tmp_path, elasticsearch9):
    output = f"{{elasticsearch: {{hosts: ['{elasticsearch9.url}']}}}}"
    _, audit = kill_again_and_again(tmp_path, output)

    assert audit["verdict"] == "closed"
    assert (audit["totals"]["disk_lines"], audit["totals"]["indexed"]) == (LINES, LINES)
