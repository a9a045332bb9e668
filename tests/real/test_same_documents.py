"""All samples in Elasticsearch 9 and 8.19, in OpenSearch and in SQLite: the same documents, byte for byte."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import VirtualClock
from support.elasticsearch_node import ElasticsearchNode
from support.sample_site import sample_site
from support.site import Site

from shipper.audit.findings import Verdict
from shipper.events_log import EventsLog, silent
from shipper.settings import ElasticsearchSettings
from shipper.start import agent

_ID = re.compile(r'"_id":"([^"]+)"')
_SOURCE = '"_source":'


def held(node: ElasticsearchNode) -> dict[str, bytes]:
    """The bytes of every document of ours, by id."""
    indices = [index["name"] for index in node.ask("GET", "/_resolve/index/shipper-*")["indices"]]
    node.ask("POST", "/shipper-*/_refresh")
    found = [pair for index in indices for pair in documents_of(node, index)]
    assert len(found) == node.ask("GET", "/shipper-*/_count")["count"] == len(dict(found))
    return dict(found)


def documents_of(node: ElasticsearchNode, index: str) -> Iterator[tuple[str, bytes]]:
    """Cut out of the answer, for a parser would write them in its own way. No quote within a document is bare."""
    with urllib.request.urlopen(f"{node.url}/{index}/_search?size=10000", timeout=60) as answer:
        text = answer.read().decode()
    end, decoder = 0, json.JSONDecoder()
    while name := _ID.search(text, end):
        start = text.index(_SOURCE, name.end()) + len(_SOURCE)
        _, end = decoder.raw_decode(text, start)
        yield name[1], text[start:end].encode()


def ship(site: Site) -> None:
    """In one order: files that begin alike share documents, and whichever comes first gives them its path."""
    with agent(site.settings, VirtualClock(), EventsLog(silent), threads=0) as running:
        running.once()


@pytest.mark.slow
def test_every_output_holds_the_same_documents_of_all_samples(
    elasticsearch9: ElasticsearchNode, elasticsearch8: ElasticsearchNode, opensearch: ElasticsearchNode, tmp_path: Path
) -> None:
    site = sample_site(tmp_path)
    ship(site)
    embedded = {name: body for name, _, body in site.documents()}
    assert len(embedded) > 8000
    for node in (elasticsearch9, elasticsearch8, opensearch):
        site.store = ElasticsearchSettings((node.url,))
        ship(site)
        documents = held(node)
        assert documents.keys() == embedded.keys()
        assert [name for name, body in embedded.items() if documents[name] != body] == []
    outcome = site.audit(level="contents")  # of what is in OpenSearch
    assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
