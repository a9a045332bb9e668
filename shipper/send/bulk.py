"""One bulk request, and what its answer really says. No input, no output.

Only three verdicts cannot be taken back: stored, already stored, refused. Each needs a status **and** an error type
that is known to mean it. Whatever else comes is the cluster's or the configuration's business: it is tried again
(`RETRY`: time helps by itself) or held with an alarm (`PAUSED`: someone has to do something), and never acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from shipper.records import ALREADY_STORED, BUSY, STORED, Document, Outcome, OutcomeKind

INDEX_PREFIX = "shipper-"
"""What all our index names begin with; a document's index is this and its `index`."""

TARGET = (
    "/_bulk?timeout=30s&filter_path="
    "error,status,errors,items.*.status,items.*.failure_store,"
    "items.*.error.type,items.*.error.reason,items.*.error.caused_by"
)
"""Where batches go. The filter keeps one entry per document, and the whole error of a request that failed as such."""

CREDENTIALS = "credentials"
"""The category of what the cluster refuses because it does not know who we are."""

CREATE, INDEX = "create", "index"
"""Actions: store what is not there; store whatever is there."""

_STORED_ITEM = {"create": {"status": 201}}
_REASON_LIMIT = 4096

_MAPPING = "mapping"
_TOO_LARGE = "too_large"
_REFUSED_TYPES = {
    "document_parsing_exception": _MAPPING,
    "mapper_parsing_exception": _MAPPING,
    "strict_dynamic_mapping_exception": _MAPPING,
}
"""Error types that, with status 400, speak of the document itself."""

_REFUSED_ARGUMENTS = {
    "immense term": _TOO_LARGE,
    "max_bytes_length_exceeded_exception": _TOO_LARGE,
    "cannot be changed from type": _MAPPING,
    "can't merge a non object mapping": _MAPPING,
    "can't merge a non-object mapping": _MAPPING,
}
"""What an `illegal_argument_exception` must say (in lower case) to speak of the document itself."""

_FIELDS_LIMIT = "limit of total fields"
"""Comes as a parsing error of the document, but it is the mapping that is full."""

_PAUSE_CATEGORIES = {
    "security_exception": "not_permitted",
    "cluster_block_exception": "blocked",
    "validation_exception": "shard_limit",
    "index_closed_exception": "closed",
    "index_not_found_exception": "missing_index",
}

_UNAVAILABLE_SHARDS = "unavailable_shards_exception"
"""Comes with 503 when the cluster has waited for the index for half a minute: others must not wait for it, too."""
_WHOLE_REQUEST = ", request: ["
"""What follows in its reason are the documents."""


def own_index(index: str) -> str:
    """The name of the plain index of a document's `index`."""
    return INDEX_PREFIX + index


def request_body(
    documents: Sequence[Document], action: str = CREATE, target: Callable[[str], str] = own_index
) -> bytes:
    """The NDJSON body that creates (or replaces) the documents, each in its index under its id."""
    heads = {
        index: b'{"%b":{"_index":' % action.encode() + orjson.dumps(target(index)) + b',"_id":"'
        for index in {document.index for document in documents}
    }
    return b"".join(
        [b'%b%b"}}\n%b\n' % (heads[document.index], document.id.encode(), document.body) for document in documents]
    )


def size(documents: Sequence[Document]) -> int:
    """About how many bytes the request body of the documents has."""
    return sum(_size(document) for document in documents)


def cut(documents: Sequence[Document], limit: int) -> Iterator[Sequence[Document]]:
    """Consecutive parts of at most `limit` bytes by `size`; a document beyond the limit is a part of its own."""
    start = used = 0
    for position, document in enumerate(documents):
        used += _size(document)
        if used > limit and position > start:
            yield documents[start:position]
            start, used = position, _size(document)
    if documents:
        yield documents[start:]


