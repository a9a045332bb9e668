"""The index templates, generated from the types that pipelines declare. No input, no output.

Decisions, and why:

* Indices are plain and named by event time: an id is unique in one index only, so the index must follow from the
  document. `shipper-<dataset>-<namespace>` is an alias over them; where a site must use data
  streams, it is the stream.
* `@timestamp` keeps nanoseconds (`date_nanos`, 1970 to 2262). The index of suspect times has a template of its own that
  keeps milliseconds and any year: a line that claims to be of 1969 is no reason to refuse it.
* The fields that the audit adds up are `long` with doc values and no search index; `log.offset` is searchable.
* Nothing is bent silently: `coerce` is off and `ignore_malformed` is not used, so that a value which does not fit is
  refused with a reason instead of being stored but not found.
* Fields that no pipeline declares get one type per JSON type: text is `keyword`, every number is `double` (so that a
  later decimal fits where an integer came first), and text that looks like a date stays text.
* A keyword longer than 8191 characters (at 4 bytes each still below Lucene's limit) is stored but not searchable;
  Elasticsearch lists the field in `_ignored`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from shipper.errors import ConfigurationError, Problem
from shipper.send.bulk import INDEX_PREFIX
from shipper.send.layout import SUSPECT, Layout, dataset_key
from shipper.send.output import Dataset

GENERATION = 2
"""Grows when a newer shipper makes other templates from the same pipelines; a template of a later one is kept."""

_PRIORITY = 500
_KEYWORD = {"type": "keyword", "ignore_above": 8191}
_SUMMED = {"type": "long", "index": False}

_LONG = {"type": "long"}
_DOUBLE = {"type": "double"}
_BOOLEAN = {"type": "boolean"}
_DATE = {"type": "date"}
_TIME = {"type": "date_nanos"}
_TEXT = {"type": "text", "norms": False}

_TYPES: dict[str, dict[str, Any]] = {
    "int": _LONG,
    "long": _LONG,
    "float": _DOUBLE,
    "double": _DOUBLE,
    "boolean": _BOOLEAN,
    "date": _DATE,
    "keyword": _KEYWORD,
    "ip": {"type": "ip"},
}

_STRUCTURE: dict[str, dict[str, Any]] = {
    "message": _TEXT,
    "tags": _KEYWORD,
    "host.name": _KEYWORD,
    "event.dataset": _KEYWORD,
    "log.offset": _LONG,
    "log.file.path": _KEYWORD,
    "log.file.fingerprint": _KEYWORD,
    "shipper.input": _KEYWORD,
    "shipper.pipeline": _KEYWORD,
    "shipper.lines": _SUMMED,
    "shipper.bytes": _SUMMED,
    "shipper.h0": _SUMMED,
    "shipper.h1": _SUMMED,
    "shipper.date_from": _LONG,
    "shipper.date": _KEYWORD,
}
"""The fields that every document carries; no pipeline can change their types."""

_DYNAMIC = [
    {"text": {"match_mapping_type": "string", "mapping": _KEYWORD}},
    {"whole_numbers": {"match_mapping_type": "long", "mapping": _DOUBLE}},
    {"decimals": {"match_mapping_type": "double", "mapping": _DOUBLE}},
]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells that a template is ours, and from which types it was made."""

    generation: int
    digest: str

    def is_satisfied_by(self, other: Stamp | None) -> bool:
        """Whether a template with the other stamp will do where one with this stamp is wanted."""
        return other is not None and (other == self or other.generation > self.generation)


@dataclass(frozen=True, slots=True)
class Template:
    """An index template, stamped."""

    name: str
    body: Mapping[str, Any]
    stamp: Stamp


def templates(dataset: Dataset, layout: Layout = Layout.INDICES) -> tuple[Template, Template]:
    """The templates of a dataset: for all its indices, and for that of suspect times.

    ConfigurationError for a type that has no mapping.
    """
    alias = INDEX_PREFIX + dataset_key(dataset)
    return _template(dataset, alias, layout), _template(dataset, f"{alias}-{SUSPECT}", layout)


def stamp_of(index_template: Any) -> Stamp | None:
    """The stamp of a template as the server tells it, or None if it is not ours."""
    match index_template:
        case {"_meta": {"shipper": {"generation": int(generation), "digest": str(digest)}}}:
            return Stamp(generation, digest)
    return None


def policy_of(index_template: Any) -> str | None:
    """The lifecycle policy that a template names, as the server tells it."""
    match index_template:
        case {"template": {"settings": {"index": {"lifecycle": {"name": str(name)}}}}}:
            return name
    return None


def under_policy(body: Mapping[str, Any], policy: str | None) -> Mapping[str, Any]:
    """A template whose indices are under a lifecycle policy; clusters without such policies refuse that."""
    if policy is None:
        return body
    template = body["template"]
    return {**body, "template": {**template, "settings": {**template["settings"], "index.lifecycle.name": policy}}}


def _template(dataset: Dataset, name: str, layout: Layout) -> Template:
    suspect = name.endswith(f"-{SUSPECT}")
    alias = INDEX_PREFIX + dataset_key(dataset)
    stream = layout is Layout.DATA_STREAM
    body: dict[str, Any] = {
        "index_patterns": [name if stream or suspect else f"{name}-*"],
        "priority": _PRIORITY + suspect,
        **({"data_stream": {}} if stream else {}),
        "template": {
            "settings": {
                # Any explicit value also keeps Elasticsearch from no longer refreshing an index that nobody searches.
                "index.refresh_interval": "5s",
                # One copy where there is a second node; a cluster of one node is not yellow for ever.
                "index.auto_expand_replicas": "0-1",
                # What is acknowledged is on disk, whatever a cluster's default says.
                "index.translog.durability": "request",
                "index.mapping.coerce": False,
                "index.mapping.total_fields.limit": 2000,
            },
            **({} if stream else {"aliases": {alias: {}}}),
            "mappings": {
                "dynamic": True,
                "date_detection": False,
                "numeric_detection": False,
                "dynamic_templates": _DYNAMIC,
                "properties": _properties(
                    {**_declared(dataset), **_STRUCTURE, "@timestamp": _DATE if suspect else _TIME}
                ),
            },
        },
    }
    digest = xxh3_64_hexdigest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    body["_meta"] = {"shipper": {"generation": GENERATION, "digest": digest}}
    # The index carries the stamp as well: keys that may not read templates can still see what an index was made from.
    body["template"]["mappings"]["_meta"] = body["_meta"]
    return Template(name, body, Stamp(GENERATION, digest))


def _declared(dataset: Dataset) -> dict[str, dict[str, Any]]:
    mapped = {name: _TYPES.get(kind.strip("[]")) for name, kind in dataset.field_types.items()}
    problems = [
        Problem(
            f"field {name} of dataset {dataset.name} has type {dataset.field_types[name]!r}; allowed are {_allowed()}"
        )
        for name, mapping in mapped.items()
        if mapping is None
    ]
    if problems:
        raise ConfigurationError(problems)
    return {name: mapping for name, mapping in mapped.items() if mapping is not None}


def _allowed() -> str:
    return ", ".join(_TYPES)


def _properties(mappings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Nested `properties` from mappings by dotted name."""
    root: dict[str, Any] = {}
    for name, mapping in mappings.items():
        *parents, leaf = name.split(".")
        level = root
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}}).setdefault("properties", {})
        level[leaf] = dict(mapping)
    return root
