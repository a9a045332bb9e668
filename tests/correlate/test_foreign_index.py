"""Indices that others filled: all documents, or an error that says what is not whole."""

import json

import pytest
from support.transfers_and_flows import HOSTS_CSV, NOON, flows, sent_document, transfer, write_gridftp

from shipper.cli import execute
from shipper.errors import Exit, OutputError
from shipper.send.connection import Answer
from shipper.send.foreign import ForeignIndex

WHOLE = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}


class Cluster:
    """Answers as a cluster does whose two indices hold three documents; `changes` are merged into answers by path."""

    def __init__(self, changes=None, pages=2):
        self.changes = changes or {}
        self.requests = []
        documents = [
            {"_index": f"flows-{number % 2}", "_id": str(number), "_source": {"n": number}} for number in range(3)
        ]
        hits = [{**document, "sort": [number]} for number, document in enumerate(documents)]
        self.pages = [hits[:2], hits[2:]][:pages]

    def request(self, method, target, body=b"", *, media="application/json"):
        self.requests.append((method, target))
        path = target.partition("?")[0]
        name = next((part for part in ("_resolve", "_cluster") if part in path), path.rpartition("/")[2])
        answer = {
            "_resolve": {"indices": [{"name": f"flows-{n}", "attributes": ["open"]} for n in range(2)]},
            "_cluster": {"indices": {f"flows-{n}": {"status": "yellow"} for n in range(2)}},
            "_refresh": {"_shards": WHOLE},
            "_pit": {"id": "pit", "_shards": WHOLE},
            "_search": {
                "timed_out": False, "_shards": WHOLE,
                "hits": {"total": {"value": 3, "relation": "eq"}, "hits": self.pages[0] if self.pages else []},
            },
        }[name]  # fmt: skip
        if name == "_search":
            assert json.loads(body)["pit"]["id"] == "pit"
            self.pages = self.pages[1:]
        change = self.changes.get(name, {})
        if isinstance(change, Answer):
            return change
        return Answer(200, json.dumps({**answer, **change}).encode())


def test_every_page_is_read_and_the_point_in_time_is_closed():
    cluster = Cluster()
    found = list(ForeignIndex(cluster, "flows-*").documents())
    assert found == [("flows-0", "0", {"n": 0}), ("flows-1", "1", {"n": 1}), ("flows-0", "2", {"n": 2})]
    assert cluster.requests[-1] == ("DELETE", "/_pit")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"_search": {"_shards": {**WHOLE, "successful": 1, "failed": 1}}}, "Only 1 of 2 shards answered"),
        ({"_search": {"_shards": {**WHOLE, "successful": 1}}}, "an index is red"),
        ({"_search": {"timed_out": True}}, "time-out"),
        ({"_search": {"terminated_early": True}}, "ended early"),
        ({"_search": {"_clusters": {"skipped": 1}}}, "Remote clusters"),
        ({"_search": {"hits": {"total": {"value": 3, "relation": "gte"}, "hits": []}}}, "did not count exactly"),
        ({"_search": {"hits": {"total": {"value": 4, "relation": "eq"}, "hits": []}}}, "0 of 4 documents"),
        ({"_search": Answer(503, b"{}")}, "status 503"),
        ({"_search": Answer(0, failure="reset by peer")}, "reset by peer"),
        ({"_resolve": {"indices": [{"name": "flows-0", "attributes": ["closed"]}]}}, "indices are closed"),
        ({"_resolve": {"indices": []}}, "no index of the name flows-"),
        ({"_cluster": {"indices": {"flows-1": {"status": "red"}}}}, "lack shards, .* they hold: flows-1"),
        ({"_refresh": {"_shards": {**WHOLE, "total": 1}}}, "only 1 shards"),
        ({"_pit": {"_shards": {**WHOLE, "successful": 1, "failed": 1}}}, "1 failed"),
    ],
)
def test_half_an_answer_is_none(changes, complaint):
    with pytest.raises(OutputError, match=complaint):
        list(ForeignIndex(Cluster(changes), "flows-*").documents())


def test_a_key_that_may_read_and_not_refresh_is_enough():
    denied = Answer(403, b'{"error":{"type":"security_exception","reason":"unauthorized"},"status":403}')
    assert len(list(ForeignIndex(Cluster({"_refresh": denied, "_cluster": denied}), "flows-*").documents())) == 3


def test_fewer_documents_than_were_counted_are_an_error():
    with pytest.raises(OutputError, match="gave 2 of 3 documents"):
        list(ForeignIndex(Cluster(pages=1), "flows-*").documents())


def test_an_index_that_keeps_no_content_cannot_be_compared():
    cluster = Cluster()
    del cluster.pages[0][0]["_source"]
    with pytest.raises(OutputError, match="_source"):
        list(ForeignIndex(cluster, "flows-*").documents())


def test_correlate_and_audit_ask_a_real_cluster(elasticsearch, tmp_path, capsys):
    (tmp_path / "hosts.csv").write_text(HOSTS_CSV)
    log = write_gridftp(tmp_path / "gridftp-transfer.log", [transfer(), transfer(NOON + 3600)])
    index = "shipper-foreign-flows"  # this name, so that it is deleted with ours
    documents = [sent_document(one) for one in flows(NOON) + flows(NOON + 3600, 3)]
    for number, document in enumerate(documents):
        elasticsearch.ask("POST", f"/{index}-{number % 3}/_doc", document)
    elasticsearch.ask("POST", "/_aliases", {"actions": [{"add": {"index": f"{index}-*", "alias": "foreign-flows"}}]})
    words = [
        "correlate",
        "--gridftp",
        log,
        "--index",
        f"{elasticsearch.url}/{index}-*",
        "--hosts",
        tmp_path / "hosts.csv",
    ]
    assert execute([*map(str, words), "--json"]) == Exit.FINDINGS
    report = json.loads(capsys.readouterr().out)
    assert [(one["found"], one["missing"]) for one in report["results"]] == [(4, 0), (3, 1)]
    by_alias = [str(word).replace(f"{index}-*", "foreign-flows") for word in words]
    assert execute([*by_alias, "--json"]) == Exit.FINDINGS
    assert json.loads(capsys.readouterr().out)["results"] == report["results"]
    elasticsearch.ask("POST", f"/{index}-1/_close")
    assert execute([*map(str, words), "--json"]) == Exit.UNFINISHED
    assert "closed" in capsys.readouterr().err
    assert execute([str(word).replace(index, "shipper-nothing") for word in words]) == Exit.UNFINISHED
