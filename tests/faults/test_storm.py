"""All faults of a cluster at random together, while logs rotate and the agent is killed: every line is stored once.

The seed is printed; `SHIPPER_SEED` repeats its faults, lines and lives. `SHIPPER_STORM_LINES` and
`SHIPPER_STORM_KILLS` change the size.
"""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.bulk_server import BulkServer
from support.mortal_agent import MortalAgent
from support.rotating_logs import RotatingLogs, record
from support.storm import OFTEN, SELDOM, Storm

LINES = int(os.environ.get("SHIPPER_STORM_LINES", "200000"))
KILLS = int(os.environ.get("SHIPPER_STORM_KILLS", "20"))
FILES = 8
PATIENCE = 300.0 * max(1.0, LINES / 200_000)
"""Seconds for the last agent to deliver what is left, and for each before it to come to its end."""


@pytest.mark.slow
def test_in_a_storm_of_all_faults_and_twenty_kills_every_line_is_stored_exactly_once(tmp_path: Path) -> None:
    seed = int(os.environ.get("SHIPPER_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SHIPPER_SEED={seed}")  # noqa: T201  pytest shows it where a run fails
    storm = Storm(seed)
    wanted = {line for line in map(record, range(LINES)) if not storm.poisons(line)}
    with BulkServer() as server:
        server.trouble, server.rule = storm.trouble, storm.rule
        agent = MortalAgent(
            tmp_path,
            [{"name": "gridftp", "paths": [f"{tmp_path}/logs/*.log*"], "pipeline": "gridftp-transfer"}],
            output=cluster(server, deadline="1s"),
            batch_documents=1000,
            batch_age="100ms",
        )
        with agent:
            live_and_die(agent, RotatingLogs(agent.logs, FILES, seed), storm, server, random.Random(seed + 1))
            agent.until(lambda: len(server.stored) >= len(wanted), PATIENCE)
            agent.stop()
        server.trouble = lambda path: None
        agent.configure({**agent.settings, "output": cluster(server, deadline="60s")})
        last = agent.ask("run", "--once", code=None)
        audit = agent.ask("audit")
        letters = agent.ask("dead-letters", "list")["dead_letters"]
    met, again = storm.met, server.conflicts.total()
    print(f"{storm.requests} requests, {met.total()} faults, {again} documents delivered again")  # noqa: T201

    stored = [orjson.loads(body)["message"] for body in server.stored.values()]
    assert len(stored) == len(wanted), "no line is stored twice"
    assert set(stored) == wanted, "no line is lost"
    assert (last["pending_lines"], last["unparsed"]) == (0, 0)
    assert len(letters) == LINES - len(wanted)
    assert audit["verdict"] == "closed"
    assert (audit["totals"]["disk_lines"], audit["totals"]["indexed"]) == (LINES, len(wanted))
    if LINES >= 200_000:
        assert {name for name in (*OFTEN, *SELDOM) if not met[name]} == set(), "every fault had its turn"


def cluster(server: BulkServer, deadline: str) -> dict[str, Any]:
    return {"elasticsearch": {"hosts": [server.url], "deadline": deadline}}


def live_and_die(
    agent: MortalAgent, logs: RotatingLogs, storm: Storm, server: BulkServer, moments: random.Random
) -> None:
    """So many agents die, one after another, each while a part of the lines is written; the last one lives on.

    Every other one dies after some time, perhaps before it has begun, the others when they have sent some requests,
    or fewer where fewer were enough for all lines.
    """
    wanted = 0
    for turn in range(KILLS):
        lines = range(logs.written, LINES * (turn + 1) // KILLS)
        wanted += sum(not storm.poisons(record(number)) for number in lines)
        writer = threading.Thread(target=logs.write, args=(len(lines),))
        writer.start()
        if turn % 2:
            agent.die(moments.uniform(0.2, 2.5))
        else:
            some = storm.requests + moments.randint(1, 15)
            agent.until(lambda some=some, all_=wanted: storm.requests >= some or len(server.stored) >= all_, PATIENCE)
            agent.die(moments.uniform(0.0, 0.05))
        writer.join()
        agent.launch()
