"""`shipper run` as a service of `Type=notify`: the process, and what a service manager hears from it."""

import socket

import pytest
from support.running import Running

WATCHDOG = 0.4
"""Seconds after which the manager would take the agent for hung."""


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The socket of a service manager, told to every process that is started."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield listening


def heard(manager, *, until, times=1):
    """Messages up to one that came so often; a socket that stays silent is an error."""
    messages = []
    while messages.count(until) < times:
        messages.append(manager.recv(4096).decode())
    return messages


def test_an_idle_agent_shows_that_it_is_alive_however_rarely_it_looks_at_its_files(manager, tmp_path):
    with Running(tmp_path / "site", rescan="1h") as agent:
        heard(manager, until="READY=1")
        heard(manager, until="WATCHDOG=1", times=8)
        agent.stop()
    assert heard(manager, until="STOPPING=1")[-1] == "STOPPING=1"
