"""Replacing documents in a cluster: which answers mean that it was done."""

from __future__ import annotations

import json

import pytest
from support.es_documents import documents

from shipper.records import STORED, OutcomeKind
from shipper.send import bulk


def verdict(result, action):
    answer = json.dumps({"errors": False, "items": [{action: result}]}).encode()
    (outcome,) = bulk.outcomes(200, answer, 1, action)
    return outcome


@pytest.mark.parametrize("status", [200, 201])
def test_a_document_that_was_updated_or_created_is_stored(status):
    assert verdict({"status": status}, bulk.INDEX) == STORED


def test_an_update_is_no_creation():
    assert verdict({"status": 200}, bulk.CREATE).kind is OutcomeKind.PAUSED


def test_what_went_to_the_failure_store_is_not_replaced():
    assert verdict({"status": 201, "failure_store": "used"}, bulk.INDEX).kind is OutcomeKind.PAUSED


def test_a_refused_replacement_says_why():
    error = {"type": "document_parsing_exception", "reason": "failed to parse field [x]"}
    outcome = verdict({"status": 400, "error": error}, bulk.INDEX)
    assert (outcome.kind, outcome.category) == (OutcomeKind.REFUSED, "mapping")


def test_an_answer_to_another_action_is_none():
    answer = json.dumps({"errors": False, "items": [{"create": {"status": 200}}]}).encode()
    assert bulk.outcomes(200, answer, 1, bulk.INDEX)[0].kind is OutcomeKind.PAUSED


def test_each_document_goes_to_its_index_under_its_id():
    some = documents(3)
    lines = bulk.request_body(some, bulk.INDEX).splitlines()
    heads = [json.loads(line)["index"] for line in lines[::2]]
    assert heads == [{"_index": bulk.INDEX_PREFIX + item.index, "_id": item.id} for item in some]
    assert lines[1::2] == [item.body for item in some]
