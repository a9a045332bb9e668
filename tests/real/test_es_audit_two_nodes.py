"""A node of a cluster is killed, and with it the only copy of a shard: the audit says at once what it cannot see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.audited_cluster import LINES, OCTOBER, OLD, AuditedCluster
from support.elasticsearch_node import NINE, ElasticsearchNode, cluster_of_two

HEALTHY = "/_cluster/health?wait_for_status=green&wait_for_no_relocating_shards=true&timeout=120s"

ONLY_ON_THE_SECOND = {
    "index.auto_expand_replicas": False,
    "index.number_of_replicas": 0,
    "index.routing.allocation.require._name": "second",
}

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


def lose(node: ElasticsearchNode, other: ElasticsearchNode) -> None:
    """Kill a node, and wait until the other has noticed."""
    node.kill()
    assert not other.ask("GET", "/_cluster/health?wait_for_nodes=1&timeout=120s")["timed_out"]


def is_healthy(node: ElasticsearchNode) -> bool:
    return not node.ask("GET", HEALTHY)["timed_out"]


def test_a_shard_that_went_with_its_node_ends_the_audit_until_it_is_back_or_made_again(
    pair: Pair, tmp_path: Path
) -> None:
    first, second = pair
    site = AuditedCluster(tmp_path, first)
    site.write("a.log", LINES)
    site.ship()
    first.ask("PUT", f"/{OCTOBER}/_settings", ONLY_ON_THE_SECOND)  # of the other month each node has a copy
    assert is_healthy(first)
    assert site.asked().code == 0

    lose(second, first)
    for command in (("--level", "ledger"), (), ("--repair", "--apply"), ("--level", "contents")):
        answer = site.asked(*command)
        assert (answer.code, answer.out) == (3, "")
        assert f"These indices lack shards, so nobody can tell what they hold: {OCTOBER}. " in answer.err
        assert "start the node that is missing" in answer.err

    second.start()
    assert is_healthy(first)
    answer = site.asked("--level", "contents")
    assert (answer.code, answer.found, answer.report["totals"]["indexed"]) == (0, [], len(LINES))

    lose(second, first)  # for good
    assert f"lack shards, so nobody can tell what they hold: {OCTOBER}. " in site.asked().err
    first.ask("DELETE", f"/{OCTOBER}")
    assert site.asked().found == [("missing", "gone from the index", "a.log", 1, OLD, "resend")]
    assert site.repaired().code == 0
    assert site.asked("--level", "contents").report["totals"]["indexed"] == len(LINES)
