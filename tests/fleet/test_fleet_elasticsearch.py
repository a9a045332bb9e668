"""The same fleet in a real cluster, with the default of `fleet`; and an auditor's key that may see nothing else."""

import time

from support.fleet import a_fleet, asked, check_damage_and_repair, ship_all

LEDGER = "/shipper-ledger"


class Cluster:
    """A node, and what a test does to what it holds behind the agents' backs."""

    def __init__(self, node):
        self.node = node
        self.output = {"elasticsearch": {"hosts": [node.url]}}

    def delete_documents(self, host, count):
        self.node.ask("POST", "/shipper-*-*/_refresh")
        query = {"size": count, "query": {"term": {"host.name": host.name}}, "sort": ["log.offset"], "_source": False}
        hits = self.node.ask("POST", "/shipper-*-*/_search", query)["hits"]["hits"]
        assert len(hits) == count
        for hit in hits:
            self.node.ask("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}")

    def age(self, host, seconds):
        """As if an agent had been killed some time ago."""
        self.node.ask("POST", f"{LEDGER}/_refresh")
        query = {"query": {"bool": {"filter": [{"term": {"host.name": host.name}}, {"term": {"kind": "agent"}}]}}}
        (hit,) = self.node.ask("POST", f"{LEDGER}/_search", query)["hits"]["hits"]
        said = hit["_source"]
        said["details"] |= {"at": time.time() - seconds, "ended": False}
        self.node.ask("PUT", f"{LEDGER}/_doc/{hit['_id']}", said)


def test_exactly_what_happened_to_five_hosts_is_found_in_a_cluster_and_closed_when_repaired(
    elasticsearch9, tmp_path, monkeypatch
):
    cluster = Cluster(elasticsearch9)
    hosts = a_fleet(tmp_path, cluster)
    for host in hosts:
        text = host.configuration.read_text()
        host.configuration.write_text(text.replace('"fleet": true, ', ""))
        assert "fleet" not in host.configuration.read_text().replace(str(tmp_path), "")
    check_damage_and_repair(hosts, cluster, monkeypatch)
    count = elasticsearch9.ask("GET", f"{LEDGER}/_count?q=kind:agent")["count"]
    assert count == len(hosts), "a sign of life takes the place of the one before"
    mappings = elasticsearch9.ask("GET", f"{LEDGER}/_mapping")["shipper-ledger"]["mappings"]
    assert set(mappings["properties"]) == {"@timestamp", "details", "host", "kind", "log", "shipper"}


def test_an_index_that_nobody_wrote_a_ledger_to_is_not_proved(cluster, tmp_path):
    (host,) = a_fleet(tmp_path, Cluster(cluster), 1)
    host.configure(fleet=False)
    ship_all([host])
    answer = asked(host)
    assert (answer.code, answer.found) == (3, [("dtn01", "unproved", "its agent writes no ledger documents")])


def test_a_ledger_that_is_closed_is_no_answer(cluster, tmp_path):
    (host,) = a_fleet(tmp_path, Cluster(cluster), 1)
    ship_all([host])
    cluster.ask("POST", f"{LEDGER}/_close")
    answer = asked(host)
    assert answer.code == 3
    assert "shipper-ledger" in answer.err
