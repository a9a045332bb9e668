"""OpenSearch takes the same documents, tells the same of them, and the audit closes over it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.elasticsearch_node import NINE
from support.es_documents import DATASET, batch_of, documents, with_fields
from support.opensearch_node import OpenSearchNode
from support.sample_site import sample_site
from support.site import Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.clock import SystemClock
from shipper.events_log import EventsLog, text_writer
from shipper.records import OutcomeKind
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset
from shipper.send.preflight import examine
from shipper.settings import ElasticsearchSettings, InputSettings

KINDS = ("transfers", "frontend", "heartbeat", "tstat-udp")
"""Inputs of the samples: grok and columns, times with and without a date."""
STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED


@pytest.fixture(scope="module")
def node(need_elasticsearch: Callable[[str], None]) -> Iterator[OpenSearchNode]:
    need_elasticsearch(NINE)  # the same tools
    running = OpenSearchNode()
    try:
        running.start()
        yield running
    finally:
        running.remove()


def test_samples_of_each_kind_are_stored_once_and_the_audit_is_closed(node: OpenSearchNode, tmp_path: Path) -> None:
    site = sample_site(tmp_path)
    site.store = ElasticsearchSettings((node.url,))
    site.inputs = [item for item in site.inputs if item.name in KINDS]
    site.ship()
    outcome = site.audit(level="contents")
    assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
    site.forget()
    site.ship()
    again = site.audit()
    assert (again.verdict, again.totals) == (Verdict.CLOSED, outcome.totals)


def test_what_is_wrong_with_a_document_is_told_as_by_elasticsearch(node: OpenSearchNode) -> None:
    shipped = [Dataset(DATASET, "poison", {"gridftp.nbytes": "long"})]
    settings = ElasticsearchSettings((node.url,))
    output = ElasticsearchOutput(settings, shipped, SystemClock(), EventsLog(text_writer(io.StringIO())))
    some = documents(3, index=f"{DATASET}-poison-2026.11")
    some[1] = with_fields(some[1], gridftp={"nbytes": "twelve"})
    sent = output.send(batch_of(some)).outcomes
    assert [(outcome.kind, outcome.category) for outcome in sent] == [
        (STORED, ""), (OutcomeKind.REFUSED, "mapping"), (STORED, ""),
    ]  # fmt: skip
    assert [outcome.kind for outcome in output.send(batch_of([some[0], some[2]])).outcomes] == [ALREADY] * 2
    node.ask("PUT", f"/shipper-{DATASET}-poison-2026.11/_settings", {"index.blocks.write": True})
    assert {outcome.category for outcome in output.send(batch_of(documents(1, index=some[0].index))).outcomes} == {
        "blocked"
    }
    output.close()
    checked = examine(settings, shipped, SystemClock().time)
    assert (checked.problems, checked.warnings) == ([], [])


def test_a_data_stream_that_was_rolled_over_holds_doubles_and_the_audit_finds_them(
    node: OpenSearchNode, tmp_path: Path
) -> None:
    item = InputSettings("doubled", (f"{tmp_path}/logs/*",), "gridftp-transfer", namespace="doubled")
    site = Site(tmp_path, [item], store=ElasticsearchSettings((node.url,), data_stream=True))
    site.write("a.log", [transfer(number) for number in range(20)])
    site.ship()
    assert site.audit().verdict is Verdict.CLOSED
    node.ask("POST", "/shipper-gridftp.transfer-doubled/_rollover")
    site.forget()
    site.ship()
    assert found(site.audit()) == [("duplicate", "same id in two indices", "a.log", n, n) for n in range(1, 21)]
