"""What the service manager hears."""

import socket

import pytest

from shipper.operate.notify import Notifier


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def heard(manager):
    return manager.recv(4096).decode()


def test_each_message_reaches_the_manager(manager):
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}
    notifier = Notifier.from_environment(environment, process=42)
    assert notifier.watchdog == 30.0
    for say, expected in [
        (notifier.ready, "READY=1"),
        (notifier.alive, "WATCHDOG=1"),
        (lambda: notifier.status("3 files\nREADY=1"), "STATUS=3 files READY=1"),
        (notifier.stopping, "STOPPING=1"),
    ]:
        say()
        assert heard(manager) == expected


def test_abstract_addresses_are_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        listening.bind("")  # Linux chooses an abstract address
        address = listening.getsockname()
        Notifier("@" + address[1:].decode(), None).ready()
        assert heard(listening) == "READY=1"


def test_a_watchdog_for_another_process_is_not_ours(manager):
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    notifier = Notifier.from_environment(environment, process=42)
    notifier.alive()
    notifier.ready()
    assert notifier.watchdog is None
    assert heard(manager) == "READY=1"


def test_without_a_manager_nothing_happens():
    notifier = Notifier.from_environment({}, process=42)
    notifier.ready()
    notifier.alive()
    assert notifier.watchdog is None


@pytest.mark.parametrize("address", ["@shipper-nobody-listens-here", "/nonexistent/notify"])
def test_a_manager_that_is_gone_stops_nothing(address):
    Notifier(address, None).stopping()
