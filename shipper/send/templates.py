"""The index templates, generated from the types that pipelines declare. No input, no output.

Decisions, and why:

* Indices are plain and named by event time: an id is unique in one index only, so the index must follow from the
  document. `shipper-<dataset>-<namespace>` is an alias over them.
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
from dataclasses import dataclass, field
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from shipper.errors import ConfigurationError, Problem
from shipper.send.bulk import INDEX_PREFIX

GENERATION = 1
"""Grows when a newer shipper makes other templates from the same pipelines; a template of a later one is kept."""

_PRIORITY = 500
_KEYWORD = {"type": "keyword", "ignore_above": 8191}
_SUMMED = {"type": "long", "index": False}

_LONG = {"type": "long"}
_DOUBLE = {"type": "double"}
_BOOLEAN = {"type": "boolean"}
_DATE = {"type": "date_nanos"}
_TEXT = {"type": "text", "norms": False}

_TYPES: dict[str, dict[str, Any]] = {
    "int": _LONG,
    "integer": _LONG,
    "long": _LONG,
    "float": _DOUBLE,
    "double": _DOUBLE,
    "bool": _BOOLEAN,
    "boolean": _BOOLEAN,
    "date": _DATE,
    "timestamp": _DATE,
    "str": _KEYWORD,
    "string": _KEYWORD,
    "keyword": _KEYWORD,
    "text": _TEXT,
    "ip": {"type": "ip"},
}

_STRUCTURE: dict[str, dict[str, Any]] = {
    "@timestamp": _DATE,
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
class Dataset:
    """A kind of documents that share indices."""

    name: str
    namespace: str = "default"
    types: Mapping[str, str] = field(default_factory=dict)
    """Declared types by dotted field name: `long`, `int`, `double`, `keyword`, `ip` …; `[long]` for lists."""

    @property
    def key(self) -> str:
        """`<dataset>-<namespace>`: what the names of its indices have in common."""
        return f"{self.name}-{self.namespace}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells whose template it is, and from which types it was made."""

    generation: int
    digest: str

    def is_satisfied_by(self, other: Stamp) -> bool:
        """Whether a template with the other stamp will do where one with this stamp is wanted."""
        return other == self or other.generation > self.generation


def key_of(index: str) -> str:
    """The key of the dataset to which a document's `index` belongs: the index without its period."""
    return index.rpartition("-")[0]


def template_name(key: str) -> str:
    """The name of the template (and of the alias) of a dataset."""
    return INDEX_PREFIX + key


def template(dataset: Dataset) -> dict[str, Any]:
    """The index template of a dataset, stamped. ConfigurationError for a type that has no mapping."""
    body = _unstamped(dataset)
    mark = stamp(dataset)
    meta = {"shipper": {"generation": mark.generation, "digest": mark.digest}}
    body["_meta"] = meta
    # The index carries the stamp as well: keys that may not read templates can still see what an index was made from.
    body["template"]["mappings"]["_meta"] = meta
    return body


def stamp(dataset: Dataset) -> Stamp:
    """The stamp of the template that this version makes for the dataset."""
    return Stamp(GENERATION, xxh3_64_hexdigest(orjson.dumps(_unstamped(dataset), option=orjson.OPT_SORT_KEYS)))


def stamp_of(index_template: Any) -> Stamp | None:
    """The stamp of a template as the server tells it, or None if it is not ours."""
    match index_template:
        case {"_meta": {"shipper": {"generation": int(generation), "digest": str(digest)}}}:
            return Stamp(generation, digest)
    return None


def _unstamped(dataset: Dataset) -> dict[str, Any]:
    return {
        "index_patterns": [f"{template_name(dataset.key)}-*"],
        "priority": _PRIORITY,
        "template": {
            "settings": {
                # Any explicit value also keeps Elasticsearch from no longer refreshing an index that nobody searches.
                "index.refresh_interval": "5s",
                "index.mapping.coerce": False,
                "index.mapping.total_fields.limit": 2000,
            },
            "aliases": {template_name(dataset.key): {}},
            "mappings": {
                "dynamic": True,
                "date_detection": False,
                "numeric_detection": False,
                "dynamic_templates": _DYNAMIC,
                "properties": _properties({**_declared(dataset), **_STRUCTURE}),
            },
        },
    }


def _declared(dataset: Dataset) -> dict[str, dict[str, Any]]:
    mapped = {name: _TYPES.get(kind.strip("[]")) for name, kind in dataset.types.items()}
    problems = [
        Problem(f"field {name} of dataset {dataset.name} has type {dataset.types[name]!r}; allowed are {_allowed()}")
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
