"""What the stand-in of `bulk_server` answers to the questions of an audit, from the documents it stores.

It knows just the searches that are asked: filters, pages in the order of offsets, and sums by composite key. Whether
a genuine server answers likewise is shown in `tests/real` and `tests/audit`.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

Query = dict[str, Any]

_FINGERPRINT = "log.file.fingerprint"


class Held(NamedTuple):
    """A stored document."""

    index: str
    id: str
    body: bytes
    values: dict[str, Any]
    """What is asked for, by dotted field."""


def _asked_for(body: bytes) -> dict[str, Any]:
    content = orjson.loads(body)
    names = ("@timestamp", "host", "log", "shipper", "tags")
    return dict(_dotted("", {name: content[name] for name in names if name in content}))


def _dotted(prefix: str, content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _dotted(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


Found = list[tuple[int, Held]]
"""Documents with their places among all."""
Groups = dict[tuple[Any, ...], list[Held]]
"""Documents by composite key."""


class _Moment:
    """All documents of a moment, in the order of offsets.

    An audit asks many questions about the same documents: what was found lately is kept.
    """

    def __init__(self, documents: list[Held]) -> None:
        self.documents = documents
        self.indices = len({held.index for held in documents})
        self._by_fingerprint: dict[str, Found] = {}
        for place, held in enumerate(documents):
            self._by_fingerprint.setdefault(held.values[_FINGERPRINT], []).append((place, held))
        self._found = lru_cache(maxsize=16)(self._find)
        self._grouped = lru_cache(maxsize=4)(self._group)

    def matches(self, query: Query) -> Found:
        """What a query finds, with its place among all documents."""
        return self._found(orjson.dumps(query))

    def groups(self, query: Query, sources: list[dict[str, Any]]) -> Groups:
        """What a query finds, by the composite keys that the sources make; the least key first."""
        return self._grouped(orjson.dumps(query), orjson.dumps(sources))

    def _find(self, asked: bytes) -> Found:
        wanted = orjson.loads(asked)["bool"]
        parts = wanted["filter"]
        among = next((part for part in parts if "filter" in part.get("bool", ())), None)
        one_file = next((part["term"][_FINGERPRINT] for part in parts if _FINGERPRINT in part.get("term", ())), None)
        if among is not None:
            parts.remove(among)
            some = self.matches(among)
        elif one_file is not None:
            some = self._by_fingerprint.get(one_file, [])
        else:
            some = list(enumerate(self.documents))
        unwanted = [{"bool": {"must_not": [part]}} for part in wanted.get("must_not", ())]
        for part in [*parts, *unwanted]:
            some = [(place, held) for place, held in some if _matches(held, part)]
        return some

    def _group(self, asked: bytes, sources: bytes) -> Groups:
        made_of = [source for part in orjson.loads(sources) for source in part.values()]
        groups: Groups = {}
        for _, held in self._found(asked):
            key = tuple(_part(held, source) for source in made_of)
            if None not in key:
                groups.setdefault(key, []).append(held)
        return dict(sorted(groups.items()))


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
                documents.sort(key=lambda held: (held.values["log.offset"], held.index, held.id))
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
        query = body["query"]
        found = moment.matches(query)
        answer: dict[str, Any] = {
            "timed_out": False,
            "_shards": {"total": indices, "successful": indices, "skipped": 0, "failed": 0},
            "hits": {"total": {"value": len(found), "relation": "eq"}, "hits": list(_page(found, body))},
        }
        if "aggs" in body:
            composite = body["aggs"]["all"]
            groups = moment.groups(query, composite["composite"]["sources"])
            answer["aggregations"] = {"all": _composite(groups, composite)}
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
            return held.values.get(content["field"]) is not None
    ((field, wanted),) = content.items()
    value = held.values.get(field)
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
    first = 0 if after is None else bisect_right(found, after[1], key=itemgetter(0))
    for place, held in found[first : first + body["size"]]:
        hit: dict[str, Any] = {"_index": held.index, "_id": held.id, "sort": [held.values["log.offset"], place]}
        if body.get("_source"):
            hit["_source"] = orjson.loads(held.body)
        values = {field: held.values.get(field) for field in body.get("docvalue_fields", ())}
        hit["fields"] = {
            field: value if isinstance(value, list) else [value]
            for field, value in values.items()
            if value is not None and value != []
        }
        yield hit


def _composite(groups: Groups, body: dict[str, Any]) -> dict[str, Any]:
    names = [name for part in body["composite"]["sources"] for name in part]
    after = body["composite"].get("after")
    least = tuple(after[name] for name in names) if after else None
    keys = [key for key in groups if least is None or key > least][: body["composite"]["size"]]
    buckets = [
        {
            "key": dict(zip(names, key, strict=True)),
            "doc_count": len(groups[key]),
            **{name: {"value": _metric(groups[key], metric)} for name, metric in body.get("aggs", {}).items()},
        }
        for key in keys
    ]
    return {"buckets": buckets, **({"after_key": buckets[-1]["key"]} if buckets else {})}


def _part(held: Held, source: dict[str, Any]) -> Any:
    """A document's part of a composite key."""
    if "terms" in source:
        return held.values.get(source["terms"]["field"])
    if "date_histogram" in source:
        step = 1000 * int(source["date_histogram"]["fixed_interval"].removesuffix("s"))
        moment = datetime.fromisoformat(held.values[source["date_histogram"]["field"]]).timestamp()
        return int(moment * 1000 // step * step)
    interval = source["histogram"]["interval"]
    value = held.values.get(source["histogram"]["field"])
    return None if value is None else float(value // interval * interval)


def _metric(documents: list[Held], metric: dict[str, Any]) -> float:
    ((kind, content),) = metric.items()
    field = content["field"]
    values = [held.values[field] for held in documents]
    return float({"sum": sum, "min": min}[kind](values))
