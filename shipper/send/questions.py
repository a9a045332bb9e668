"""What an Elasticsearch cluster holds of ours, and the refusal to believe half an answer.

A closed index would simply be left out of a search, and a pattern that matches nothing is answered with zero: so the
indices are listed first, and every answer must come from all of them (see `shipper.send.whole`). All pages of a
question see one state of the index, by a point in time. What is not whole raises OutputError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from sys import intern
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.records import BUCKET_BITS, BucketTally, Stored, Tally
from shipper.send.bulk import INDEX_PREFIX, decode
from shipper.send.connection import Connection
from shipper.send.output import Scope
from shipper.send.product import Product, product_of
from shipper.send.queries import all_of, is_, lacking_one, scope_query
from shipper.send.reach import check_fields, check_red, open_indices
from shipper.send.same_cluster import TARGET, uuid_in
from shipper.send.whole import check_search, check_shards, decoded, exact_integer, exact_total

ALL_INDICES = f"{INDEX_PREFIX}*-*,.ds-{INDEX_PREFIX}*-*"
"""`shipper-<dataset>-<namespace>-<period>`, and the indices of data streams, also those that were left out of one."""

_KEEP_ALIVE = "5m"
_BUCKETS_PER_PAGE = 2000
_DOCUMENTS_PER_PAGE = 2000
_BODIES_PER_PAGE = 100
_DELETIONS_PER_REQUEST = 1000

KEY_FIELDS = {"host": "host.name", "input": "shipper.input", "fingerprint": "log.file.fingerprint"}
"""What every document of ours says of where it comes from."""
_SUMS = ("lines", "bytes", "h0", "h1")
_SPAN_FIELDS = ["log.offset", "log.file.path", "shipper.pipeline", "tags", *(f"shipper.{name}" for name in _SUMS)]


@dataclass(slots=True)
class _Snapshot:
    """A point in time over our indices."""

    id: str
    indices: int


class Questions:
    """Asks about the documents in our indices."""

    def __init__(self, connection: Connection, indices: str = ALL_INDICES) -> None:
        self._connection = connection
        self._indices = indices
        self._known_product: Product | None = None

    def cluster_uuid(self) -> str:
        """The name that a cluster keeps for life."""
        return uuid_in(self._ask("GET", TARGET, "the cluster's identity"))

    def refresh(self) -> None:
        """Make all that was stored before visible to searches."""
        names = open_indices(self._connection, self._indices)
        check_red(self._connection, self._indices, names)
        target = f"/{self._indices}/_refresh?expand_wildcards=open,hidden"
        try:
            check_shards(self._ask("POST", target, "a refresh"), "a refresh", least=self._count_indices())
        except OutputError:
            check_red(self._connection, self._indices, names)  # a node that died meanwhile says more
            raise
        check_fields(self._connection, self._indices)

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held per fingerprint and bucket."""
        sources: list[dict[str, Any]] = [{name: {"terms": {"field": field}}} for name, field in KEY_FIELDS.items()]
        sources.append({"bucket": {"histogram": {"field": "log.offset", "interval": 1 << BUCKET_BITS}}})
        sums = {name: {"sum": {"field": f"shipper.{name}"}} for name in _SUMS}
        parts = {**sums, "first": {"min": {"field": "log.offset"}}}
        for bucket in self._composite(scope_query(scope), sources, parts, "the tallies"):
            key = bucket["key"]
            tally = Tally(*(exact_integer(bucket[name]["value"], f"a sum of {name}") for name in _SUMS))
            yield BucketTally(
                host=key["host"],
                input=key["input"],
                fingerprint=key["fingerprint"],
                bucket=exact_integer(key["bucket"], "an offset") >> BUCKET_BITS,
                documents=bucket["doc_count"],
                tally=tally,
                first=exact_integer(bucket["first"]["value"], "an offset"),
            )

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """The documents of a fingerprint with first <= log.offset < last, by offset."""
        query = all_of(is_("log.file.fingerprint", fingerprint), {"range": {"log.offset": {"gte": first, "lt": last}}})
        content = {"_source": False, "docvalue_fields": _SPAN_FIELDS}
        for hit in self._hits(query, content, _DOCUMENTS_PER_PAGE, "the documents of a file"):
            yield _stored(hit)

    def bodies(self, ids: Sequence[str], *, fingerprint: str) -> dict[str, bytes]:
        """The JSON of documents by id, as the index gives it back."""
        found: dict[str, bytes] = {}
        wanted = iter(ids)
        while some := list(islice(wanted, _BODIES_PER_PAGE)):
            query = all_of(is_("log.file.fingerprint", fingerprint), {"ids": {"values": some}})
            for hit in self._hits(query, {"_source": True}, _BODIES_PER_PAGE, "the contents of documents"):
                found[hit["_id"]] = orjson.dumps(hit["_source"])
        return found

    def absent(self, indices: Iterable[str]) -> dict[str, str]:
        """Of these plain indices those that are not there, with their full names."""
        names = {index: INDEX_PREFIX + index for index in indices}
        there = set(open_indices(self._connection, self._indices)) if names else set()
        return {index: name for index, name in names.items() if name not in there}

    def anchors(self, fingerprint: str) -> list[tuple[int, str]]:
        """The different (shipper.date_from, shipper.date) of a fingerprint's documents, by offset."""
        query = all_of(
            is_("log.file.fingerprint", fingerprint),
            {"exists": {"field": "shipper.date_from"}},
            {"exists": {"field": "shipper.date"}},
        )
        sources: list[dict[str, Any]] = [
            {"offset": {"terms": {"field": "shipper.date_from"}}},
            {"date": {"terms": {"field": "shipper.date"}}},
        ]
        keys = [bucket["key"] for bucket in self._composite(query, sources, {}, "the dates of a file")]
        return sorted((exact_integer(key["offset"], "an offset"), key["date"]) for key in keys)

    def delete(self, places: Iterable[tuple[str, str]]) -> int:
        """Delete documents by (index, id); how many were there."""
        deleted = 0
        waiting = iter(places)
        while some := list(islice(waiting, _DELETIONS_PER_REQUEST)):
            deleted += self._delete(some)
        return deleted

    def _delete(self, places: Sequence[tuple[str, str]]) -> int:
        lines = [orjson.dumps({"delete": {"_index": index, "_id": name}}) + b"\n" for index, name in places]
        content = self._ask("POST", "/_bulk?timeout=30s", "a deletion", b"".join(lines), media="application/x-ndjson")
        items = content.get("items", [])
        if len(items) != len(places):
            raise OutputError(f"Elasticsearch answered for {len(items)} of {len(places)} deletions.")
        results = [item.get("delete", {}) for item in items]
        failed = [result for result in results if result.get("status") not in (200, 404) or "error" in result]
        if failed:
            raise OutputError(f"{len(failed)} of {len(places)} documents could not be deleted: {failed[0]}")
        return sum(result["status"] == 200 for result in results)

    def _first_hits(self, query: Any, content: Mapping[str, Any], size: int, question: str) -> list[dict[str, Any]]:
        """The first hits, in no order, of however many there are."""
        with self._snapshot(question) as snapshot:
            if snapshot is None:
                return []
            page = self._search(
                snapshot, {"query": query, "size": size, "track_total_hits": False, **content}, question
            )
            return list(page["hits"]["hits"])

    def _hits(self, query: Any, content: Mapping[str, Any], size: int, question: str) -> Iterator[dict[str, Any]]:
        """All hits by offset; OutputError unless exactly as many come as were counted."""
        with self._snapshot(question) as snapshot:
            if snapshot is None:
                return
            # An index without the field would fail the search; its documents cannot match.
            order = [{"log.offset": {"order": "asc", "unmapped_type": "long"}}, {"_shard_doc": "asc"}]
            body = {"query": query, "sort": order, "size": size, "track_total_hits": True, **content}
            page = self._search(snapshot, body, question)
            expected, seen = exact_total(page, question), 0
            while hits := page["hits"]["hits"]:
                seen += len(hits)
                yield from hits
                after = {**body, "track_total_hits": False, "search_after": hits[-1]["sort"]}
                page = self._search(snapshot, after, question)
            if seen != expected:
                raise OutputError(f"Elasticsearch gave {seen} of {expected} documents when asked for {question}.")

    def _composite(
        self, query: Any, sources: Sequence[Any], parts: Mapping[str, Any], question: str
    ) -> Iterator[dict[str, Any]]:
        """All buckets; OutputError unless they cover every document that matches."""
        with self._snapshot(question) as snapshot:
            if snapshot is None:
                return
            composite: dict[str, Any] = {"size": _BUCKETS_PER_PAGE, "sources": sources}
            body = {"query": query, "size": 0, "aggs": {"all": {"composite": composite, "aggs": parts}}}
            # Counted apart: OpenSearch passes over what cannot belong to a page, and says of it that it ended early.
            count = {"query": query, "size": 0, "track_total_hits": True}
            expected, covered = exact_total(self._search(snapshot, count, question), question), 0
            while True:
                page = self._search(snapshot, {**body, "track_total_hits": False}, question, counted_apart=True)
                result = page["aggregations"]["all"]
                covered += sum(bucket["doc_count"] for bucket in result["buckets"])
                yield from result["buckets"]
                if "after_key" not in result:
                    break
                composite["after"] = result["after_key"]
            if covered != expected:
                hits = self._first_hits(lacking_one(query, sources), {"_source": False}, 1, question)
                example = f" (for example {hits[0]['_id']} in {hits[0]['_index']})" if hits else ""
                raise OutputError(
                    f"{expected - covered} of {expected} documents in {self._indices} lack fields that every document "
                    f"of shipper has{example}; something else wrote them, or hides these fields from these "
                    f"credentials. That makes the answer for {question} doubtful."
                )

    def _search(
        self, snapshot: _Snapshot, body: Mapping[str, Any], question: str, *, counted_apart: bool = False
    ) -> dict[str, Any]:
        point = {"id": snapshot.id, "keep_alive": _KEEP_ALIVE}
        content = orjson.dumps({**body, "pit": point})
        answer = self._ask("POST", "/_search?allow_partial_search_results=false", question, content)
        if counted_apart:
            answer.pop("terminated_early", None)
        check_search(answer, question, least=snapshot.indices)
        snapshot.id = answer.get("pit_id", snapshot.id)
        return answer

    @contextmanager
    def _snapshot(self, question: str) -> Iterator[_Snapshot | None]:
        """A point in time over all our indices, or None if there is no index yet: then nothing is stored."""
        indices = self._count_indices()
        if not indices:
            yield None
            return
        product = self._product()
        target = f"/{self._indices}/{product.points}?keep_alive={_KEEP_ALIVE}&expand_wildcards=open,hidden"
        answer = self._ask("POST", target, question)
        snapshot = _Snapshot(product.point_of(answer), indices)
        try:
            if "_shards" in answer:
                check_shards(answer, question, least=indices)
            yield snapshot
        finally:
            # If this fails, the server forgets the point in time by itself.
            self._connection.request("DELETE", f"/{product.points}", product.closing(snapshot.id))

    def _product(self) -> Product:
        """Whose cluster it is; asked once. A cluster that does not say is one of Elasticsearch."""
        if self._known_product is None:
            answer = self._connection.request("GET", "/")
            if answer.status in (0, 401, 408, 429) or answer.status >= 500:
                decoded(answer, "what it is")
            self._known_product = product_of(decode(answer.body))
        return self._known_product

    def _count_indices(self) -> int:
        """How many indices are ours. OutputError if one is closed: nobody can tell what it holds."""
        return len(open_indices(self._connection, self._indices))

    def _ask(
        self, method: str, target: str, question: str, body: bytes = b"", *, media: str = "application/json"
    ) -> dict[str, Any]:
        return decoded(self._connection.request(method, target, body, media=media), question)


def _stored(hit: Mapping[str, Any]) -> Stored:
    """A document as it is compared; what tens of thousands of them have in common is kept once."""
    fields: Mapping[str, list[Any]] = hit.get("fields", {})

    def first(name: str, default: Any) -> Any:
        return fields.get(name, [default])[0]

    return Stored(
        id=hit["_id"],
        offset=first("log.offset", -1),
        tally=Tally(*(first(f"shipper.{name}", 0) for name in _SUMS)),
        pipeline=intern(first("shipper.pipeline", "")),
        place=intern(hit["_index"]),
        path=intern(first("log.file.path", "")),
        ignored=tuple(hit.get("_ignored", ())),
        tags=tuple(fields.get("tags", ())),
    )
