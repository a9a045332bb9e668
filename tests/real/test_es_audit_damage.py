"""What is done to a genuine cluster behind the agent's back: the audit finds just that, tells how to mend it, closes.

Every case goes the way of the person who is called at night: the command, what it prints, what it says to do, the
command again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.audited_cluster import ALIAS, DECEMBER, LINES, NOVEMBER, OCTOBER, OLD, AuditedCluster
from support.elasticsearch_node import ElasticsearchNode
from support.site import found, transfer

GONE = ("missing", "gone from the index", "a.log")
TWICE = ("duplicate", "same id in two indices", "a.log")
CHANGED = ("altered", "changed in the index", "a.log")


def shipped(root: Path, node: ElasticsearchNode) -> AuditedCluster:
    site = AuditedCluster(root, node)
    site.write("a.log", LINES)
    site.ship()
    return site


@pytest.fixture
def site(tmp_path: Path, elasticsearch9: ElasticsearchNode) -> AuditedCluster:
    return shipped(tmp_path, elasticsearch9)


def bytes_of(first: int, last: int) -> int:
    return sum(map(len, LINES[first - 1 : last]))


def is_closed(site: AuditedCluster) -> bool:
    """Whether the deepest look finds every line in its place."""
    answer = site.asked("--level", "contents")
    totals = answer.report["totals"]
    return (answer.code, answer.found, totals["indexed"]) == (0, [], len(LINES))


def test_deleted_documents_are_made_again(tmp_path: Path, elasticsearch: ElasticsearchNode) -> None:
    site = shipped(tmp_path, elasticsearch)
    assert is_closed(site)
    site.delete(10, 11, 12, 30)
    answer = site.asked()
    assert (answer.code, answer.report["verdict"], answer.report["totals"]["missing"]) == (1, "findings", 4)
    assert answer.found == [(*GONE, 10, 12, "resend"), (*GONE, 30, 30, "resend")]
    first = answer.report["findings"][0]
    assert (first["lines"], first["bytes"], first["offset"]) == (3, bytes_of(10, 12), bytes_of(1, 9))
    assert first["example"].startswith("DATE=20261021000009")
    assert "the ledger counts 60 stored lines in this part of the file, the index holds 56" in first["evidence"]
    assert found(site.audit(use_state=False)) == [
        ("missing", "not in the index", "a.log", 10, 12), ("missing", "not in the index", "a.log", 30, 30),
    ]  # fmt: skip
    told = site.shipper("audit")
    assert told.next == f"audit -c {site.configuration} --repair --apply"
    repaired = site.repaired()
    assert (repaired.code, repaired.found) == (0, [])
    assert "Repaired: 4 documents stored, 0 were there already." in repaired.err
    assert is_closed(site)


def test_a_month_that_was_deleted_is_missing_whole_and_its_index_is_named(site: AuditedCluster) -> None:
    site.node.ask("DELETE", f"/{OCTOBER}")
    answer = site.asked()
    assert (answer.code, answer.found) == (1, [(*GONE, 1, OLD, "resend")])
    assert f"there is no index {OCTOBER} any more" in answer.evidence[0]
    site.delete(50)
    answer = site.asked()
    assert answer.found == [(*GONE, 1, OLD, "resend"), (*GONE, 50, 50, "resend")]
    assert [OCTOBER in evidence for evidence in answer.evidence] == [True, False]
    assert site.repaired().code == 0
    assert is_closed(site)


def test_an_older_copy_of_an_index_lacks_what_came_after_it(site: AuditedCluster) -> None:
    restored = [site.hit(line) for line in range(OLD + 1, 41)]
    site.node.ask("DELETE", f"/{NOVEMBER}")
    for document in restored:
        site.put(NOVEMBER, document["_id"], document["_source"])
    answer = site.asked()
    assert (answer.code, answer.found) == (1, [(*GONE, 41, 60, "resend")])
    assert "the index holds 40" in answer.evidence[0]
    assert "Repaired: 20 documents stored, 0 were there already." in site.repaired().err
    assert is_closed(site)


def test_an_equal_copy_in_another_month_is_deleted_after_it_was_kept(site: AuditedCluster) -> None:
    document = site.hit(25)
    site.put(DECEMBER, document["_id"], document["_source"])
    answer = site.asked()
    assert (answer.code, answer.found) == (1, [(*TWICE, 25, 25, "delete")])
    assert answer.evidence[0].endswith(f"is in {DECEMBER}, too; its equal in {NOVEMBER} is in its place")
    kept = site.root / "kept.ndjson"
    assert site.repaired("--deleted", str(kept)).code == 0
    assert json.loads(kept.read_text())["_source"] == document["_source"]
    assert site.hit(25)["_index"] == NOVEMBER
    assert is_closed(site)


def test_a_copy_that_differs_is_left_to_the_person_who_is_told_where_both_are(site: AuditedCluster) -> None:
    document = site.hit(25)
    site.put(DECEMBER, document["_id"], {**document["_source"], "user": {"name": "mallory"}})
    answer = site.repaired()
    assert (answer.code, answer.found) == (1, [(*TWICE, 25, 25, None)])
    assert answer.evidence[0].endswith(f"in {DECEMBER}, too; the one in {NOVEMBER} has another content")
    assert "Deleted" not in answer.err
    assert "What to do, same id in two indices: Compare the copies" in site.shipper("audit").out
    site.node.ask("DELETE", f"/{DECEMBER}/_doc/{document['_id']}")
    assert is_closed(site)


def test_an_overwritten_document_is_told_by_place_and_made_again_once_it_is_deleted(site: AuditedCluster) -> None:
    one, other = site.hit(25), site.hit(26)
    site.put(NOVEMBER, one["_id"], other["_source"])
    answer = site.repaired()
    assert (answer.code, answer.found) == (1, [(*CHANGED, 25, 25, None)])
    assert f"document {one['_id']} in {NOVEMBER}" in answer.evidence[0]
    assert "Plan: nothing can be repaired" in answer.err
    assert "What to do, changed in the index: If the file is right, delete the" in site.shipper("audit").out
    site.node.ask("DELETE", f"/{NOVEMBER}/_doc/{one['_id']}")
    assert site.repaired().code == 0
    assert is_closed(site)


@pytest.mark.parametrize(
    ("change", "field"), [({"message": "something else"}, "message"), ({"user": {"name": "mallory"}}, "user.name")]
)
def test_a_changed_field_is_seen_by_the_level_of_contents(
    site: AuditedCluster, change: dict[str, object], field: str
) -> None:
    document = site.hit(25)
    site.put(NOVEMBER, document["_id"], {**document["_source"], **change})
    assert site.asked().code == 0
    answer = site.asked("--level", "contents")
    assert (answer.code, answer.found) == (1, [(*CHANGED, 25, 25, None)])
    assert answer.evidence == [f"document {document['_id']} in {NOVEMBER} differs in {field}"]
    site.delete(25)
    assert site.repaired("--level", "contents").code == 0
    assert is_closed(site)


def test_a_document_that_belongs_to_no_line_is_unexpected(site: AuditedCluster) -> None:
    source = site.hit(25)["_source"]
    source["log"]["offset"] += 7
    site.put(NOVEMBER, "invented", source)
    answer = site.asked()
    assert (answer.code, answer.found) == (1, [("unexpected", "never on disk", "a.log", 25, 25, None)])
    assert answer.evidence == [f"document invented in {NOVEMBER} belongs to no line of the file"]
    site.node.ask("DELETE", f"/{NOVEMBER}/_doc/invented")
    assert is_closed(site)


def test_documents_of_another_host_are_no_finding_of_ours(
    site: AuditedCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = site.asked().report["totals"]
    other = AuditedCluster(tmp_path_factory.mktemp("other"), site.node, host="dtn02.example.org")
    other.write("a.log", LINES[:30])
    other.ship()
    assert (site.asked().code, site.asked().report["totals"]) == (0, before)
    other.delete_all()
    assert site.asked().code == 0
    assert other.asked().report["totals"]["missing"] == 30


@pytest.mark.parametrize("level", ["ledger", "disk", "contents"])
def test_a_closed_index_ends_the_audit_with_the_way_to_open_it(site: AuditedCluster, level: str) -> None:
    site.node.ask("POST", f"/{OCTOBER}/_close")
    answer = site.repaired("--level", level) if level != "ledger" else site.asked("--level", level)
    assert (answer.code, answer.out) == (3, "")
    assert f"These indices are closed, so nobody can tell what they hold: {OCTOBER}." in answer.err
    assert f"POST /{OCTOBER}/_open" in answer.err
    site.node.ask("POST", f"/{OCTOBER}/_open")
    assert is_closed(site)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"index.blocks.read": True}, f"index [{NOVEMBER}] blocked by"),
        ({"index.max_result_window": 10}, "index.max_result_window"),
        ({"index.max_docvalue_fields_search": 2}, "index.max_docvalue_fields_search"),
    ],
)
def test_an_index_that_answers_no_question_ends_the_audit_with_the_reason(
    site: AuditedCluster, change: dict[str, Any], words: str
) -> None:
    site.delete(50)  # so that the documents themselves are asked for
    site.node.ask("PUT", f"/{NOVEMBER}/_settings", change)
    answer = site.asked()
    assert (answer.code, answer.out) == (3, "")
    assert words in answer.err
    assert "credentials" not in answer.err
    site.node.ask("PUT", f"/{NOVEMBER}/_settings", dict.fromkeys(change))
    assert site.repaired().code == 0
    assert is_closed(site)


def test_more_buckets_than_the_cluster_gives_out_end_the_audit(site: AuditedCluster) -> None:
    site.node.ask("PUT", "/_cluster/settings", {"persistent": {"search.max_buckets": 5}})
    answer = site.asked()
    assert (answer.code, answer.out) == (3, "")
    assert "search.max_buckets" in answer.err
    site.node.ask("PUT", "/_cluster/settings", {"persistent": {"search.max_buckets": None}})
    assert is_closed(site)


def test_a_hidden_index_is_asked_like_the_others(site: AuditedCluster) -> None:
    site.node.ask("PUT", f"/{OCTOBER}/_settings", {"index.hidden": True})
    assert is_closed(site)
    site.delete(5)
    assert site.asked().found == [(*GONE, 5, 5, "resend")]
    assert site.repaired().code == 0


def test_a_block_keeps_a_repair_from_being_done_and_says_so(site: AuditedCluster) -> None:
    site.delete(50)
    site.node.ask("PUT", f"/{NOVEMBER}/_settings", {"index.blocks.write": True})
    answer = site.repaired()
    assert (answer.code, answer.out) == (3, "")
    assert f"The repair could not be finished: cluster_block_exception: index [{NOVEMBER}] blocked" in answer.err
    site.node.ask("PUT", f"/{NOVEMBER}/_settings", {"index.blocks.write": None})
    assert site.repaired().code == 0
    assert is_closed(site)


def test_a_repair_says_that_the_template_is_missing_which_it_may_not_install(site: AuditedCluster) -> None:
    site.configure(setup="manual")
    site.delete(33)
    site.node.ask("DELETE", "/_index_template/shipper-*")
    assert site.asked().found == [(*GONE, 33, 33, "resend")]
    answer = site.repaired()
    assert (answer.code, answer.out) == (3, "")
    assert f"The index template {ALIAS} is missing; run: shipper setup --apply" in answer.err
    assert site.shipper("setup", "--apply").code == 0
    assert site.repaired().code == 0
    assert is_closed(site)


def test_an_index_that_was_made_without_the_template_ends_the_audit_and_is_named(site: AuditedCluster) -> None:
    held = [site.hit(line) for line in range(OLD + 1, 61)]
    site.node.ask("DELETE", "/_index_template/shipper-*")
    site.node.ask("DELETE", f"/{NOVEMBER}")
    for document in held:
        site.put(NOVEMBER, document["_id"], document["_source"])
    answer = site.asked()
    assert (answer.code, answer.out) == (3, "")
    assert f"The index {NOVEMBER} cannot be added up by host.name, log.file.fingerprint" in answer.err
    site.node.ask("DELETE", f"/{NOVEMBER}")
    assert site.repaired().code == 0
    assert is_closed(site)


def test_a_document_that_something_else_wrote_for_our_host_makes_the_answer_doubtful(site: AuditedCluster) -> None:
    site.put(
        NOVEMBER, "foreign", {"message": "x", "host": {"name": "dtn01.example.org"}, "shipper": {"input": "gridftp"}}
    )
    answer = site.asked()
    assert (answer.code, answer.out) == (3, "")
    assert f"for example foreign in {NOVEMBER}" in answer.err
    site.node.ask("DELETE", f"/{NOVEMBER}/_doc/foreign")
    assert is_closed(site)


def test_a_value_that_the_index_ignores_is_counted_and_found(tmp_path: Path, elasticsearch9: ElasticsearchNode) -> None:
    site = AuditedCluster(tmp_path, elasticsearch9)
    long = transfer(7).replace(b"FILE=/data/", b"FILE=/data/" + b"x" * 9000)
    site.write("a.log", [*LINES[:10], long, *LINES[10:]])
    site.ship()
    answer = site.asked()
    assert (answer.code, answer.report["verdict"], answer.found) == (0, "closed", [])
    values = {v["evidence"]: (v["kind"], v["cause"], v["lines"]) for v in answer.report["incomplete_values"]}
    assert set(values.values()) == {("incomplete_value", "field ignored by the index", 1)}
    assert sorted(text.partition(":")[0] for text in values) == [
        "1 document, field file.path", "1 document, field gridftp.file",
    ]  # fmt: skip
    assert all("search for _ignored: " in text for text in values)
    wanted = site.shipper("audit", "--fail-on", "incomplete_value")
    assert wanted.code == 1
    assert wanted.out.count("field file.path") == 1
    assert "incomplete value, field ignored by the index: 2 lines of input gridftp on dtn01.example.org" in wanted.out


def test_what_is_gone_for_its_age_is_not_brought_back_while_it_is_too_old(
    tmp_path: Path, elasticsearch9: ElasticsearchNode
) -> None:
    site = AuditedCluster(tmp_path, elasticsearch9, retention="400d")
    old = [line.replace(b"=2026", b"=2014") for line in LINES[:OLD]]
    site.write("a.log", [*old, *LINES[OLD:]])
    site.ship()
    expired = f"{ALIAS}-2014.10"
    assert expired in site.shipper("setup", "--expire", "--apply").out
    answer = site.repaired()
    assert (answer.code, answer.found) == (1, [("missing", "older than the retention", "a.log", 1, OLD, None)])
    assert f"there is no index {expired} any more, and what it held is older than the 400 days" in answer.evidence[0]
    assert "What to do, older than the retention: Nothing is wrong" in site.shipper("audit").out
    site.configure(retention="36500d")
    assert site.asked().found == [(*GONE, 1, OLD, "resend")]
    assert (site.repaired().code, site.asked().report["totals"]["indexed"]) == (0, len(LINES))
