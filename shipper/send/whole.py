"""Whether an answer of Elasticsearch is whole. No input, no output; what is not whole raises OutputError saying why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.send.bulk import error_of
from shipper.send.connection import Answer

_BLOCK = b"cluster_block_exception"
"""It is answered with 403, too, and concerns everybody: somebody blocked an index, or a disk is full."""
EXACT = 1 << 53
"""Elasticsearch adds up in doubles: integers are exact below this."""


def decoded(answer: Answer, question: str) -> dict[str, Any]:
    """The JSON object of a good answer."""
    if answer.status == 0:
        raise OutputError(f"Elasticsearch could not be asked for {question}: {answer.failure}")
    if answer.status == 401:
        raise OutputError(
            f"Elasticsearch refuses our credentials: {error_of(answer.body)}. Put right what the configuration gives "
            "as api_key_file, api_key or username; `shipper setup --keys --apply --user NAME` makes keys."
        )
    if answer.status == 403 and _BLOCK not in answer.body:
        raise OutputError(
            f"These credentials may not ask Elasticsearch for {question}: {_why(answer.body)}. `shipper setup --keys` "
            "prints what each key must be allowed."
        )
    if answer.status != 200:
        raise OutputError(f"Elasticsearch did not answer for {question}: status {answer.status}, {_why(answer.body)}")
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise OutputError(f"The answer of Elasticsearch for {question} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise OutputError(f"The answer of Elasticsearch for {question} is no JSON object.")
    return content


def check_shards(content: Mapping[str, Any], question: str, *, least: int = 0) -> None:
    """All shards of at least so many indices did what was asked."""
    shards = content.get("_shards")
    if not isinstance(shards, dict) or "failed" not in shards or "total" not in shards:
        raise OutputError(f"The answer of Elasticsearch for {question} does not say how many shards it comes from.")
    if shards["failed"]:
        raise OutputError(
            f"Only {shards.get('successful')} of {shards['total']} shards answered for {question}; "
            f"{shards['failed']} failed: {shards.get('failures')}"
        )
    if shards["total"] < least:
        raise OutputError(
            f"Elasticsearch asked only {shards['total']} shards for {question}, but {least} indices are there."
        )


def check_search(content: Mapping[str, Any], question: str, *, least: int) -> None:
    """A search went through all shards of at least so many indices, to the end."""
    check_shards(content, question, least=least)
    shards = content["_shards"]
    if shards.get("successful") != shards["total"]:
        raise OutputError(
            f"Only {shards.get('successful')} of {shards['total']} shards answered for {question}; an index is red."
        )
    if content.get("timed_out") is not False:
        raise OutputError(f"The search for {question} ran into a time-out of the server.")
    if content.get("terminated_early"):
        raise OutputError(f"The search for {question} was ended early by the server.")
    clusters = content.get("_clusters") or {}
    bad = [state for state in ("skipped", "partial", "failed", "running") if clusters.get(state)]
    if bad:
        raise OutputError(f"Remote clusters were left out of the search for {question}: {clusters}")


def exact_total(content: Mapping[str, Any], question: str) -> int:
    """How many documents match; only an exact number will do."""
    match content:
        case {"hits": {"total": {"value": int(value), "relation": "eq"}}}:
            return value
    raise OutputError(f"Elasticsearch did not count exactly for {question}: {content.get('hits', {}).get('total')}")


def exact_integer(value: Any, question: str) -> int:
    """An integer that travelled as a double."""
    if not isinstance(value, (int, float)) or value != int(value) or abs(value) >= EXACT:
        raise OutputError(f"Elasticsearch gave {value!r} for {question}, which is no exact integer.")
    return int(value)


def _why(body: bytes) -> str:
    """The server's words; those of a failed search come with the first shard's reason."""
    text = error_of(body)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return text
    match content:
        case {"error": {"failed_shards": [{"reason": {"type": kind, "reason": reason}}, *_]}}:
            return f"{text} (first shard: {kind}: {reason})"
    return text
