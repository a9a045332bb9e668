"""Each fault of a cluster alone: the agent goes on, every line is stored once, and the audit finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.bulk_faults import (
    broken_gzip,
    dripping_body,
    dripping_headers,
    half_a_gzip,
    half_an_answer,
    half_closed_when_idle,
    in_the_failure_store,
    items_cut_off,
    no_answer,
    no_http,
    one_item_missing,
    one_item_too_many,
    page,
    redirect,
    reset_after_receipt,
    reset_before_storing,
    reset_while_storing,
    some_items,
    swallowed,
    whole,
)
from support.bulk_server import BulkServer, Fault, Item, failed_item
from support.clock import VirtualClock
from support.site import Site, transfer

from shipper.agent import Totals
from shipper.audit.findings import Verdict
from shipper.events_log import EventsLog, silent
from shipper.records import OutcomeKind
from shipper.settings import ElasticsearchSettings
from shipper.start import agent

LINES = [transfer(number) for number in range(60)]
BUSY = failed_item(429, "es_rejected_execution_exception")


@pytest.fixture
def server() -> Iterator[BulkServer]:
    with BulkServer() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, server: BulkServer) -> Site:
    site = Site(tmp_path, store=ElasticsearchSettings((server.url,), deadline=30.0))
    site.write("a.log", LINES)
    return site


def ship(site: Site) -> tuple[Totals, Counter[str]]:
    """One pass of an agent that waits on a clock of its own; what it did, and which events it told."""
    events = EventsLog(silent)
    with agent(site.settings, VirtualClock(), events, threads=0) as running:
        running.once()
        return running.totals, events.counts


def messages(server: BulkServer) -> list[bytes]:
    """The lines that the server holds, in order."""
    return sorted(orjson.loads(body)["message"].encode() + b"\n" for body in server.stored.values())


PUT_OFF = {
    "429 for some items": some_items(3, BUSY),
    "503 for some items": some_items(4, failed_item(503, "node_closed_exception")),
}
"""A part is taken each time: the output does not stand still."""

PASSING = {
    "429 for all items": some_items(1, BUSY),
    "429 for the whole request": whole(429, "circuit_breaking_exception"),
    "503 for the whole request": whole(503, "service_unavailable_exception"),
    "500 for the whole request": whole(500),
    "408": whole(408, "timeout_exception"),
    "one item missing": one_item_missing,
    "one item too many": one_item_too_many,
    "the items cut off": items_cut_off,
    "half an answer": half_an_answer,
    "an answer that is broken gzip": broken_gzip,
    "an answer that is half a gzip": half_a_gzip,
    "an answer that is no HTTP": no_http,
    "a proxy's page with 502": page(502),
    "a proxy's page with 200": page(200, "<html>Please log in</html>"),
    "reset before storing": reset_before_storing,
    "reset while storing": reset_while_storing,
    "reset after storing": reset_after_receipt,
    "accepted and never answered": no_answer,
    "swallowed": swallowed,
    "a body that drips": dripping_body,
    "headers that drip": dripping_headers,
}
"""What time heals, and the output as a whole is in trouble meanwhile."""

ENDLESS = {no_answer, swallowed, dripping_body, dripping_headers}
"""What only the deadline ends."""

PAUSING = {
    "403 for the whole request": whole(403, "security_exception"),
    "403 block of some items": some_items(2, failed_item(403, "cluster_block_exception", "read-only / allow delete")),
    "429 block of all items": some_items(1, failed_item(429, "cluster_block_exception", "disk usage exceeded")),
    "503 of an index without shards": some_items(2, failed_item(503, "unavailable_shards_exception")),
    "404 for the whole request": whole(404, "index_not_found_exception"),
    "404 for some items": some_items(2, failed_item(404, "index_not_found_exception")),
    "400 for the whole request": whole(400, "illegal_argument_exception", "unrecognized parameter"),
    "400 of the shard limit": some_items(2, failed_item(400, "validation_exception", "maximum normal shards open")),
    "400 of the limit of fields": some_items(
        2, failed_item(400, "document_parsing_exception", "Limit of total fields [1000] has been exceeded")
    ),
    "400 of a closed index": some_items(1, failed_item(400, "index_closed_exception", "closed")),
    "400 of a kind that nobody knows": some_items(2, failed_item(400, "some_new_exception")),
    "the failure store": in_the_failure_store(),
    "200 where 201 is due": some_items(2, {"create": {"status": 200, "result": "noop"}}),
    "307 to elsewhere": redirect,
}
"""What somebody has to mend: the dataset is held meanwhile, and looked at again every few seconds."""


@pytest.mark.parametrize("fault", [*PASSING.values(), *PUT_OFF.values()], ids=[*PASSING, *PUT_OFF])
def test_what_passes_is_sent_again_and_every_line_is_stored_once(server: BulkServer, site: Site, fault: Fault) -> None:
    server.script += [fault, fault]
    if fault in ENDLESS:
        site.store = ElasticsearchSettings((server.url,), deadline=0.3)
    totals, told = ship(site)
    assert messages(server) == sorted(LINES)
    assert totals.outcomes[OutcomeKind.STORED] + totals.outcomes[OutcomeKind.ALREADY_STORED] == len(LINES)
    assert totals.outcomes[OutcomeKind.PAUSED] == totals.outcomes[OutcomeKind.REFUSED] == 0
    assert totals.outcomes[OutcomeKind.RETRY] > 0
    if fault in PASSING.values():
        assert (told["shipping_stalled"], told["shipping_resumed"]) >= (1, 1)
    assert_closed(site)


@pytest.mark.parametrize("fault", PAUSING.values(), ids=PAUSING)
def test_what_somebody_must_mend_holds_the_dataset_and_loses_no_line(
    server: BulkServer, site: Site, fault: Fault
) -> None:
    server.script += [fault, fault, fault]
    totals, told = ship(site)
    assert messages(server) == sorted(LINES)
    assert totals.outcomes[OutcomeKind.PAUSED] > 0
    assert totals.outcomes[OutcomeKind.RETRY] == totals.outcomes[OutcomeKind.REFUSED] == 0
    assert (told["shipping_stalled"], told["shipping_resumed"]) >= (1, 1)
    assert not [path for _, path, _ in server.requests if path == "/elsewhere"]
    assert_closed(site)


REFUSALS = [
    failed_item(400, "document_parsing_exception", "[1:9] failed to parse field [gridftp.nbytes] of type [long]"),
    failed_item(400, "mapper_parsing_exception", "failed to parse"),
    failed_item(400, "strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [x]"),
    failed_item(400, "illegal_argument_exception", 'Document contains at least one immense term in field="x"'),
    failed_item(400, "illegal_argument_exception", "mapper [x] cannot be changed from type [long] to [keyword]"),
    failed_item(400, "illegal_argument_exception", "can't merge a non object mapping [x] with an object mapping"),
]


def test_a_400_of_each_kind_that_speaks_of_the_document_makes_a_dead_letter_of_it_alone(
    server: BulkServer, site: Site
) -> None:
    poisoned = {LINES[3 + 9 * number]: result for number, result in enumerate(REFUSALS)}

    def rule(index: str, name: str, body: bytes) -> Item | None:
        return poisoned.get(orjson.loads(body)["message"].encode() + b"\n")

    server.rule = rule
    totals, _ = ship(site)
    assert totals.outcomes[OutcomeKind.REFUSED] == len(poisoned)
    assert messages(server) == sorted(set(LINES) - set(poisoned))
    assert_closed(site, dead_letters=len(poisoned))


def test_a_reset_before_a_request_is_read_loses_nothing(server: BulkServer, site: Site) -> None:
    site.store = ElasticsearchSettings((server.url,))
    site.write("large.log", [transfer(number) for number in range(1000, 6000)])
    server.deaf = 3
    totals, _ = ship(site)
    assert totals.outcomes[OutcomeKind.RETRY] > 0
    assert totals.outcomes[OutcomeKind.ALREADY_STORED] == 0
    assert len(server.stored) == 5060
    assert_closed(site, lines=5060)


def test_413_for_the_whole_request_halves_it(server: BulkServer, site: Site) -> None:
    server.script += [whole(413), whole(413), whole(413)]
    ship(site)
    assert messages(server) == sorted(LINES)
    assert server.bulk_sizes[:2] == [60, 30]
    assert_closed(site)


def test_credentials_refused_for_minutes_hold_everything_and_lose_nothing(server: BulkServer, site: Site) -> None:
    clock, events = VirtualClock(), EventsLog(silent)
    good_again = clock.now + 200
    with agent(site.settings, clock, events, threads=0) as running:
        server.trouble = lambda path: whole(401, "security_exception") if clock.now < good_again else None
        running.run(stopping=lambda: len(server.stored) == len(LINES) or clock.now > good_again + 3600)
        totals = running.totals
    assert messages(server) == sorted(LINES)
    assert totals.outcomes[OutcomeKind.PAUSED] > 0, "by then it is no longer taken for a server that starts"
    assert events.counts["shipping_resumed"] >= 1
    assert_closed(site)


def test_a_connection_that_was_half_closed_while_idle_is_not_used_again(server: BulkServer, site: Site) -> None:
    server.script += [half_closed_when_idle] * 6
    for number in range(3):
        site.write(f"b{number}.log", [transfer(100 * number + n) for n in range(100, 110)])
        totals, _ = ship(site)
        assert totals.outcomes[OutcomeKind.RETRY] == 0
    assert len(server.stored) == 60 + 3 * 10
    assert_closed(site, lines=90)


def assert_closed(site: Site, lines: int = len(LINES), dead_letters: int = 0) -> None:
    """By each level, every line is proved to be where it belongs."""
    assert site.store is not None
    site.store = replace(site.store, deadline=30.0)  # the agent's may be short
    for level in ("ledger", "disk", "contents"):
        outcome = site.audit(level=level)
        assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
        assert outcome.totals.indexed == lines - dead_letters
        assert outcome.totals.dead_letters == (0 if level == "ledger" else dead_letters)
