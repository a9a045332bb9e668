"""The queries that questions to Elasticsearch are made of. No input, no output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipper.send.output import Scope


def scope_query(scope: Scope) -> dict[str, Any]:
    """The query for the documents of a scope."""
    parts: list[dict[str, Any]] = []
    if scope.host is not None:
        parts.append(is_("host.name", scope.host))
    if scope.inputs:
        parts.append({"terms": {"shipper.input": list(scope.inputs)}})
    if scope.fingerprints:
        parts.append({"terms": {"log.file.fingerprint": list(scope.fingerprints)}})
    if scope.since is not None:
        parts.append({"range": {"@timestamp": {"gte": int(scope.since * 1000), "format": "epoch_millis"}}})
    return all_of(*parts)


def all_of(*parts: dict[str, Any]) -> dict[str, Any]:
    """The query for what all these queries match."""
    return {"bool": {"filter": list(parts)}}


def lacking_one(query: dict[str, Any], sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The query for what a query matches and the sources of an aggregation pass over: a field is missing."""
    fields = [part["field"] for source in sources for kind in source.values() for part in kind.values()]
    return all_of(query, {"bool": {"must_not": [all_of(*({"exists": {"field": field}} for field in fields))]}})


def is_(field: str, value: str) -> dict[str, Any]:
    """The query for one value of a field."""
    return {"term": {field: value}}
