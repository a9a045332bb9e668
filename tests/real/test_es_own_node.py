"""What needs a node of its own: small limits, and data streams, which the distribution for tests cannot delete again.

Each test has a namespace or an input of its own, on Elasticsearch 9 and 8.19 and on OpenSearch.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from support.clock import VirtualClock
from support.elasticsearch_node import ElasticsearchNode
from support.es_documents import DATASET, batch_of, documents, with_fields
from support.limited_node import LimitedNode
from support.site import Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.audit.repair import plan
from shipper.clock import SystemClock
from shipper.events_log import EventsLog, text_writer
from shipper.records import Batch, Document, Outcome, OutcomeKind, Receipt
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset, Replacement, Scope
from shipper.settings import ElasticsearchSettings, InputSettings
from shipper.start import agent

STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED

NUMBER = {"properties": {"gridftp": {"properties": {"extra": {"type": "long", "ignore_malformed": True}}}}}
STRICT_NUMBER = {"properties": {"gridftp": {"properties": {"extra": {"type": "long", "ignore_malformed": False}}}}}


class LosesOneAnswer(ElasticsearchOutput):
    """Stores the first batch, its stream is rolled over, and the answer is lost."""

    def __init__(self, limited: LimitedNode, namespace: str) -> None:
        settings = limited.settings(data_stream=True)
        super().__init__(settings, [dataset(namespace)], VirtualClock(), EventsLog(text_writer(io.StringIO())))
        self._node = limited.node
        self._stream = f"shipper-{DATASET}-{namespace}"
        self._lost = False

    def send(self, batch: Batch) -> Receipt:
        receipt = super().send(batch)
        if self._lost:
            return receipt
        self._lost = True
        self._node.ask("POST", f"/{self._stream}/_rollover")
        return Receipt(batch, [Outcome(OutcomeKind.RETRY, "unreachable", "no answer")] * len(batch.documents))


def dataset(namespace: str) -> Dataset:
    return Dataset(DATASET, namespace, {"gridftp.nbytes": "long"})


def opened(settings: ElasticsearchSettings, namespace: str) -> ElasticsearchOutput:
    return ElasticsearchOutput(settings, [dataset(namespace)], SystemClock(), EventsLog(text_writer(io.StringIO())))


def kinds(output: ElasticsearchOutput, some: list[Document]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in output.send(batch_of(some)).outcomes]


def ship(site: Site, output: ElasticsearchOutput, events: EventsLog) -> None:
    """One pass of an agent that need not wait for its pauses to be over."""
    with agent(site.settings, VirtualClock(), events, output=output, threads=0) as running:
        running.once()


def test_requests_that_are_too_large_or_too_much_at_once_are_cut_and_every_line_arrives(
    limited: LimitedNode, tmp_path: Path
) -> None:
    seen: Counter[str] = Counter()
    events = EventsLog(lambda _level, event, _fields: seen.update([event]))
    item = InputSettings("limits", (f"{tmp_path}/logs/*",), "gridftp-transfer", namespace="limits")
    site = Site(tmp_path, [item], store=limited.settings())
    site.write("a.log", [transfer(number) for number in range(4000)])
    output = ElasticsearchOutput(site.store, [dataset("limits")], VirtualClock(), events)
    ship(site, output, events)
    output.close()
    assert seen["request_too_large"] >= 2
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.totals.dead_letters) == (Verdict.CLOSED, 4000, 0)


def test_a_node_with_too_little_memory_for_a_batch_says_429_which_is_no_fault_of_the_documents(
    limited: LimitedNode,
) -> None:
    output = opened(limited.settings(), "pressure")
    some = documents(900, seed="pressure", index=f"{DATASET}-pressure-2026.11", padding=600)
    sent = output.send(batch_of(some)).outcomes
    assert {(outcome.kind, outcome.category) for outcome in sent} == {(OutcomeKind.RETRY, "busy")}
    assert "rejected_execution_exception" in sent[0].reason
    assert set(kinds(output, some[:100])) == {STORED}
    output.close()


def test_a_document_that_is_larger_than_any_request_is_refused_and_the_others_are_stored(
    limited: LimitedNode,
) -> None:
    output = opened(limited.settings(), "huge")
    some = documents(3, seed="huge", index=f"{DATASET}-huge-2026.11")
    some[1] = with_fields(some[1], message="x" * 1_200_000)
    sent = output.send(batch_of(some)).outcomes
    assert [(outcome.kind, outcome.category) for outcome in sent] == [
        (STORED, ""), (OutcomeKind.REFUSED, "too_large"), (STORED, ""),
    ]  # fmt: skip
    output.close()


def test_a_stream_keeps_one_of_each_as_long_as_it_is_not_rolled_over(
    limited: LimitedNode,
) -> None:
    output = opened(limited.settings(data_stream=True), "one")
    some = documents(5, seed="one", host="one", index=f"{DATASET}-one-2026.11")
    some[2].index = f"{DATASET}-one-2026.12"
    old = with_fields(documents(6, seed="one", host="one")[5], **{"@timestamp": "1969-12-31T23:59:59Z"})
    old.index = f"{DATASET}-one-suspect"
    assert kinds(output, [*some, old]) == [STORED] * 6
    assert kinds(output, [*some, old]) == [ALREADY] * 6
    output.refresh()
    assert sum(held.documents for held in output.tallies(Scope(host="one"))) == 6
    resolved = limited.node.ask("GET", f"/_resolve/index/shipper-{DATASET}-one*?expand_wildcards=all")
    stream = f"shipper-{DATASET}-one"
    assert {found["name"] for found in resolved["data_streams"]} == {stream, f"{stream}-suspect"}
    assert resolved["indices"] == []
    output.close()


def test_a_document_is_replaced_where_it_is(limited: LimitedNode) -> None:
    output = opened(limited.settings(data_stream=True), "two")
    some = documents(3, seed="two", index=f"{DATASET}-two-2026.11")
    assert kinds(output, some) == [STORED] * 3
    output.refresh()
    fingerprint = some[0].source.fingerprint
    places = {span.id: span.place for span in output.spans(fingerprint, 0, 1 << 40)}
    limited.node.ask("POST", f"/shipper-{DATASET}-two/_rollover")
    better = [with_fields(document, better=True) for document in some[:2]]
    absent = documents(1, seed="another")[0]
    replacements = [Replacement(document, places[document.id]) for document in better]
    outcomes = output.replace([*replacements, Replacement(absent, places[some[0].id])])
    assert [outcome.kind for outcome in outcomes] == [STORED, STORED, OutcomeKind.PAUSED]
    output.refresh()
    assert {span.id: span.place for span in output.spans(fingerprint, 0, 1 << 40)} == places
    bodies = output.bodies([document.id for document in some], fingerprint=fingerprint)
    assert bodies == {document.id: document.body for document in [*better, some[2]]}
    output.close()


@pytest.mark.parametrize("stream", [False, True], ids=["plain indices", "a stream that was rolled over"])
def test_a_document_that_is_refused_though_it_is_stored_is_told_from_others(
    limited: LimitedNode, *, stream: bool
) -> None:
    namespace = "refused_stream" if stream else "refused_plain"
    some = documents(3, seed=namespace, index=f"{DATASET}-{namespace}-2026.11")
    before = some[0]
    held, new = (with_fields(one, gridftp={"nbytes": 1, "extra": "no number"}) for one in some[1:])
    output = opened(limited.settings(data_stream=stream), namespace)
    target = f"shipper-{DATASET}-{namespace}" if stream else f"shipper-{before.index}"
    assert kinds(output, [before]) == [STORED]
    limited.node.ask("PUT", f"/{target}/_mapping", NUMBER)
    assert kinds(output, [held]) == [STORED]
    if stream:
        limited.node.ask("POST", f"/{target}/_rollover")
    limited.node.ask("PUT", f"/{target}/_mapping", STRICT_NUMBER)
    assert kinds(output, [held, new]) == [ALREADY, OutcomeKind.REFUSED]
    output.close()


def test_what_a_rollover_doubled_is_found_and_deleted_where_it_came_last(limited: LimitedNode, tmp_path: Path) -> None:
    item = InputSettings("doubled", (f"{tmp_path}/logs/*",), "gridftp-transfer", namespace="doubled")
    site = Site(tmp_path, [item], store=limited.settings(data_stream=True))
    site.write("a.log", [transfer(number) for number in range(50)])
    output = LosesOneAnswer(limited, "doubled")
    ship(site, output, EventsLog(text_writer(io.StringIO())))
    output.close()

    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert found(outcome) == [("duplicate", "same id in two indices", "a.log", n, n) for n in range(1, 51)]
        assert (outcome.totals.duplicate, outcome.totals.missing) == (50, 0)

    older, newer = _places(site)
    differs = _first_in(limited.node, newer)
    limited.node.ask("POST", f"/{newer}/_update/{differs}?refresh=true", {"doc": {"user": {"name": "mallory"}}})
    chosen = plan(site.audit())
    assert (len(chosen.resend), len(chosen.delete), len(chosen.left)) == (0, 49, 1)
    assert _places(site) == {older: 50, newer: 50}
    repaired = site.repair()
    assert (repaired.stored, repaired.deleted) == (0, 49)
    kept = [json.loads(line) for line in site.deleted.read_bytes().splitlines()]
    assert Counter(one["_index"] for one in kept) == {newer: 49}
    assert {one["_id"] for one in kept}.isdisjoint({differs})
    assert _places(site) == {older: 50, newer: 1}
    assert site.audit().totals.duplicate == 1

    limited.node.ask("DELETE", f"/{newer}/_doc/{differs}?refresh=true")
    for use_state in (True, False):
        outcome = site.audit(level="contents", use_state=use_state)
        assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 50)


def _places(site: Site) -> Counter[str]:
    """How many documents each backing index holds, the older ones first."""
    with closing(site.open()) as output:
        output.refresh()
        (fingerprint,) = {held.fingerprint for held in output.tallies(Scope(inputs=("doubled",)))}
        counts = Counter(span.place for span in output.spans(fingerprint, 0, 1 << 40))
    return Counter(dict(sorted(counts.items())))


def _first_in(node: ElasticsearchNode, index: str) -> str:
    answer = node.ask("POST", f"/{index}/_search", {"size": 1, "sort": ["log.offset"]})
    return str(answer["hits"]["hits"][0]["_id"])
