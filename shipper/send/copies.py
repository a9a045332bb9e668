"""Documents by index and id, as they are at this moment: what a search would show only after a refresh."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from shipper.errors import OutputError
from shipper.send.connection import Connection
from shipper.send.whole import decoded

_TARGET = "/_mget?filter_path=docs._index,docs._id,docs.found,docs._source,docs.error"


def copies(connection: Connection, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """The JSON of documents by (index, id); those that are not held are absent. OutputError if one cannot be read."""
    if not places:
        return {}
    asked = {"docs": [{"_index": index, "_id": name} for index, name in places]}
    docs = decoded(connection.request("POST", _TARGET, orjson.dumps(asked)), "copies of documents").get("docs", [])
    if len(docs) != len(places):
        raise OutputError(f"Elasticsearch answered for {len(docs)} of {len(places)} copies of documents.")
    failed = [found for found in docs if "error" in found]
    if failed:
        raise OutputError(f"{len(failed)} of {len(places)} copies of documents could not be read: {failed[0]}")
    return {
        (index, name): orjson.dumps(found["_source"])
        for (index, name), found in zip(places, docs, strict=True)
        if found.get("found")
    }
