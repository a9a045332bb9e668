"""The audit against the genuine servers: what a cluster says about itself is enough to prove and to repair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.elasticsearch_node import ElasticsearchNode
from support.sample_site import sample_site
from support.site import Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.settings import ElasticsearchSettings


def hits(node: ElasticsearchNode, file: str, offsets: list[int]) -> list[dict[str, Any]]:
    """The stored documents of a file at some offsets, in their order."""
    query = {
        "size": len(offsets),
        "query": {
            "bool": {"filter": [{"terms": {"log.offset": offsets}}, {"wildcard": {"log.file.path": f"*/{file}"}}]}
        },
        "sort": ["log.offset"],
    }
    answer = node.ask("POST", "/shipper-*/_search", query)
    assert len(answer["hits"]["hits"]) == len(offsets)
    return list(answer["hits"]["hits"])


def test_every_sample_is_closed_with_and_without_state(elasticsearch9: ElasticsearchNode, tmp_path: Path) -> None:
    """On 8.19 the commands of a user do it with the same samples, in `tests/acceptance`."""
    site = sample_site(tmp_path)
    site.store = ElasticsearchSettings((elasticsearch9.url,))
    site.ship()
    totals = None
    for use_state in (True, False):
        for level in ("disk", "contents"):
            outcome = site.audit(level=level, use_state=use_state)
            assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
            assert totals in (None, outcome.totals)
            totals = outcome.totals
    assert totals is not None
    assert totals.disk_lines == totals.indexed + totals.filtered + totals.dead_letters + totals.pending


def test_damage_in_a_cluster_is_named_and_what_is_missing_is_made_again(
    elasticsearch: ElasticsearchNode, tmp_path: Path
) -> None:
    lines = [transfer(n) for n in range(400)]
    offsets = [sum(map(len, lines[:number])) for number in range(400)]
    site = Site(tmp_path, store=ElasticsearchSettings((elasticsearch.url,)))
    site.write("a.log", lines)
    site.ship()
    node = elasticsearch
    node.ask("POST", "/shipper-*/_refresh")
    gone, tally, field, twice = (hits(node, "a.log", [offsets[number]])[0] for number in (9, 99, 199, 299))
    node.ask("DELETE", f"/{gone['_index']}/_doc/{gone['_id']}")
    node.ask("POST", f"/{tally['_index']}/_update/{tally['_id']}", {"doc": {"shipper": {"h0": 1}}})
    node.ask("POST", f"/{field['_index']}/_update/{field['_id']}", {"doc": {"user": {"name": "mallory"}}})
    other = twice["_index"].replace("2026.11", "2026.12")
    node.ask("PUT", f"/{other}/_doc/{twice['_id']}", twice["_source"])
    wanted = [
        ("missing", "gone from the index", "a.log", 10, 10),
        ("altered", "changed in the index", "a.log", 100, 100),
        ("duplicate", "same id in two indices", "a.log", 300, 300),
    ]
    assert found(site.audit()) == wanted
    assert found(site.audit(level="contents")) == [
        *wanted[:2],
        ("altered", "changed in the index", "a.log", 200, 200),
        *wanted[2:],
    ]
    repaired = site.repair()
    assert (repaired.stored, repaired.deleted) == (1, 1)
    kept = {"_index": other, "_id": twice["_id"], "_source": twice["_source"]}
    assert [json.loads(line) for line in site.deleted.read_bytes().splitlines()] == [kept]
    assert [hit["_index"] for hit in hits(node, "a.log", [offsets[299]])] == [twice["_index"]]
    assert found(site.audit()) == wanted[1:2]


def test_events_that_share_a_line_are_summed_by_a_cluster_as_the_line_is_on_disk(
    elasticsearch: ElasticsearchNode, tmp_path: Path
) -> None:
    record = transfer(2).replace(b"FILE=/data", b"FILE=/data" + b"/deep" * 830)[:4095]
    site = Site(tmp_path, store=ElasticsearchSettings((elasticsearch.url,)))
    lines = [record + transfer(number) for number in range(40)]
    site.write("a.log", lines)
    site.ship()
    node = elasticsearch
    node.ask("POST", "/shipper-*/_refresh")
    offset = sum(map(len, lines[:7]))
    pieces = hits(node, "a.log", [offset, offset + 4095])
    assert all(piece["_source"]["tags"][-1] == "_line_split" for piece in pieces)
    for level in ("ledger", "disk", "contents"):
        assert (site.audit(level=level).verdict, site.audit(level=level).totals.indexed) == (Verdict.CLOSED, 40)

    for piece in pieces:
        node.ask("DELETE", f"/{piece['_index']}/_doc/{piece['_id']}")
        assert found(site.audit()) == [("missing", "gone from the index", "a.log", 8, 8)]
        assert site.repair().stored == 1
    assert site.audit(use_state=False, level="contents").verdict is Verdict.CLOSED
