from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shipper.events_log import EventsLog, silent
from shipper.send.connection import Answer
from shipper.send.layout import Layout
from shipper.send.output import Dataset
from shipper.send.retention import DAY, Lifecycle, Retention, expired, longest, period_end, policy_body
from shipper.send.setup import Setup
from shipper.send.templates import policy_of


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("index", "end"),
    [
        ("shipper-a-b-2026.11", "2026-12-01"),
        ("shipper-a-b-2026.12", "2027-01-01"),
        ("shipper-a-b-2024.02.28", "2024-02-29"),
        ("shipper-a-b-2026.12.31", "2027-01-01"),
        ("shipper-a-b-2026", "2027-01-01"),
    ],
)
def test_a_period_ends_where_the_next_begins(index: str, end: str) -> None:
    assert period_end(index) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["suspect", "2026.13", "2026.02.30", "2026.1", "20261", "x2026", "2026.11.01.02", "", "9999"]
)
def test_what_names_no_period_never_ends(name: str) -> None:
    assert period_end(f"shipper-a-b-{name}") is None


def test_an_index_is_expired_when_its_last_event_could_be_older_than_the_retention() -> None:
    retention = Retention("a-b", 30 * DAY, "month")
    indices = ["shipper-a-b-2026.10", "shipper-a-b-2026.09", "shipper-a-b-2026.11", "shipper-a-b-suspect"]
    assert expired(indices, retention, at("2026-12-01") - 1) == ["shipper-a-b-2026.09"]
    assert expired(indices, retention, at("2026-12-01")) == ["shipper-a-b-2026.09", "shipper-a-b-2026.10"]
    assert expired(indices, retention, at("2026-10-31")) == ["shipper-a-b-2026.09"]
    assert expired(indices, retention, at("2026-10-30")) == []


def test_a_policy_waits_for_the_end_of_the_period_since_it_counts_from_its_begin() -> None:
    for period, days in (("day", 401), ("month", 431), ("year", 766)):
        phases = policy_body(Retention("a-b", 400 * DAY, period), Layout.INDICES)["policy"]["phases"]
        assert phases == {"delete": {"min_age": f"{days}d", "actions": {"delete": {}}}}


def test_a_streams_policy_rolls_over_and_counts_from_there() -> None:
    phases = policy_body(Retention("a-b", 400 * DAY, "month"), Layout.DATA_STREAM)["policy"]["phases"]
    assert phases["delete"]["min_age"] == "400d"
    assert "rollover" in phases["hot"]["actions"]


def test_the_longest_period_rules() -> None:
    assert longest(["day", "month", "day"]) == "month"


class PolicyCluster:
    """Stands in for a connection to a cluster that has lifecycle policies, which the distribution for tests has not."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, target: str, body: bytes = b"") -> Answer:
        self.asked.append((method, target))
        if method == "PUT":
            self.kept[target] = orjson.loads(body)
            return Answer(200, b'{"acknowledged":true}')
        if target not in self.kept:
            return Answer(404, b"{}")
        name = target.rpartition("/")[2]
        if "/_ilm/" in target:
            return Answer(200, orjson.dumps({name: {"version": 1, **self.kept[target]}}))
        return Answer(200, orjson.dumps({"index_templates": [{"name": name, "index_template": self.template(name)}]}))

    def template(self, name: str) -> Any:
        """A template as a server tells it: with nested settings."""
        found = self.kept[f"/_index_template/{name}"]
        policy = found["template"]["settings"].get("index.lifecycle.name")
        nested = {"index": {"lifecycle": {"name": policy}} if policy else {}}
        return {**found, "template": {**found["template"], "settings": nested}}


def set_up(cluster: Any, types: dict[str, str], retentions: list[Retention]) -> None:
    lifecycle = Lifecycle(cluster, Layout.INDICES)
    policies = {retention.policy: retention.policy for retention in lifecycle.install(retentions)}
    setup = Setup(cluster, [Dataset("a", "b", types)], EventsLog(silent), Layout.INDICES, policies)
    assert set(setup.apply().values()) == {None}


def test_a_cluster_with_policies_gets_one_and_templates_that_name_it() -> None:
    cluster = PolicyCluster()
    retention = Retention("a-b", 400 * DAY, "month")
    set_up(cluster, {"n": "long"}, [retention])
    assert cluster.kept["/_ilm/policy/shipper-a-b"] == policy_body(retention, Layout.INDICES)
    assert policy_of(cluster.template("shipper-a-b")) == "shipper-a-b"
    assert policy_of(cluster.template("shipper-a-b-suspect")) is None

    done = len(cluster.asked)
    set_up(cluster, {"n": "long"}, [retention])
    assert {method for method, _ in cluster.asked[done:]} == {"GET"}
    set_up(cluster, {"n": "long"}, [Retention("a-b", 10 * DAY, "month")])
    assert cluster.asked[-1][0] == "GET"
    assert cluster.kept["/_ilm/policy/shipper-a-b"]["policy"]["phases"]["delete"]["min_age"] == "41d"


def test_an_agent_that_installs_other_types_leaves_the_policy_in_force() -> None:
    cluster = PolicyCluster()
    set_up(cluster, {"n": "long"}, [Retention("a-b", 400 * DAY, "month")])
    set_up(cluster, {"n": "keyword"}, [])
    assert policy_of(cluster.template("shipper-a-b")) == "shipper-a-b"


def test_a_template_that_was_there_before_the_retention_is_put_under_its_policy() -> None:
    cluster = PolicyCluster()
    set_up(cluster, {"n": "long"}, [])
    assert policy_of(cluster.template("shipper-a-b")) is None
    set_up(cluster, {"n": "long"}, [Retention("a-b", 400 * DAY, "month")])
    assert policy_of(cluster.template("shipper-a-b")) == "shipper-a-b"


def test_indices_that_are_there_already_come_under_the_policy() -> None:
    cluster = PolicyCluster()
    Lifecycle(cluster, Layout.INDICES).adopt([Retention("a-b", DAY, "day")])
    ((target, settings),) = cluster.kept.items()
    assert target.startswith("/shipper-a-b-2*/_settings?")
    assert settings == {"index.lifecycle.name": "shipper-a-b"}
