"""A wrong API key stops shipping loudly, loses nothing, and the right one is used without a restart."""

import re
import signal
import time
import urllib.request

import pytest
from support.bulk_faults import whole
from support.bulk_server import BulkServer
from support.clock import VirtualClock
from support.logs import append, numbered, write
from support.ports import free_port
from support.running import DEADLINE, Running

from shipper.clock import Bell
from shipper.events_log import EventsLog, silent
from shipper.records import STORED, Batch, Document, Outcome, OutcomeKind, Receipt, Source, Tally
from shipper.send.bulk import CREDENTIALS
from shipper.send.dispatch import Dispatcher
from shipper.send.retry import PAUSED_WAIT, again

WRONG, RIGHT = "wrong-key==", "right-key=="
PROMISED = 10.0
"""Seconds."""


@pytest.fixture
def server():
    """A cluster that knows one key."""
    with BulkServer() as server:

        def trouble(path):
            authorization = server.requests[-1][2].get("authorization")
            known = authorization == f"ApiKey {RIGHT}"
            return None if known else whole(401, "security_exception", "unable to authenticate with this API key")

        server.trouble = trouble
        yield server


@pytest.fixture
def running(server, tmp_path):
    key = tmp_path / "api_key"
    put(key, RIGHT)
    cluster = {"hosts": [server.url], "api_key_file": str(key), "senders": 1}
    site = Running(tmp_path, output={"elasticsearch": cluster})
    write(site.logs / "a.log", *numbered(0, 100))
    site.key = key
    yield site
    site.__exit__()


def put(key, text):
    """Replace the key as a careful administrator does."""
    fresh = key.with_name("fresh")
    fresh.write_text(text)
    fresh.chmod(0o600)
    fresh.rename(key)


def refused(running, server):
    """An agent that shipped and whose key was taken away; more lines came since."""
    running.start()
    running.until(lambda: len(server.stored) == 100)
    put(running.key, WRONG)
    append(running.logs / "a.log", *numbered(100, 200))
    running.until(lambda: "shipping stalled" in running.log_text())


def test_a_wrong_key_is_told_with_the_clusters_words_and_the_right_one_is_used_within_ten_seconds(running, server):
    refused(running, server)
    assert "unable to authenticate with this API key" in running.log_text()
    assert WRONG not in running.log_text()
    status = running.ask("status", code=1)
    assert [(stall["scope"], "unable to authenticate" in stall["reason"]) for stall in status["stalls"]] == [
        ("output", True)
    ]

    put(running.key, RIGHT)
    began = time.monotonic()
    running.until(lambda: len(server.stored) == 200)
    assert time.monotonic() - began < PROMISED
    running.until(lambda: "shipping resumed" in running.log_text())
    running.stop()
    assert running.ask("status")["stalls"] == []
    assert sum(server.conflicts.values()) == 0


def test_an_agent_that_starts_with_a_wrong_key_ships_within_ten_seconds_of_the_right_one(running, server):
    put(running.key, WRONG)
    running.launch()
    running.until(lambda: len(server.requests) >= 3)
    assert server.stored == {}
    assert running.log_text().count("output away") >= 1
    put(running.key, RIGHT)
    began = time.monotonic()
    running.until(lambda: len(server.stored) == 100)
    assert time.monotonic() - began < PROMISED
    assert "output back" in running.log_text()


def test_a_key_that_others_can_read_is_used_no_more_until_that_is_put_right(running, server):
    running.start()
    running.until(lambda: len(server.stored) == 100)
    running.key.chmod(0o644)
    append(running.logs / "a.log", *numbered(100, 200))
    running.until(lambda: "can be read by everybody" in running.log_text())
    assert len(server.stored) == 100
    running.key.chmod(0o600)
    running.until(lambda: len(server.stored) == 200, PROMISED)


def test_a_hangup_sends_what_waits_at_once(running, server):
    refusing, port = True, free_port()
    server.trouble = lambda path: whole(403, "security_exception", "no") if refusing and path == "/_bulk" else None
    running.configure({**running.settings, "metrics": {"port": port}})

    def refusals():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE) as answer:
            told = re.search(r'shipper_sent_documents_total{outcome="paused"} (\d+)', answer.read().decode())
        return int(told[1]) if told else 0

    running.start()
    running.until(lambda: refusals() > 100)
    refusing = False  # the agent knows how its second try ended; the next one would be a whole pause away
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: len(server.stored) == 100, PAUSED_WAIT / 2)


CREDENTIALS_REFUSED = [
    Outcome(OutcomeKind.RETRY, CREDENTIALS, "no such key"),
    Outcome(OutcomeKind.PAUSED, CREDENTIALS, "no such key"),
]


@pytest.mark.parametrize("outcome", CREDENTIALS_REFUSED)
@pytest.mark.parametrize("attempt", [0, 3, 10, 1000])
def test_however_long_a_key_was_refused_the_next_try_is_a_few_seconds_away(outcome, attempt):
    document = Document("1", Source("h", "i", "/p", "f"), "d", "d", 0, 0, Tally(), "p", b"{}")
    (repeat,) = again(Receipt(Batch(1, [document], 2, attempt), [outcome]), random=lambda: 1.0)
    assert repeat.wait <= PAUSED_WAIT


def test_what_waits_for_its_repetition_can_be_hurried():
    document = Document("1", Source("h", "i", "/p", "f"), "d", "d", 0, 0, Tally(), "p", b"{}")
    answers = [Outcome(OutcomeKind.RETRY, "away", "away")] * 5

    class Away:
        def send(self, batch):
            return Receipt(batch, [answers.pop() if answers else STORED])

    clock = VirtualClock()
    dispatcher = Dispatcher(Away(), clock, Bell(), EventsLog(silent), senders=0, jitter=lambda: 1.0)
    dispatcher.submit(Batch(1, [document], 2))
    kinds = []
    for _ in range(6):
        kinds += [outcome.kind for receipt in dispatcher.receipts() for outcome in receipt.outcomes]
        assert dispatcher.receipts() == []
        dispatcher.hurry()
    assert kinds == [OutcomeKind.RETRY] * 5 + [OutcomeKind.STORED]
    assert sum(dispatcher.durations.counts) == 6
