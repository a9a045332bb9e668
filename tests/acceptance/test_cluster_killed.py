"""A cluster that is killed in the middle of shipping and comes back: the running agent goes on, exactly once."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from urllib.error import HTTPError

import pytest
from support.commands import Commands
from support.rotating_logs import record

LINES, ALL = 60_000, 61_000
"""Before and after the cluster is killed."""
DEADLINE = 240.0


@pytest.mark.real
@pytest.mark.slow
def test_an_agent_outlives_its_killed_cluster_and_every_line_arrives_once(tmp_path, cluster):
    node = cluster
    site = Commands(tmp_path, json.dumps({"elasticsearch": {"hosts": [node.url]}}), samples=False)
    log = site.logs / "gridftp" / "gridftp-transfer.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(record(number) + "\n" for number in range(LINES)))

    with site.start("run") as agent:
        until(lambda: stored(node) > LINES // 20, agent, pause=0.05)
        node.kill()
        with log.open("a") as file:  # however fast the agent was, there is something left to ship
            file.writelines(record(number) + "\n" for number in range(LINES, ALL))
        until(lambda: [stall["scope"] for stall in site.ask("status", code=None)["stalls"]] == ["output"], agent)
        node.start()
        until(lambda: site.ask("status", code=None)["totals"]["stored"] == ALL, agent)
        agent.send_signal(signal.SIGTERM)
        _, said = agent.communicate(timeout=30)

    assert agent.returncode == 0, said[-2000:]
    assert "shipping stalled" in said
    assert said.count("shipping resumed") == 1
    audit = site.ask("audit")
    assert (audit["verdict"], audit["totals"]["indexed"], audit["totals"]["disk_lines"]) == ("closed", ALL, ALL)


def stored(node) -> int:
    try:
        return node.ask("POST", "/shipper-*-*/_refresh") and node.ask("GET", "/shipper-*-*/_count")["count"]
    except HTTPError:
        return 0


def until(condition: Callable[[], bool], agent, pause: float = 1.0) -> None:
    """Wait for a condition, as long as the agent lives; `status` as a command takes from what it waits for."""
    deadline, waiting = time.monotonic() + DEADLINE, threading.Event()
    while not condition():
        assert agent.poll() is None, agent.stderr.read()[-2000:]
        assert time.monotonic() < deadline
        waiting.wait(pause)
