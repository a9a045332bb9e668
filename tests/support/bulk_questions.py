"""What the stand-in of `bulk_server` answers to the questions of an audit, from the documents it stores.

It knows just the searches that are asked: filters, pages in the order of offsets, and sums by composite key. Whether
a genuine server answers likewise is shown in `tests/real` and `tests/audit`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import orjson

Query = dict[str, Any]

_FINGERPRINT = "log.file.fingerprint"


class Held(NamedTuple):
    """A stored document."""

    index: str
    id: str
    body: bytes
    source: dict[str, Any]
    """What is asked for by field, decoded."""

    def value(self, field: str) -> Any:
        """The value of a dotted field; None where it is missing."""
        found: Any = self.source
        for name in _names(field):
            found = found.get(name) if isinstance(found, dict) else None
        return found


@cache
def _names(field: str) -> tuple[str, ...]:
    return tuple(field.split("."))


def _asked_for(body: bytes) -> dict[str, Any]:
    content = orjson.loads(body)
    return {name: content[name] for name in ("@timestamp", "host", "log", "shipper", "tags") if name in content}


class _Moment:
    """All documents of a moment, in the order of offsets."""

    def __init__(self, documents: list[Held]) -> None:
        self.documents = documents
        self.indices = len({held.index for held in documents})
        self._by_fingerprint: dict[str, list[tuple[int, Held]]] = {}
        for place, held in enumerate(documents):
            self._by_fingerprint.setdefault(held.source["log"]["file"]["fingerprint"], []).append((place, held))

    def matches(self, query: Query) -> list[tuple[int, Held]]:
        """What a query finds, with its place among all documents."""
        terms = [part["term"] for part in query["bool"]["filter"] if "term" in part]
        one_file = next((term[_FINGERPRINT] for term in terms if _FINGERPRINT in term), None)
        some = enumerate(self.documents) if one_file is None else self._by_fingerprint.get(one_file, [])
        return [(place, held) for place, held in some if _matches(held, query)]


class PointsInTime:
    """What was stored when a point in time was opened, for as long as it is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = 0
        self._held: dict[str, _Moment] = {}
        self._last = _Moment([])

    def open(self, stored: Mapping[tuple[str, str], bytes]) -> str:
        """The id of a new point in time over these documents, of which none was ever changed or deleted."""
        with self._lock:
            if len(stored) > len(self._last.documents):
                documents = [Held(*place, body, _asked_for(body)) for place, body in stored.items()]
                documents.sort(key=lambda held: (held.source["log"]["offset"], held.index, held.id))
                self._last = _Moment(documents)
            self._opened += 1
            name = f"pit-{self._opened}"
            self._held[name] = self._last
        return name

    def close(self, name: str) -> bool:
        """Forget it; whether it was open."""
        with self._lock:
            return self._held.pop(name, None) is not None

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a search. KeyError if its point in time is not open."""
        moment = self._held[body["pit"]["id"]]
        indices = moment.indices
        found = moment.matches(body["query"])
        answer: dict[str, Any] = {
            "timed_out": False,
            "_shards": {"total": indices, "successful": indices, "skipped": 0, "failed": 0},
            "hits": {"total": {"value": len(found), "relation": "eq"}, "hits": list(_page(found, body))},
        }
        if "aggs" in body:
            composite = body["aggs"]["all"]
            answer["aggregations"] = {"all": _composite([held for _, held in found], composite)}
        return answer


def _matches(held: Held, query: Query) -> bool:
    ((kind, content),) = query.items()
    match kind:
        case "bool":
            wanted = all(_matches(held, part) for part in content.get("filter", ()))
            return wanted and not any(_matches(held, part) for part in content.get("must_not", ()))
        case "ids":
            return held.id in content["values"]
        case "exists":
            return held.value(content["field"]) is not None
    ((field, wanted),) = content.items()
    value = held.value(field)
    match kind:
        case "term":
            return wanted in value if isinstance(value, list) else bool(value == wanted)
        case "terms":
            return value in wanted
        case "range":
            return value is not None and wanted["gte"] <= value < wanted["lt"]
    raise ValueError(f"the stand-in knows no query of the kind {kind}")


def _page(found: list[tuple[int, Held]], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    after = body.get("search_after")
    rest = [(place, held) for place, held in found if after is None or place > after[1]]
    for place, held in rest[: body["size"]]:
        hit: dict[str, Any] = {"_index": held.index, "_id": held.id, "sort": [held.value("log.offset"), place]}
        if body.get("_source"):
            hit["_source"] = orjson.loads(held.body)
        values = {field: held.value(field) for field in body.get("docvalue_fields", ())}
        hit["fields"] = {
            field: value if isinstance(value, list) else [value]
            for field, value in values.items()
            if value is not None and value != []
        }
        yield hit


def _composite(documents: list[Held], body: dict[str, Any]) -> dict[str, Any]:
    sources = [(name, source) for part in body["composite"]["sources"] for name, source in part.items()]
    groups: dict[tuple[Any, ...], list[Held]] = {}
    for held in documents:
        key = tuple(_part(held, source) for _, source in sources)
        if None not in key:
            groups.setdefault(key, []).append(held)
    after = body["composite"].get("after")
    least = tuple(after[name] for name, _ in sources) if after else None
    keys = sorted(key for key in groups if least is None or key > least)[: body["composite"]["size"]]
    buckets = [
        {
            "key": {name: part for (name, _), part in zip(sources, key, strict=True)},
            "doc_count": len(groups[key]),
            **{name: {"value": _metric(groups[key], metric)} for name, metric in body.get("aggs", {}).items()},
        }
        for key in keys
    ]
    return {"buckets": buckets, **({"after_key": buckets[-1]["key"]} if buckets else {})}


def _part(held: Held, source: dict[str, Any]) -> Any:
    """A document's part of a composite key."""
    if "terms" in source:
        return held.value(source["terms"]["field"])
    if "date_histogram" in source:
        step = 1000 * int(source["date_histogram"]["fixed_interval"].removesuffix("s"))
        moment = datetime.fromisoformat(held.value(source["date_histogram"]["field"])).timestamp()
        return int(moment * 1000 // step * step)
    interval = source["histogram"]["interval"]
    value = held.value(source["histogram"]["field"])
    return None if value is None else float(value // interval * interval)


def _metric(documents: list[Held], metric: dict[str, Any]) -> float:
    ((kind, content),) = metric.items()
    values = [held.value(content["field"]) for held in documents]
    return float({"sum": sum, "min": min}[kind](values))
