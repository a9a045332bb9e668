"""Every document of indices that others wrote, or none: half an answer raises OutputError.

Their mappings are not known. So nothing is searched for, sorted by or added up: all pages of one point in time are
read in the order of the shards, and as many documents must come as were counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import orjson

from shipper.errors import OutputError
from shipper.send.connection import Connection
from shipper.send.reach import check_red, refuse_closed
from shipper.send.whole import check_search, check_shards, decoded, exact_total

_KEEP_ALIVE = "5m"
_PAGE = 1000
_FORBIDDEN = 403
_QUESTION = "the documents of an index"


class ForeignIndex:
    """The indices that a name or pattern leads to, as they are when they are asked."""

    def __init__(self, connection: Connection, pattern: str) -> None:
        self._connection = connection
        self._pattern = pattern
        self._target = quote(pattern, safe="*,")

    def documents(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Index, id and content of every document."""
        names = self._names()
        check_red(self._connection, self._target, names)
        indices = len(names)
        self._refresh(indices)
        with self._point_in_time(indices) as point:
            body: dict[str, Any] = {"size": _PAGE, "sort": ["_shard_doc"], "track_total_hits": True}
            page = self._page(point, body, indices)
            expected, seen = exact_total(page, _QUESTION), 0
            while hits := page["hits"]["hits"]:
                seen += len(hits)
                for hit in hits:
                    yield hit["_index"], hit["_id"], _source(hit)
                page = self._page(
                    point, {**body, "track_total_hits": False, "search_after": hits[-1]["sort"]}, indices
                )  # fmt: skip
            if seen != expected:
                raise OutputError(f"Elasticsearch gave {seen} of {expected} documents of {self._pattern}.")

    def _refresh(self, indices: int) -> None:
        """Make all that was stored visible, if we may: a key for reading alone sees it within the refresh interval."""
        answer = self._connection.request("POST", f"/{self._target}/_refresh?expand_wildcards=open,hidden")
        if answer.status != _FORBIDDEN:
            check_shards(decoded(answer, "a refresh"), "a refresh", least=indices)

    def _page(self, point: dict[str, str], body: dict[str, Any], indices: int) -> dict[str, Any]:
        content = orjson.dumps({**body, "pit": {**point, "keep_alive": _KEEP_ALIVE}})
        answer = self._ask("POST", "/_search?allow_partial_search_results=false", _QUESTION, content)
        check_search(answer, _QUESTION, least=indices)
        point["id"] = answer.get("pit_id", point["id"])
        return answer

    @contextmanager
    def _point_in_time(self, indices: int) -> Iterator[dict[str, str]]:
        target = f"/{self._target}/_pit?keep_alive={_KEEP_ALIVE}&expand_wildcards=open,hidden"
        answer = self._ask("POST", target, _QUESTION)
        point = {"id": answer["id"]}
        try:
            if "_shards" in answer:
                check_shards(answer, _QUESTION, least=indices)
            yield point
        finally:
            # If this fails, the server forgets the point in time by itself.
            self._connection.request("DELETE", "/_pit", orjson.dumps(point))

    def _names(self) -> set[str]:
        """The indices that there are. OutputError if there is none, or if one is closed and cannot be asked."""
        answer = self._ask("GET", f"/_resolve/index/{self._target}?expand_wildcards=all", "its indices")
        refuse_closed(answer.get("indices", []))
        streams = (stream["backing_indices"] for stream in answer.get("data_streams", []))
        behind_aliases = (alias["indices"] for alias in answer.get("aliases", []))
        names = {index["name"] for index in answer.get("indices", [])}
        for group in (*streams, *behind_aliases):
            names.update([group] if isinstance(group, str) else group)
        if not names:
            raise OutputError(f"The cluster has no index of the name {self._pattern}, or does not show it to us.")
        return names

    def _ask(self, method: str, target: str, question: str, body: bytes = b"") -> dict[str, Any]:
        return decoded(self._connection.request(method, target, body), question)


def _source(hit: dict[str, Any]) -> dict[str, Any]:
    """The content; an index that keeps none cannot be compared."""
    source = hit.get("_source")
    if not isinstance(source, dict):
        raise OutputError(f"The index {hit['_index']} does not give out the content of its documents (_source).")
    return source
