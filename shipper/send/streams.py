"""Replacing documents in data streams, which themselves take nothing but new ones.

The backing index that holds a document takes another in its place if the request names the version it is to replace.
So a document stays in the backing index that it was written to, whatever its time is now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from shipper.records import Outcome, OutcomeKind
from shipper.send import bulk
from shipper.send.connection import Connection
from shipper.send.output import Replacement
from shipper.send.whole import decoded

_VERSIONS = "/_mget?_source=false&filter_path=docs._id,docs.found,docs._seq_no,docs._primary_term,docs.error"


def replace_in_streams(connection: Connection, replacements: Sequence[Replacement]) -> list[Outcome]:
    """One outcome per replacement. OutputError if the versions that are to be replaced cannot be asked for."""
    if not replacements:
        return []
    heads = list(_heads(connection, replacements))
    there = [(item, head) for item, head in zip(replacements, heads, strict=True) if head is not None]
    gone = Outcome(OutcomeKind.PAUSED, "gone", "The document to be replaced is not in its index any more.")
    if not there:
        return [gone] * len(replacements)
    lines = [b"%b\n%b\n" % (head, item.document.body) for item, head in there]
    answer = connection.request("POST", bulk.TARGET, b"".join(lines), media="application/x-ndjson")
    if answer.status == 0:
        done = iter([Outcome(OutcomeKind.RETRY, answer.category, answer.failure)] * len(there))
    else:
        done = iter(bulk.outcomes(answer.status, answer.body, len(there), bulk.INDEX))
    return [gone if head is None else _settled(next(done)) for head in heads]


def _settled(outcome: Outcome) -> Outcome:
    """A conflict is no success here: someone else has changed the document meanwhile."""
    if outcome.kind is OutcomeKind.ALREADY_STORED:
        return Outcome(OutcomeKind.RETRY, "conflict", "The document was changed by someone else meanwhile.")
    return outcome


def _heads(connection: Connection, replacements: Sequence[Replacement]) -> Iterator[bytes | None]:
    """The action lines; None where nothing is stored to be replaced."""
    asked = {"docs": [{"_index": item.place, "_id": item.document.id} for item in replacements]}
    answer = connection.request("POST", _VERSIONS, orjson.dumps(asked))
    found: list[dict[str, Any]] = decoded(answer, "the versions of documents").get("docs", [])
    for item, version in zip(replacements, found, strict=True):
        if not version.get("found"):
            yield None
            continue
        head = {
            "_index": item.place,
            "_id": item.document.id,
            "if_seq_no": version["_seq_no"],
            "if_primary_term": version["_primary_term"],
        }
        yield orjson.dumps({bulk.INDEX: head})
