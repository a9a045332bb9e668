"""Documents by index and id, as they are at this moment: what a search would show only after a refresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.send.connection import Answer, Connection
from shipper.send.whole import decoded

Place = tuple[str, str]
"""Index and id."""

_PARTS = "docs._index,docs._id,docs.found,docs.error"
_COPIES = f"/_mget?filter_path={_PARTS},docs._source"
_PRESENCE = f"/_mget?_source=false&filter_path={_PARTS}"
_NO_INDEX = "index_not_found_exception"


def copies(connection: Connection, places: Sequence[Place]) -> dict[Place, bytes]:
    """The JSON of documents by (index, id); those that are not held are absent. OutputError if one cannot be read."""
    if not places:
        return {}
    answer = connection.request("POST", _COPIES, _question(places))
    return {place: orjson.dumps(found["_source"]) for place, found in _held(answer, places)}


def presence(connection: Connection, places: Sequence[Place]) -> Answer:
    """The answer of which `held` tells whether documents are there."""
    return connection.request("POST", _PRESENCE, _question(places))


def held(answer: Answer, places: Sequence[Place]) -> set[str]:
    """The ids of those that are there. OutputError if that is not told of each."""
    return {name for (_, name), _ in _held(answer, places)}


def _question(places: Sequence[Place]) -> bytes:
    return orjson.dumps({"docs": [{"_index": index, "_id": name} for index, name in places]})


def _held(answer: Answer, places: Sequence[Place]) -> Iterator[tuple[Place, Any]]:
    docs = decoded(answer, "copies of documents").get("docs", [])
    if len(docs) != len(places):
        raise OutputError(f"Elasticsearch answered for {len(docs)} of {len(places)} copies of documents.")
    failed = [found for found in docs if "error" in found and found["error"].get("type") != _NO_INDEX]
    if failed:
        raise OutputError(f"{len(failed)} of {len(places)} copies of documents could not be read: {failed[0]}")
    return ((place, found) for place, found in zip(places, docs, strict=True) if found.get("found"))
