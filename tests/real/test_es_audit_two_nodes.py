"""A node of a cluster is killed, and with it the only copy of a shard: the audit says at once what it cannot see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.audited_cluster import LINES, NOVEMBER, OCTOBER, AuditedCluster
from support.elasticsearch_node import NINE, ElasticsearchNode, cluster_of_two

HEALTHY = "/_cluster/health?wait_for_status=green&wait_for_no_relocating_shards=true&timeout=120s"

Pair = tuple[ElasticsearchNode, ElasticsearchNode]


@pytest.fixture
def pair(need_elasticsearch: Callable[[str], None]) -> Iterator[Pair]:
    need_elasticsearch(NINE)
    nodes = cluster_of_two()
    try:
        with ThreadPoolExecutor() as threads:  # a node is ready when it has found the other
            list(threads.map(ElasticsearchNode.start, nodes))
        yield nodes
    finally:
        for node in reversed(nodes):
            node.remove()


def on_one_node(node: ElasticsearchNode, index: str, name: str) -> None:
    """Keep an index on the named node alone."""
    settings = {
        "index.auto_expand_replicas": False,
        "index.number_of_replicas": 0,
        "index.routing.allocation.require._name": name,
    }
    node.ask("PUT", f"/{index}/_settings", settings)
    assert not node.ask("GET", HEALTHY)["timed_out"]


def test_a_shard_that_went_with_its_node_ends_the_audit_until_the_node_is_back(pair: Pair, tmp_path: Path) -> None:
    first, second = pair
    site = AuditedCluster(tmp_path, first)
    site.write("a.log", LINES)
    site.ship()
    on_one_node(first, OCTOBER, "first")
    on_one_node(first, NOVEMBER, "second")
    assert site.asked().code == 0

    second.kill()
    for command in (("--level", "ledger"), (), ("--repair", "--apply"), ("--level", "contents")):
        answer = site.asked(*command)
        assert (answer.code, answer.out) == (3, "")
        assert f"These indices lack shards, so nobody can tell what they hold: {NOVEMBER}. " in answer.err
        assert "start the node that is missing" in answer.err

    second.start()
    assert not first.ask("GET", HEALTHY)["timed_out"]
    answer = site.asked("--level", "contents")
    assert (answer.code, answer.found, answer.report["totals"]["indexed"]) == (0, [], len(LINES))
