"""Copies of documents in a cluster: how they are asked for, and which of them is in its place."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest

from shipper.errors import OutputError
from shipper.send.connection import Answer, Connection
from shipper.send.copies import copies
from shipper.send.layout import Layout

PLACES = [("shipper-a-default-2026.11", "x"), ("shipper-a-default-2026.12", "x"), ("shipper-a-default-2026.12", "y")]


class Scripted:
    """Gives one answer, and remembers what it was asked."""

    def __init__(self, *docs: dict[str, Any], status: int = 200) -> None:
        self._answer = Answer(status, orjson.dumps({"docs": docs}))
        self.asked: list[Any] = []

    def request(self, method: str, target: str, body: bytes = b"", **_: str) -> Answer:
        self.asked.append((method, target.partition("?")[0], orjson.loads(body)))
        return self._answer


def asked(scripted: Scripted) -> dict[tuple[str, str], bytes]:
    return copies(cast("Connection", scripted), PLACES)


def test_each_copy_is_asked_for_in_its_own_index() -> None:
    found = {"found": True, "_source": {"b": 1, "a": 2}}
    scripted = Scripted(found, {"found": False}, found)
    assert asked(scripted) == {PLACES[0]: b'{"b":1,"a":2}', PLACES[2]: b'{"b":1,"a":2}'}
    docs = [{"_index": index, "_id": name} for index, name in PLACES]
    assert scripted.asked == [("POST", "/_mget", {"docs": docs})]


@pytest.mark.parametrize(
    "scripted",
    [
        Scripted({"found": False}, {"found": False}),
        Scripted({"found": False}, {"error": {"type": "no_shard_available"}}, {"found": False}),
        Scripted(status=503),
    ],
)
def test_half_an_answer_is_none(scripted: Scripted) -> None:
    with pytest.raises(OutputError):
        asked(scripted)


def test_a_document_belongs_into_the_index_of_its_period() -> None:
    places = ["shipper-a-default-2026.12", "shipper-a-default-2026.11"]
    assert Layout.INDICES.home("a-default-2026.11", places) == places[1]
    assert Layout.INDICES.home("a-default-2026.10", places) is None


def test_a_document_of_a_stream_belongs_into_its_oldest_index() -> None:
    places = [
        f".ds-shipper-a-default-{end}" for end in ("2026.12.01-000010", "2026.11.30-000009", "2027.01.01-1000000")
    ]
    assert Layout.DATA_STREAM.home("a-default-2026.11", places) == places[1]
    assert Layout.DATA_STREAM.home("a-default-2026.11", [places[2], places[0]]) == places[0]
    assert Layout.DATA_STREAM.home("a-default-suspect", places) is None
    assert Layout.DATA_STREAM.home("b-default-2026.11", places) is None
    assert Layout.DATA_STREAM.home("a-default-2026.11", ["shipper-a-default-2026.11"]) is None
