from __future__ import annotations

import orjson
import pytest
from support.es_documents import documents

from shipper.records import ALREADY_STORED, STORED, OutcomeKind
from shipper.send import bulk

REFUSED, RETRY, PAUSED = OutcomeKind.REFUSED, OutcomeKind.RETRY, OutcomeKind.PAUSED


def answer(*items: object) -> bytes:
    return orjson.dumps({"errors": True, "items": items})


def failed(status: int, kind: str, reason: str = "why", **more: object) -> dict[str, object]:
    return {"create": {"status": status, "error": {"type": kind, "reason": reason, **more}}}


def test_a_body_creates_each_document_in_its_index_under_its_id() -> None:
    one, two = documents(2)
    two.index = "gridftp.transfer-default-2026.12"
    lines = bulk.request_body([one, two]).split(b"\n")
    assert [orjson.loads(line) for line in lines[::2] if line] == [
        {"create": {"_index": "shipper-gridftp.transfer-default-2026.11", "_id": one.id}},
        {"create": {"_index": "shipper-gridftp.transfer-default-2026.12", "_id": two.id}},
    ]
    assert lines[1::2] == [one.body, two.body]
    assert lines[-1] == b""


def test_an_index_name_with_a_quote_cannot_break_the_action_line() -> None:
    [document] = documents(1)
    document.index = 'a"b-default-2026.11'
    head = bulk.request_body([document]).split(b"\n")[0]
    assert orjson.loads(head)["create"]["_index"] == 'shipper-a"b-default-2026.11'


def test_201_is_stored() -> None:
    assert bulk.outcomes(200, answer({"create": {"status": 201}}), 1) == [STORED]


def test_201_with_other_fields_is_stored() -> None:
    assert bulk.outcomes(200, answer({"create": {"status": 201, "result": "created", "_id": "x"}}), 1) == [STORED]


@pytest.mark.parametrize("used", ["used", "failed", "anything"])
def test_201_in_the_failure_store_is_no_acknowledgement(used: str) -> None:
    [outcome] = bulk.outcomes(200, answer({"create": {"status": 201, "failure_store": used}}), 1)
    assert (outcome.kind, outcome.category) == (PAUSED, "failure_store")


def test_a_version_conflict_is_already_stored() -> None:
    assert bulk.outcomes(200, answer(failed(409, "version_conflict_engine_exception")), 1) == [ALREADY_STORED]


@pytest.mark.parametrize(
    ("item", "kind", "category"),
    [
        (failed(400, "document_parsing_exception"), REFUSED, "mapping"),
        (failed(400, "mapper_parsing_exception"), REFUSED, "mapping"),
        (failed(400, "strict_dynamic_mapping_exception"), REFUSED, "mapping"),
        (failed(400, "illegal_argument_exception", "mapper [a] cannot be changed from type [x]"), REFUSED, "mapping"),
        (
            failed(400, "illegal_argument_exception", "Document contains at least one immense term in field"),
            REFUSED,
            "too_large",
        ),
        (
            {
                "create": {
                    "status": 400,
                    "failure_store": "not_enabled",
                    "error": {"type": "document_parsing_exception"},
                }
            },
            REFUSED,
            "mapping",
        ),
        (failed(429, "es_rejected_execution_exception"), RETRY, "busy"),
        (failed(429, "circuit_breaking_exception"), RETRY, "busy"),
        (failed(503, "unavailable_shards_exception"), PAUSED, "unavailable_shards"),
        (failed(503, "node_closed_exception"), RETRY, "unavailable"),
        (failed(503, "cluster_block_exception", "state not recovered"), RETRY, "unavailable"),
        (failed(429, "cluster_block_exception", "flood-stage"), PAUSED, "blocked"),
        (failed(403, "cluster_block_exception", "index write"), PAUSED, "blocked"),
        (failed(403, "security_exception"), PAUSED, "not_permitted"),
        (failed(401, "security_exception"), PAUSED, "not_permitted"),
        (failed(400, "validation_exception", "this action would add [2] shards"), PAUSED, "shard_limit"),
        (failed(400, "index_closed_exception", "closed"), PAUSED, "closed"),
        (failed(404, "index_not_found_exception"), PAUSED, "missing_index"),
        (failed(400, "illegal_argument_exception", "pipeline with id [x] does not exist"), PAUSED, "unexpected"),
        (failed(400, "illegal_argument_exception", "Limit of total fields [1000]"), PAUSED, "total_fields"),
        (
            failed(400, "document_parsing_exception", "[1:8] failed to parse: Limit of total fields [5] has been"),
            PAUSED,
            "total_fields",
        ),
        (
            failed(
                400,
                "document_parsing_exception",
                "failed to parse",
                caused_by={
                    "type": "illegal_argument_exception",
                    "reason": "Limit of total fields [5] has been exceeded",
                },
            ),
            PAUSED,
            "total_fields",
        ),
        (failed(400, "invalid_index_name_exception"), PAUSED, "unexpected"),
        (failed(500, "document_parsing_exception"), PAUSED, "unexpected"),
        (failed(403, "document_parsing_exception"), PAUSED, "unexpected"),
        (failed(409, "some_other_conflict"), PAUSED, "unexpected"),
        (failed(400, "version_conflict_engine_exception"), PAUSED, "unexpected"),
        (failed(201, "version_conflict_engine_exception"), PAUSED, "unexpected"),
        (failed(500, "null_pointer_exception"), PAUSED, "unexpected"),
        ({"create": {"status": 200, "result": "noop"}}, PAUSED, "unexpected"),
        ({"create": {"status": 200, "result": "updated"}}, PAUSED, "unexpected"),
        ({"create": {"status": 202}}, PAUSED, "unexpected"),
        ({"create": {}}, PAUSED, "unexpected"),
        ({"index": {"status": 201}}, PAUSED, "unexpected"),
        ({}, PAUSED, "unexpected"),
        (None, PAUSED, "unexpected"),
        ("created", PAUSED, "unexpected"),
    ],
)
def test_what_is_not_plainly_stored_has_the_outcome_of_its_status_and_type(
    item: object, kind: OutcomeKind, category: str
) -> None:
    stored, outcome, after = bulk.outcomes(
        200, answer({"create": {"status": 201}}, item, {"create": {"status": 201}}), 3
    )
    assert (outcome.kind, outcome.category) == (kind, category)
    assert (stored, after) == (STORED, STORED)
    assert outcome.reason


