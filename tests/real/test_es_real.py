"""The Elasticsearch output against the genuine servers, 9 and 8.19."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from itertools import count

import orjson
import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.es_documents import DATASET, HOST, INPUT, PATH, batch_of, documents, with_fields

from shipper.clock import SystemClock
from shipper.errors import OutputError
from shipper.events_log import EventsLog, text_writer
from shipper.records import Document, Outcome, OutcomeKind, bucket_of, total
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset, Scope
from shipper.settings import ElasticsearchSettings

STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED
PAUSED, REFUSED = OutcomeKind.PAUSED, OutcomeKind.REFUSED
INDEX = f"shipper-{DATASET}-default-2026.11"
DATASETS = [Dataset(DATASET, "default", {"gridftp.nbytes": "long", "source.ip": "ip"})]


@pytest.fixture
def output(elasticsearch: ElasticsearchNode) -> Iterator[ElasticsearchOutput]:
    settings = ElasticsearchSettings((elasticsearch.url,))
    opened = ElasticsearchOutput(settings, DATASETS, SystemClock(), EventsLog(text_writer(io.StringIO())))
    yield opened
    opened.close()


def outcomes(output: ElasticsearchOutput, some: list[Document]) -> list[Outcome]:
    return list(output.send(batch_of(some)).outcomes)


def kinds(output: ElasticsearchOutput, some: list[Document]) -> Counter[OutcomeKind]:
    return Counter(outcome.kind for outcome in outcomes(output, some))


def all_spans(output: ElasticsearchOutput, fingerprint: str) -> list[tuple[str, int]]:
    output.refresh()
    return [(stored.id, stored.offset) for stored in output.spans(fingerprint, 0, 1 << 47)]


def test_what_is_sent_again_changes_nothing(output: ElasticsearchOutput) -> None:
    some = documents(1000)
    assert kinds(output, some) == {STORED: 1000}
    assert kinds(output, some) == {ALREADY: 1000}
    assert all_spans(output, some[0].source.fingerprint) == [(d.id, d.offset) for d in some]


def test_the_index_tells_exactly_what_was_sent(output: ElasticsearchOutput) -> None:
    some = documents(12_000)
    fingerprint = some[0].source.fingerprint
    assert kinds(output, some) == {STORED: 12_000}
    output.refresh()
    spans = list(output.spans(fingerprint, 0, 1 << 47))
    assert [(s.id, s.offset, s.tally, s.pipeline, s.place, s.path, s.tags, s.ignored) for s in spans] == [
        (d.id, d.offset, d.tally, d.pipeline, INDEX, PATH, ("one", "two"), ()) for d in some
    ]
    assert [s.offset for s in output.spans(fingerprint, some[10].offset, some[20].offset)] == [
        d.offset for d in some[10:20]
    ]
    wanted = [document.id for document in some[::50]]
    bodies = output.bodies([*wanted, "no-such-id"], fingerprint=fingerprint)
    assert bodies == {document.id: document.body for document in some[::50]}


def test_tallies_per_file_and_bucket_equal_what_was_sent(output: ElasticsearchOutput) -> None:
    far = documents(500, seed="far")
    for document, step in zip(far, count(0, 1_000_003)):
        document.offset = step
    moved = [with_fields(d, log={"offset": d.offset, "file": {"fingerprint": d.source.fingerprint}}) for d in far]
    near = documents(300, seed="near", host="dtn02.example.org")
    assert kinds(output, moved + near) == {STORED: 800}
    output.refresh()
    found = list(output.tallies(Scope(host=HOST)))
    buckets = {
        bucket: [d for d in far if bucket_of(d.offset) == bucket] for bucket in {bucket_of(d.offset) for d in far}
    }
    assert len(buckets) > 20
    assert {(f.host, f.input, f.fingerprint, f.bucket, f.documents, f.tally, f.first) for f in found} == {
        (HOST, INPUT, far[0].source.fingerprint, bucket, len(some), total(d.tally for d in some), some[0].offset)
        for bucket, some in buckets.items()
    }
    [other] = output.tallies(Scope(fingerprints=(near[0].source.fingerprint,)))
    assert (other.host, other.tally) == ("dtn02.example.org", total(d.tally for d in near))
    assert list(output.tallies(Scope(inputs=("another",)))) == []
    assert sum(f.documents for f in output.tallies(Scope(inputs=(INPUT,)))) == 800


def test_tallies_that_fill_several_pages_are_all_read(
    output: ElasticsearchOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.send.questions._BUCKETS_PER_PAGE", 7)
    some = [documents(1, seed=f"file number {number}")[0] for number in range(50)]
    assert kinds(output, some) == {STORED: 50}
    output.refresh()
    assert {(found.fingerprint, found.tally) for found in output.tallies(Scope())} == {
        (document.source.fingerprint, document.tally) for document in some
    }


def test_before_the_first_document_an_index_holds_nothing(output: ElasticsearchOutput) -> None:
    output.refresh()
    assert list(output.tallies(Scope())) == []
    assert list(output.spans("0" * 16, 0, 100)) == []
    assert output.bodies(["x"], fingerprint="0" * 16) == {}
    assert output.anchors("0" * 16) == []


def test_indices_stand_behind_an_alias_with_our_types(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    assert kinds(output, documents(2)) == {STORED: 2}
    [(name, index)] = elasticsearch.ask("GET", f"/shipper-{DATASET}-default").items()
    assert name == INDEX
    properties = index["mappings"]["properties"]
    assert properties["@timestamp"]["type"] == "date_nanos"
    assert properties["shipper"]["properties"]["h0"] == {"type": "long", "index": False}
    assert properties["gridftp"]["properties"]["nbytes"]["type"] == "long"


def test_one_poison_document_is_refused_with_the_servers_reason_and_the_others_are_stored(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    some = documents(10_000)
    assert kinds(output, some[:1]) == {STORED: 1}
    elasticsearch.ask("PUT", f"/{INDEX}/_mapping", {"dynamic": "strict"})
    some[4711] = with_fields(some[4711], surprise="x")
    sent = outcomes(output, some)
    assert Counter(outcome.kind for outcome in sent) == {ALREADY: 1, STORED: 9998, REFUSED: 1}
    assert sent[4711].category == "mapping"
    assert "[surprise]" in sent[4711].reason
    elasticsearch.ask("PUT", f"/{INDEX}/_mapping", {"properties": {"surprise": {"type": "keyword"}}})
    assert kinds(output, [some[4711]]) == {STORED: 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"gridftp": {"nbytes": "12"}},
        {"gridftp": {"nbytes": 1.5}},
        {"gridftp": 7},
        {"source": {"ip": "host.example.org"}},
        {"@timestamp": "1969-12-31T23:59:59Z"},
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_not_bent(
    output: ElasticsearchOutput, fields: dict[str, object]
) -> None:
    bad, good = documents(2)
    sent = outcomes(output, [with_fields(bad, **fields), good])
    assert [(outcome.kind, outcome.category) for outcome in sent] == [(REFUSED, "mapping"), (STORED, "")]
    assert "document_parsing_exception" in sent[0].reason


def test_undeclared_fields_take_integers_decimals_and_long_texts_alike(output: ElasticsearchOutput) -> None:
    first, second, third = documents(3)
    some = [
        with_fields(first, more={"n": 1, "text": "2026-11-22"}),
        with_fields(second, more={"n": 1.5, "text": "no date"}),
        with_fields(third, more={"n": -3, "text": "é" * 20_000}),
    ]
    assert kinds(output, some) == {STORED: 3}
    output.refresh()
    stored = list(output.spans(first.source.fingerprint, 0, 1 << 47))
    assert [s.ignored for s in stored] == [(), (), ("more.text",)]


def test_a_line_of_a_mebibyte_without_a_space_is_stored(output: ElasticsearchOutput) -> None:
    [document] = documents(1, padding=1 << 20)
    assert kinds(output, [document]) == {STORED: 1}
    output.refresh()
    assert output.bodies([document.id], fingerprint=document.source.fingerprint) == {document.id: document.body}


def test_a_suspect_time_of_any_year_is_stored(output: ElasticsearchOutput) -> None:
    one, two = documents(2, index=f"{DATASET}-default-suspect")
    some = [
        with_fields(one, **{"@timestamp": "1969-12-31T23:59:59.999Z"}),
        with_fields(two, **{"@timestamp": "2101-01-01T00:00:00Z"}),
    ]
    assert kinds(output, some) == {STORED: 2}
    assert len(all_spans(output, one.source.fingerprint)) == 2


def test_a_blocked_index_pauses_until_the_block_is_lifted(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    some = documents(3)
    assert kinds(output, some[:1]) == {STORED: 1}
    for block in ("index.blocks.write", "index.blocks.read_only_allow_delete"):
        elasticsearch.ask("PUT", f"/{INDEX}/_settings", {block: True})
        assert {(o.kind, o.category) for o in outcomes(output, some)} == {(PAUSED, "blocked")}
        elasticsearch.ask("PUT", f"/{INDEX}/_settings", {block: None})
    assert kinds(output, some) == {ALREADY: 1, STORED: 2}


def test_the_shard_limit_pauses_and_is_no_fault_of_the_documents(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    elasticsearch.ask("PUT", f"/shipper-{DATASET}-default-2026.10")
    elasticsearch.ask("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 1}})
    assert {(o.kind, o.category) for o in outcomes(output, documents(2))} == {(PAUSED, "shard_limit")}
    elasticsearch.ask("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": None}})
    assert kinds(output, documents(2)) == {STORED: 2}


def test_a_full_mapping_pauses_and_is_no_fault_of_the_document(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    one, two = documents(2)
    assert kinds(output, [one]) == {STORED: 1}
    elasticsearch.ask("PUT", f"/{INDEX}/_settings", {"index.mapping.total_fields.limit": 1})
    grown = with_fields(two, another={"field": 1})
    assert [(o.kind, o.category) for o in outcomes(output, [grown])] == [(PAUSED, "total_fields")]


def test_a_closed_index_pauses_sending_and_spoils_every_answer(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    some = documents(3)
    assert kinds(output, some) == {STORED: 3}
    elasticsearch.ask("POST", f"/{INDEX}/_close")
    assert {(o.kind, o.category) for o in outcomes(output, some)} == {(PAUSED, "closed")}
    fingerprint = some[0].source.fingerprint
    for question in (
        output.refresh,
        lambda: list(output.tallies(Scope())),
        lambda: list(output.spans(fingerprint, 0, 100)),
        lambda: output.bodies([some[0].id], fingerprint=fingerprint),
        lambda: output.anchors(fingerprint),
    ):
        with pytest.raises(OutputError, match=f"closed.*{INDEX}"):
            question()


def test_an_index_without_its_shard_spoils_every_answer(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    some = documents(3)
    assert kinds(output, some) == {STORED: 3}
    output.refresh()
    red = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
    elasticsearch.ask("PUT", f"/shipper-{DATASET}-default-2026.12?wait_for_active_shards=0", red)
    with pytest.raises(OutputError, match=r"status 503|shards"):
        list(output.tallies(Scope()))
    with pytest.raises(OutputError, match=r"status 503|shards"):
        list(output.spans(some[0].source.fingerprint, 0, 100))


def test_documents_of_others_in_our_indices_spoil_the_tallies_and_are_told(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    assert kinds(output, documents(3)) == {STORED: 3}
    elasticsearch.ask("POST", f"/{INDEX}/_doc", {"message": "by hand"})
    output.refresh()
    with pytest.raises(OutputError, match=r"1 of 4 documents .* something else wrote them"):
        list(output.tallies(Scope()))


def test_the_same_id_in_two_indices_is_seen_twice_and_one_can_be_deleted(output: ElasticsearchOutput) -> None:
    some, again = documents(3), documents(3)
    again[1].index = f"{DATASET}-default-2026.12"
    assert kinds(output, [*some, again[1]]) == {STORED: 4}
    output.refresh()
    fingerprint = some[0].source.fingerprint
    found = [(stored.id, stored.place) for stored in output.spans(fingerprint, 0, 1 << 47)]
    assert Counter(name for name, _ in found) == {some[0].id: 1, some[1].id: 2, some[2].id: 1}
    doubled = (some[1].id, f"shipper-{again[1].index}")
    assert doubled in found
    assert output.delete([doubled[::-1], doubled[::-1], (INDEX, "no-such-id")]) == 1
    assert all_spans(output, fingerprint) == [(d.id, d.offset) for d in some]


def test_a_deletion_that_is_forbidden_is_an_error(
    output: ElasticsearchOutput, elasticsearch: ElasticsearchNode
) -> None:
    [document] = documents(1)
    assert kinds(output, [document]) == {STORED: 1}
    elasticsearch.ask("PUT", f"/{INDEX}/_settings", {"index.blocks.write": True})
    with pytest.raises(OutputError, match="1 of 1 documents could not be deleted"):
        output.delete([(INDEX, document.id)])


def test_date_marks_are_read_back_from_the_documents(output: ElasticsearchOutput) -> None:
    some = documents(4)
    marks = [(0, "2026-11-20"), (0, "2026-11-20"), (700, "2026-11-21"), None]
    marked = []
    for document, mark in zip(some, marks, strict=True):
        shipper = orjson.loads(document.body)["shipper"]
        marked.append(
            with_fields(document, shipper=shipper | ({"date_from": mark[0], "date": mark[1]} if mark else {}))
        )
    assert kinds(output, marked) == {STORED: 4}
    output.refresh()
    assert output.anchors(some[0].source.fingerprint) == [(0, "2026-11-20"), (700, "2026-11-21")]
    assert output.anchors("0" * 16) == []


def test_the_identity_is_that_of_the_cluster(output: ElasticsearchOutput, elasticsearch: ElasticsearchNode) -> None:
    assert output.identity == elasticsearch.ask("GET", "/_cluster/state/version")["cluster_uuid"]
