"""The index template of ledger documents. No input, no output.

What is searched or added up has a type; the rest of a sign of life is kept as it is. Nothing else becomes a field, so
that another version of shipper may say more.
"""

from __future__ import annotations

from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from shipper.send.bulk import INDEX_PREFIX
from shipper.send.templates import GENERATION, Stamp, Template

LEDGER_INDEX = f"{INDEX_PREFIX}ledger"
"""No dataset's index has such a name: those have two hyphens at least."""

_KEYWORD = {"type": "keyword", "ignore_above": 8191}
_LONG = {"type": "long"}
_SUMMED = {"type": "long", "index": False}
_KEPT = {"type": "object", "enabled": False}


def ledger_template() -> Template:
    """The template of the one index that all hosts share."""
    body: dict[str, Any] = {
        "index_patterns": [LEDGER_INDEX],
        "priority": 500,
        "template": {
            "settings": {
                "index.number_of_shards": 1,
                "index.refresh_interval": "5s",
                "index.auto_expand_replicas": "0-1",
                "index.mapping.coerce": False,
            },
            "mappings": {"dynamic": False, "properties": _fields()},
        },
    }
    digest = xxh3_64_hexdigest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    body["_meta"] = {"shipper": {"generation": GENERATION, "digest": digest}}
    body["template"]["mappings"]["_meta"] = body["_meta"]
    return Template(LEDGER_INDEX, body, Stamp(GENERATION, digest))


def _fields() -> dict[str, Any]:
    return {
        "@timestamp": {"type": "date"},
        "kind": _KEYWORD,
        "host": {"properties": {"name": _KEYWORD}},
        "log": {
            "properties": {
                "offset": _LONG,
                "file": {"properties": {"path": _KEYWORD, "fingerprint": _KEYWORD}},
            }
        },
        "shipper": {
            "properties": {
                "agent": _KEYWORD,
                "version": _KEYWORD,
                "input": _KEYWORD,
                "file": _LONG,
                "bucket": _LONG,
                "fate": _KEYWORD,
                "lines": _SUMMED,
                "bytes": _SUMMED,
                "h0": _SUMMED,
                "h1": _SUMMED,
            }
        },
        "details": _KEPT,
    }
