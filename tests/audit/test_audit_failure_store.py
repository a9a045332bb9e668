"""Documents that a cluster took into its failure store: never counted as stored, so that the audit goes on telling.

By a scripted server: the distribution of Elasticsearch for tests has no failure store.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bulk_server import BulkServer
from support.clock import VirtualClock
from support.site import Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.errors import OutputError
from shipper.events_log import EventsLog, silent
from shipper.settings import ElasticsearchSettings
from shipper.start import agent

LINES = [transfer(number) for number in range(60)]
DIVERTED = range(32, 35)
"""Those whose documents go to the failure store."""


@pytest.fixture
def server() -> Iterator[BulkServer]:
    with BulkServer() as running:
        bodies = [b"/data/file%d " % number for number in DIVERTED]
        diverted = {"create": {"status": 201, "failure_store": "used"}}
        running.rule = lambda index, name, body: diverted if any(part in body for part in bodies) else None
        yield running


def ship(site: Site) -> None:
    with agent(site.settings, VirtualClock(), EventsLog(silent), threads=0) as running:
        running.once()


def test_what_is_in_the_failure_store_waits_and_is_missing_in_the_index_alone(
    server: BulkServer, tmp_path: Path
) -> None:
    site = Site(tmp_path, store=ElasticsearchSettings((server.url,)))
    site.write("a.log", LINES)
    with pytest.raises(OutputError, match="failure store"):
        ship(site)

    for level in ("ledger", "disk", "contents"):
        outcome = site.audit(level=level)
        assert (outcome.verdict, outcome.totals.dead_letters) == (Verdict.CLOSED, 0)
    assert site.audit().totals.pending == len(DIVERTED)
    assert site.audit().totals.indexed == len(LINES) - len(DIVERTED)
    outcome = site.audit(use_state=False)
    assert found(outcome) == [("missing", "not in the index", "a.log", 33, 35)]

    server.rule = lambda index, name, body: None
    ship(site)
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.indexed, outcome.totals.pending) == (Verdict.CLOSED, len(LINES), 0)
