"""What OpenSearch says of documents that it does not take is understood, though its words are others."""

from __future__ import annotations

import io

from support.elasticsearch_node import ElasticsearchNode
from support.es_documents import DATASET, batch_of, documents, with_fields

from shipper.clock import SystemClock
from shipper.events_log import EventsLog, text_writer
from shipper.records import OutcomeKind
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset
from shipper.send.preflight import examine
from shipper.settings import ElasticsearchSettings

STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED


def test_what_is_wrong_with_a_document_is_told_as_by_elasticsearch(opensearch: ElasticsearchNode) -> None:
    shipped = [Dataset(DATASET, "poison", {"gridftp.nbytes": "long"})]
    settings = ElasticsearchSettings((opensearch.url,))
    output = ElasticsearchOutput(settings, shipped, SystemClock(), EventsLog(text_writer(io.StringIO())))
    some = documents(3, index=f"{DATASET}-poison-2026.11")
    some[1] = with_fields(some[1], gridftp={"nbytes": "twelve"})
    sent = output.send(batch_of(some)).outcomes
    assert [(outcome.kind, outcome.category) for outcome in sent] == [
        (STORED, ""), (OutcomeKind.REFUSED, "mapping"), (STORED, ""),
    ]  # fmt: skip
    assert [outcome.kind for outcome in output.send(batch_of([some[0], some[2]])).outcomes] == [ALREADY] * 2
    opensearch.ask("PUT", f"/shipper-{DATASET}-poison-2026.11/_settings", {"index.blocks.write": True})
    refused = output.send(batch_of(documents(1, index=some[0].index))).outcomes
    assert {outcome.category for outcome in refused} == {"blocked"}
    opensearch.ask("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 1}})
    elsewhere = output.send(batch_of(documents(1, index=f"{DATASET}-poison-2026.12"))).outcomes
    assert {(outcome.kind, outcome.category) for outcome in elsewhere} == {(OutcomeKind.PAUSED, "shard_limit")}
    output.close()
    checked = examine(settings, shipped, SystemClock().time)
    assert (checked.problems, checked.warnings) == ([], [])