def test_a_refusal_carries_the_words_of_the_server_down_to_the_cause() -> None:
    cause = {"type": "illegal_argument_exception", "reason": "not an IP", "caused_by": {"type": "x", "reason": "deep"}}
    [outcome] = bulk.outcomes(200, answer(failed(400, "document_parsing_exception", "[1:8] bad", caused_by=cause)), 1)
    expected = (
        "document_parsing_exception: [1:8] bad (caused by illegal_argument_exception: not an IP) (caused by x: deep)"
    )
    assert outcome.reason == expected


@pytest.mark.parametrize(
    ("status", "kind", "category"),
    [
        (400, PAUSED, "unexpected"),
        (401, PAUSED, "credentials"),
        (403, PAUSED, "not_permitted"),
        (404, PAUSED, "unexpected"),
        (408, RETRY, "unavailable"),
        (413, REFUSED, "too_large"),
        (429, RETRY, "busy"),
        (500, RETRY, "unavailable"),
        (502, RETRY, "unavailable"),
        (503, RETRY, "unavailable"),
        (504, RETRY, "unavailable"),
        (201, PAUSED, "unexpected"),
        (302, PAUSED, "unexpected"),
    ],
)
def test_a_request_that_failed_as_a_whole_gives_all_documents_the_outcome_of_its_status(
    status: int, kind: OutcomeKind, category: str
) -> None:
    body = orjson.dumps({"error": {"type": "t", "reason": "the words"}, "status": status})
    outcomes = bulk.outcomes(status, body, 3)
    assert [(outcome.kind, outcome.category) for outcome in outcomes] == [(kind, category)] * 3
    assert "the words" in outcomes[0].reason


@pytest.mark.parametrize(
    "body",
    [
        answer({"create": {"status": 201}}),
        answer(*[{"create": {"status": 201}}] * 3),
        answer(),
        b'{"errors":false}',
        b'{"items":{}}',
        b"[]",
        b"null",
        b"",
        b"<html>",
        answer({"create": {"status": 201}}, {"create": {"status": 201}})[:-1],
    ],
)
def test_an_answer_that_does_not_speak_of_every_document_acknowledges_none(body: bytes) -> None:
    outcomes = bulk.outcomes(200, body, 2)
    assert [outcome.kind for outcome in outcomes] == [RETRY, RETRY]


def test_parts_hold_all_documents_in_order_within_the_limit() -> None:
    some = documents(100, padding=50)
    limit = bulk.size(some) // 7
    parts = list(bulk.cut(some, limit))
    assert [document for part in parts for document in part] == some
    assert all(bulk.size(part) <= limit for part in parts)


def test_a_document_beyond_the_limit_is_a_part_of_its_own() -> None:
    some = documents(3)
    assert [len(part) for part in bulk.cut(some, 1)] == [1, 1, 1]


def test_half_the_size_always_makes_more_than_one_part() -> None:
    small, large = documents(1)[0], documents(1, seed="large", padding=5000)[0]
    for some in ([small, large], [large, small], [small, small]):
        assert len(list(bulk.cut(some, bulk.size(some) // 2))) > 1


def test_no_documents_are_no_part() -> None:
    assert list(bulk.cut([], 100)) == []


def test_the_reason_of_shards_that_are_away_does_not_repeat_the_documents() -> None:
    reason = "[shipper-d][0] primary shard is not active Timeout: [30s], request: [BulkShardRequest [index {secret}]]"
    [outcome] = bulk.outcomes(200, answer(failed(503, "unavailable_shards_exception", reason)), 1)
    assert outcome.reason.endswith("primary shard is not active Timeout: [30s]")
