"""What a genuine cluster says of event times and of values it ignored, and the kind of finding that is made of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.site import HOST, Site, transfer

from shipper.audit.findings import Verdict
from shipper.audit.request import Request
from shipper.audit.window import Window
from shipper.send.output import Flaw, Scope
from shipper.settings import ElasticsearchSettings

TAGS = ("_grokparsefailure", "_type_failure", "_groktimeout")
MIDNIGHT = 1_795_219_200
"""2026-11-21T00:00:00Z."""


def lines() -> list[bytes]:
    """Four hours of transfers, of which every tenth is no transfer."""
    return [transfer(n * 36) if n % 10 else b"what is this, number %d\n" % n for n in range(1, 401)]


def site_with(tmp_path: Path, store: ElasticsearchSettings | None) -> Site:
    site = Site(tmp_path, store=store)
    site.write("a.log", lines())
    site.ship()
    return site


def check_history(site: Site) -> None:
    with closing(site.open()) as output:
        output.refresh()
        hours = {period.start: period.lines for period in output.history(Scope(host=HOST), 3600)}
        minutes = [period.lines for period in output.history(Scope(host=HOST), 60)]
        nobody = list(output.history(Scope(host="other.example.org"), 60))
    # Line 100 n has no time of its own, and happens with the one before it.
    assert hours == {MIDNIGHT + 3600 * hour: 100 for hour in range(4)}
    assert sum(minutes) == 400
    assert nobody == []


def check_flaws(site: Site) -> None:
    with closing(site.open()) as output:
        output.refresh()
        assert list(output.flaws(Scope(host=HOST), TAGS)) == [Flaw(HOST, "gridftp", "_grokparsefailure", "", 40, 40)]
        assert list(output.flaws(Scope(host="other.example.org"), TAGS)) == []


def test_sqlite_tells_times_and_tags(tmp_path: Path) -> None:
    site = site_with(tmp_path, None)
    check_history(site)
    check_flaws(site)


def test_a_tag_that_only_the_text_of_a_line_names_is_no_flaw(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("a.log", [transfer(1).replace(b"alice", b'"_type_failure"'), transfer(2)])
    site.ship()
    with closing(site.open()) as output:
        assert list(output.flaws(Scope(), TAGS)) == []


def test_a_cluster_tells_times_and_tags(elasticsearch: ElasticsearchNode, tmp_path: Path) -> None:
    site = site_with(tmp_path, ElasticsearchSettings((elasticsearch.url,)))
    check_history(site)
    check_flaws(site)
    outcome = site.audit(window=Window(since=MIDNIGHT))
    assert (outcome.verdict, outcome.files) == (Verdict.CLOSED, 1)


def test_each_field_that_a_cluster_ignored_is_counted(elasticsearch: ElasticsearchNode, tmp_path: Path) -> None:
    """A document lists in `_ignored` what its index could not take: made here by a stricter mapping."""
    site = site_with(tmp_path, ElasticsearchSettings((elasticsearch.url,)))
    node = elasticsearch
    node.ask("POST", "/shipper-*/_refresh")
    index = node.ask("GET", "/shipper-*/_search?size=1")["hits"]["hits"][0]["_index"]
    numbers = {"type": "long", "ignore_malformed": True}
    node.ask("PUT", f"/{index}/_mapping", {"properties": {"odd": {"properties": {"one": numbers, "two": numbers}}}})
    hits = node.ask("GET", f"/{index}/_search?size=5")["hits"]["hits"]
    for number, hit in enumerate(hits):
        odd = {"one": "x", **({"two": "y"} if number < 2 else {})}
        node.ask("POST", f"/{index}/_update/{hit['_id']}", {"doc": {"odd": odd}})
    with closing(site.open()) as output:
        output.refresh()
        flaws = {flaw.field: flaw.documents for flaw in output.flaws(Scope(host=HOST), ())}
        values = site.auditor(output).incomplete_values(Request())
    assert flaws == {"odd.one": 5, "odd.two": 2}
    assert {(value.cause.value, value.lines) for value in values} == {
        ("field ignored by the index", 5),
        ("field ignored by the index", 2),
        ("not parsed", 40),
    }
    assert site.audit().verdict is Verdict.CLOSED


@pytest.fixture
def configured(tmp_path: Path) -> Site:
    site = site_with(tmp_path, None)
    (tmp_path / "shipper.yml").write_text(
        f"host: {HOST}\nstate: {tmp_path}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{tmp_path}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {tmp_path}/index.db}}}}\n"
    )
    return site


def test_incomplete_values_are_told_and_are_findings_only_for_who_wants_them(
    configured: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    from shipper import cli

    base = ["audit", "-c", str(configured.root / "shipper.yml")]
    assert cli.execute(base) == 0
    printed = capsys.readouterr().out
    assert f"incomplete value (no fault): gridftp on {HOST}: 40 documents, tag _grokparsefailure" in printed
    assert "Verdict: closed" in printed
    assert cli.execute([*base, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["findings"]) == ("closed", [])
    assert [value["lines"] for value in document["incomplete_values"]] == [40]
    assert cli.execute([*base, "--json", "--fail-on", "missing,incomplete_value"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "findings"
    assert [finding["kind"] for finding in document["findings"]] == ["incomplete_value"]