def outcomes(status: int, body: bytes, count: int, action: str = CREATE) -> list[Outcome]:
    """One outcome per document for an HTTP answer to a request with `count` documents, in their order."""
    if status != 200:
        return [_whole(status, body)] * count
    answer = decode(body)
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != count:
        found = len(items) if isinstance(items, list) else "no"
        reason = f"The answer speaks of {found} documents, but {count} were sent; none is taken as stored."
        return [Outcome(OutcomeKind.RETRY, "answer_not_whole", reason)] * count
    return [STORED if item == _STORED_ITEM else _outcome(item, action) for item in items]


def words(error: Any) -> str:
    """An error object of the server as text: type, reason and the innermost cause that says more."""
    if not isinstance(error, dict):
        return str(error)[:_REASON_LIMIT]
    text = f"{error.get('type')}: {error.get('reason')}"
    cause = error.get("caused_by")
    while isinstance(cause, dict):
        reason = str(cause.get("reason"))
        if reason not in text:
            text += f" (caused by {cause.get('type')}: {reason})"
        cause = cause.get("caused_by")
    return text[:_REASON_LIMIT]


def decode(body: bytes) -> Any:
    """The JSON value of an answer, or None: what is no JSON is no answer."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def error_of(body: bytes) -> str:
    """What the body of a failed answer says, in the server's words."""
    answer = decode(body)
    if isinstance(answer, dict) and "error" in answer:
        return words(answer["error"])
    return body[:200].decode(errors="replace").strip() or "no explanation"


def _size(document: Document) -> int:
    return len(document.body) + len(document.index) + 70


def _whole(status: int, body: bytes) -> Outcome:
    """The fate of all documents of a request that failed as a whole."""
    reason = f"HTTP status {status}: {error_of(body)}"
    if status == 429:
        return Outcome(OutcomeKind.RETRY, BUSY, reason)
    if status == 408 or status >= 500:
        return Outcome(OutcomeKind.RETRY, "unavailable", reason)
    if status == 413:
        return Outcome(OutcomeKind.REFUSED, _TOO_LARGE, reason)
    if status == 401:
        return Outcome(OutcomeKind.PAUSED, CREDENTIALS, reason)
    return Outcome(OutcomeKind.PAUSED, "not_permitted" if status == 403 else "unexpected", reason)


def _outcome(item: Any, action: str) -> Outcome:
    """The fate of one document that was not plainly stored."""
    result = item.get(action) if isinstance(item, dict) else None
    if not isinstance(result, dict):
        return Outcome(OutcomeKind.PAUSED, "unexpected", f"The answer has no result of a creation: {item!r}")
    status, error = result.get("status"), result.get("error")
    if status == 201 and "failure_store" in result:
        return Outcome(OutcomeKind.PAUSED, "failure_store", "The document went to the failure store, not to its index.")
    if not isinstance(error, dict):
        if status == 201 or (status == 200 and action == INDEX):
            return STORED
        return Outcome(OutcomeKind.PAUSED, "unexpected", f"Status {status} without an error is no creation.")
    return _judge(status, error)


def _judge(status: Any, error: dict[str, Any]) -> Outcome:
    kind = str(error.get("type"))
    if status == 409 and kind == "version_conflict_engine_exception":
        return ALREADY_STORED
    reason = words(error)
    if status == 503 and kind == _UNAVAILABLE_SHARDS:
        return Outcome(OutcomeKind.PAUSED, "unavailable_shards", reason.partition(_WHOLE_REQUEST)[0])
    if status in (429, 503) and not (status == 429 and kind == "cluster_block_exception"):
        return Outcome(OutcomeKind.RETRY, BUSY if status == 429 else "unavailable", reason)
    if status == 400:
        if _FIELDS_LIMIT in reason.lower():
            return Outcome(OutcomeKind.PAUSED, "total_fields", reason)
        if category := _refusal(kind, reason.lower()):
            return Outcome(OutcomeKind.REFUSED, category, reason)
    return Outcome(OutcomeKind.PAUSED, _PAUSE_CATEGORIES.get(kind, "unexpected"), reason)


def _refusal(kind: str, reason: str) -> str | None:
    """The category if the document itself is at fault."""
    if kind == "illegal_argument_exception":
        return next((category for part, category in _REFUSED_ARGUMENTS.items() if part in reason), None)
    return _REFUSED_TYPES.get(kind)
