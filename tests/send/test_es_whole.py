from __future__ import annotations

from typing import Any

import orjson
import pytest

from shipper.errors import OutputError
from shipper.send.connection import Answer
from shipper.send.whole import check_search, check_shards, decoded, exact_integer, exact_total

SHARDS = {"total": 3, "successful": 3, "skipped": 1, "failed": 0}


def search(**changes: Any) -> dict[str, Any]:
    return {"took": 1, "timed_out": False, "_shards": SHARDS, **changes}


def test_a_search_of_all_shards_is_whole() -> None:
    check_search(search(), "x", least=3)
    check_search(search(_clusters={"total": 1, "successful": 1, "skipped": 0}), "x", least=3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timed_out": True}, "time-out"),
        ({"timed_out": None}, "time-out"),
        ({"terminated_early": True}, "ended early"),
        ({"_shards": {**SHARDS, "failed": 1, "successful": 2}}, "Only 2 of 3 shards"),
        ({"_shards": {**SHARDS, "successful": 2}}, "Only 2 of 3 shards"),
        ({"_shards": {"total": 2, "successful": 2, "failed": 0}}, "only 2 shards"),
        ({"_shards": {"total": 0, "successful": 0, "failed": 0}}, "only 0 shards"),
        ({"_shards": {}}, "how many shards"),
        ({"_shards": None}, "how many shards"),
        ({"_clusters": {"total": 2, "skipped": 1}}, "Remote clusters"),
        ({"_clusters": {"total": 2, "partial": 1}}, "Remote clusters"),
        ({"_clusters": {"total": 2, "failed": 1}}, "Remote clusters"),
    ],
)
def test_a_search_that_is_not_whole_is_an_error_that_says_why(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(OutputError, match=words):
        check_search(search(**changes), "x", least=3)


def test_a_refresh_may_miss_replicas_but_no_shard_may_fail() -> None:
    check_shards({"_shards": {"total": 4, "successful": 2, "failed": 0}}, "x", least=2)
    with pytest.raises(OutputError, match="1 failed"):
        check_shards({"_shards": {"total": 4, "successful": 3, "failed": 1}}, "x", least=2)


@pytest.mark.parametrize("total", [None, 7, {"value": 10000, "relation": "gte"}, {"value": 7}])
def test_only_an_exact_total_counts(total: object) -> None:
    assert exact_total({"hits": {"total": {"value": 7, "relation": "eq"}}}, "x") == 7
    with pytest.raises(OutputError, match="count exactly"):
        exact_total({"hits": {"total": total}}, "x")


@pytest.mark.parametrize("value", [0.5, float(1 << 53), -float(1 << 60), None, "7"])
def test_only_an_exact_integer_counts(value: object) -> None:
    assert exact_integer(float((1 << 53) - 1), "x") == (1 << 53) - 1
    with pytest.raises(OutputError, match="no exact integer"):
        exact_integer(value, "x")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(0, failure="ConnectionError: refused"), "could not be asked for y: ConnectionError: refused"),
        (
            Answer(401, b'{"error":{"type":"security_exception","reason":"no"}}'),
            "refuses our credentials: security_exception: no. Put right .* api_key_file",
        ),
        (Answer(503, b'{"error":{"type":"t","reason":"red"}}'), "status 503, t: red"),
        (Answer(502, b"<html>bad</html>"), "status 502, <html>bad"),
        (Answer(200, b'{"hits":'), "no JSON"),
        (Answer(200, b"[]"), "no JSON object"),
    ],
)
def test_what_is_no_good_answer_is_an_error_with_the_reason(answer: Answer, words: str) -> None:
    with pytest.raises(OutputError, match=words):
        decoded(answer, "y")


def test_a_failed_search_tells_the_reason_of_its_first_shard() -> None:
    shard = {"shard": 0, "reason": {"type": "node_closed", "reason": "gone"}}
    error = {"type": "search_phase_execution_exception", "reason": "Partial", "failed_shards": [shard]}
    with pytest.raises(OutputError, match="first shard: node_closed: gone"):
        decoded(Answer(503, orjson.dumps({"error": error})), "y")
