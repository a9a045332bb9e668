"""An answer that is not whole never yields "closed": each way in which a cluster tells less than it holds.

The stand-in holds every line that is on disk; only what it says of it is cut short, as genuine clusters do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bulk_server import BulkServer
from support.site import Site, transfer

from shipper import cli
from shipper.audit.findings import Verdict
from shipper.errors import Exit, OutputError
from shipper.send.reach import NEEDED
from shipper.settings import ElasticsearchSettings

Content = dict[str, Any]
Lie = Callable[[str, Content], Content]


class _Doctored:
    """A request whose answer is changed on its way."""

    def __init__(self, handler: Any, change: Callable[[Content], Content]) -> None:
        self._handler = handler
        self._change = change
        self.command = handler.command

    def answer(self, status: int, content: Content) -> None:
        self._handler.answer(status, self._change(content))


class Liar(BulkServer):
    """Changes what it answers to questions: `lie` is given the path and the truth."""

    lie: Lie = staticmethod(lambda path, content: content)

    def question(self, handler: Any, path: str, body: bytes) -> None:
        super().question(_Doctored(handler, lambda content: self.lie(path, content)), path, body)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as server:
        yield server


@pytest.fixture
def site(liar: Liar, tmp_path: Path) -> Site:
    """Two files, shipped whole."""
    site = Site(tmp_path, store=ElasticsearchSettings((liar.url,)))
    site.write("a.log", [transfer(n) for n in range(50)])
    site.write("b.log", [transfer(n) for n in range(3600, 3650)])
    site.ship()
    return site


def searches(change: Callable[[Content], Content]) -> Lie:
    """Changes the answers of searches only."""
    return lambda path, content: change(content) if path == "/_search" else content


def shards(**changes: int) -> Lie:
    return searches(lambda content: {**content, "_shards": {**content["_shards"], **changes}})


def without_last_bucket(content: Content) -> Content:
    """A page of an aggregation that ends early and does not say so."""
    page = content.get("aggregations", {}).get("all")
    if page and page["buckets"]:
        page["buckets"].pop()
        page.pop("after_key", None)
    return content


def with_inexact_sums(content: Content) -> Content:
    for bucket in content.get("aggregations", {}).get("all", {}).get("buckets", ()):
        bucket["h0"]["value"] = float(1 << 53)
    return content


def with_inexact_total(content: Content) -> Content:
    content["hits"]["total"] = {"value": 10_000, "relation": "gte"}
    return content


def with_closed_index(path: str, content: Content) -> Content:
    for index in content.get("indices", ()) if path.startswith("/_resolve") else ():
        index["attributes"] = ["closed"]
    return content


def with_a_lost_shard(path: str, content: Content) -> Content:
    for health in content["indices"].values() if path.startswith("/_cluster/health/") else ():
        health["status"] = "red"
    return content


def with_a_hidden_field(path: str, content: Content) -> Content:
    """A role sees every field but one: a sum over it would be 0."""
    if path.endswith("/_field_caps"):
        content["fields"] = {
            name: {"keyword": {"aggregatable": True}, **({"unmapped": {"indices": []}} if name == "host.name" else {})}
            for name in NEEDED
            if name != "shipper.h0"
        }
    return content


def without_the_fields_of_an_index(path: str, content: Content) -> Content:
    if path.endswith("/_field_caps"):
        content["failed_indices"], content["failures"] = 1, "no permission"
    return content


def with_more_indices(path: str, content: Content) -> Content:
    """A search asks fewer indices than there are: one was closed or hidden from it in between."""
    if path.startswith("/_resolve"):
        content["indices"] = [*content["indices"], {"name": "shipper-gridftp.transfer-default-2026.12"}]
    return content


TRAPS = {
    "1 the search timed out": (searches(lambda content: {**content, "timed_out": True}), "time-out"),
    "1 the search was ended early": (searches(lambda content: {**content, "terminated_early": True}), "ended early"),
    "2 a shard failed": (shards(failed=1, successful=0), "shards answered"),
    "2 no shard was asked": (shards(total=0, successful=0), "only 0 shards"),
    "2 a shard did not answer": (shards(total=2), "Only 1 of 2 shards"),
    "2 no node has a shard": (with_a_lost_shard, "lack shards"),
    "3 an index is closed": (with_closed_index, "closed"),
    "3 a pattern left an index out": (with_more_indices, "2 indices are there"),
    "4 a remote cluster was skipped": (
        searches(lambda content: {**content, "_clusters": {"total": 2, "successful": 1, "skipped": 1}}),
        "Remote clusters",
    ),
    "5 a field is hidden": (with_a_hidden_field, r"cannot be added up by shipper\.h0\."),
    "5 the fields of an index are not told": (without_the_fields_of_an_index, "fields of all indices"),
    "6 the total is a lower bound": (searches(with_inexact_total), "did not count exactly"),
    "6 buckets are cut off at a size": (searches(without_last_bucket), "doubtful"),
    "8 sums are no exact integers": (searches(with_inexact_sums), "no exact integer"),
}


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize("trap", TRAPS)
def test_an_answer_that_is_not_whole_ends_the_audit(liar: Liar, site: Site, trap: str, use_state: bool) -> None:
    lie, words = TRAPS[trap]
    assert site.audit(use_state=use_state).verdict is Verdict.CLOSED
    liar.lie = lie
    with pytest.raises(OutputError, match=words) as caught:
        site.audit(use_state=use_state)
    assert caught.value.exit_code is Exit.UNFINISHED


def test_2_a_shard_of_an_index_that_is_not_shown_to_us_is_no_matter_of_ours(liar: Liar, site: Site) -> None:
    def of_others(path: str, content: Content) -> Content:
        if path.startswith("/_cluster/health/"):
            content["indices"]["shipper-tstat.tcp-default-2026.11"] = {"status": "red"}
        return content

    liar.lie = of_others
    assert site.audit().verdict is Verdict.CLOSED


def test_2_a_shard_that_is_lost_while_a_refresh_waits_for_it_is_named(liar: Liar, site: Site) -> None:
    asked: list[str] = []

    def dying(path: str, content: Content) -> Content:
        asked.append(path)
        if path.endswith("/_refresh"):
            content["_shards"]["failed"] = 1
        return with_a_lost_shard(path, content) if any(one.endswith("/_refresh") for one in asked) else content

    liar.lie = dying
    with pytest.raises(OutputError, match="lack shards"):
        site.audit()


@pytest.mark.parametrize("use_state", [True, False])
def test_6_a_page_of_documents_that_is_cut_off_ends_the_audit(liar: Liar, site: Site, use_state: bool) -> None:
    del liar.stored[next(iter(liar.stored))]  # so that a bucket is drilled down, and its documents are listed
    assert site.audit(use_state=use_state).verdict is Verdict.FINDINGS

    pages: list[int] = []

    def cut(content: Content) -> Content:
        hits = content["hits"]["hits"]
        if pages or (len(hits) == 49 and "aggregations" not in content):
            content["hits"]["hits"] = [] if pages else hits[:10]
            pages.append(len(hits))
        return content

    liar.lie = searches(cut)
    with pytest.raises(OutputError, match=r"gave 10 of 49 documents"):
        site.audit(use_state=use_state)


@pytest.mark.parametrize("use_state", [True, False])
def test_3_a_pattern_that_matches_no_index_is_no_empty_index(liar: Liar, site: Site, use_state: bool) -> None:
    liar.lie = lambda path, content: {**content, "indices": []} if path.startswith("/_resolve") else content
    outcome = site.audit(use_state=use_state)
    # Without a state nothing tells whether this host ever shipped to this index.
    verdict = Verdict.FINDINGS if use_state else Verdict.INCOMPLETE
    assert (outcome.verdict, outcome.totals.missing) == (verdict, 100)


@pytest.mark.parametrize("use_state", [True, False])
def test_5_documents_that_a_role_may_not_see_are_missing_and_never_closed(
    liar: Liar, site: Site, use_state: bool
) -> None:
    hidden = next(iter(liar.stored))
    see_all = liar.points_in_time.open

    def see_some(stored: dict[tuple[str, str], bytes]) -> str:
        return see_all({place: body for place, body in stored.items() if place != hidden})

    liar.points_in_time.open = see_some
    outcome = site.audit(use_state=use_state)
    assert (outcome.verdict, outcome.totals.missing) == (Verdict.FINDINGS, 1)


@pytest.mark.parametrize("level", ["ledger", "disk"])
def test_7_an_index_that_retention_deleted_is_missing_and_never_closed(liar: Liar, site: Site, level: str) -> None:
    liar.stored.clear()
    outcome = site.audit(level=level)
    assert outcome.totals.missing == 100
    assert {finding.cause.value for finding in outcome.findings} == {"gone from the index"}


def test_the_command_ends_with_three_and_says_why(liar: Liar, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.root / "shipper.yml").write_text(
        f"host: dtn01.example.org\nstate: {site.root}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{site.logs}/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{elasticsearch: {{hosts: ['{liar.url}']}}}}\n"
    )
    command = ["audit", "-c", str(site.root / "shipper.yml"), "--json"]
    assert cli.execute(command) == 0
    capsys.readouterr()
    liar.lie = searches(lambda content: {**content, "timed_out": True})
    assert cli.execute(command) == 3
    printed = capsys.readouterr()
    assert "time-out" in printed.err
    assert printed.out == ""
