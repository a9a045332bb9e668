"""What a report tells of our documents in Elasticsearch besides their number: event times, and values that are ignored.

Whole answers only, as for all questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shipper.errors import OutputError
from shipper.records import BUCKET_BITS
from shipper.send.output import Flaw, Period, Scope
from shipper.send.queries import all_of, scope_query
from shipper.send.questions import KEY_FIELDS, Questions
from shipper.send.whole import exact_integer

_LINES = {"lines": {"sum": {"field": "shipper.lines"}}}
_SIZES = {**_LINES, "bytes": {"sum": {"field": "shipper.bytes"}}}
_ORIGIN = [{name: {"terms": {"field": KEY_FIELDS[name]}}} for name in ("host", "input")]
_IGNORED = "_ignored"


class Surveys(Questions):
    """Asks about the contents of our documents."""

    def hosts(self) -> list[str]:
        """The hosts whose documents are held."""
        found = self._composite(all_of(), [{"host": {"terms": {"field": KEY_FIELDS["host"]}}}], {}, "the hosts")
        return [bucket["key"]["host"] for bucket in found]

    def history(self, scope: Scope, step: int) -> Iterator[Period]:
        """The lines and bytes that are held by file, bucket and step of event time (seconds)."""
        sources: list[dict[str, Any]] = [{name: {"terms": {"field": field}}} for name, field in KEY_FIELDS.items()]
        sources.append({"bucket": {"histogram": {"field": "log.offset", "interval": 1 << BUCKET_BITS}}})
        sources.append({"start": {"date_histogram": {"field": "@timestamp", "fixed_interval": f"{step}s"}}})
        for found in self._composite(scope_query(scope), sources, _SIZES, "the times of events"):
            key = found["key"]
            yield Period(
                host=key["host"],
                input=key["input"],
                fingerprint=key["fingerprint"],
                bucket=exact_integer(key["bucket"], "an offset") >> BUCKET_BITS,
                start=exact_integer(key["start"], "a time") // 1000,
                lines=exact_integer(found["lines"]["value"], "a sum of lines"),
                bytes=exact_integer(found["bytes"]["value"], "a sum of bytes"),
            )

    def flaws(self, scope: Scope, tags: Sequence[str]) -> Iterator[Flaw]:
        """How many documents carry one of the tags, and of how many the index ignored a field."""
        for tag in tags:
            query = all_of(scope_query(scope), {"term": {"tags": tag}})
            for found in self._composite(query, _ORIGIN, _LINES, f"the documents with {tag}"):
                yield _flaw(found, tag=tag)
        for field in self._ignored_fields(scope):
            query = all_of(scope_query(scope), {"term": {_IGNORED: field}})
            for found in self._composite(query, _ORIGIN, _LINES, f"the documents whose field {field} is ignored"):
                yield _flaw(found, field=field)

    def _ignored_fields(self, scope: Scope) -> list[str]:
        """The names of all fields that were ignored in a document: one by one, each in a document without the others.

        An aggregation over `_ignored` would need a newer server than we support.
        """
        known: list[str] = []
        while True:
            rest = {"bool": {"must_not": [{"terms": {_IGNORED: known}}]}}
            query = all_of(scope_query(scope), {"exists": {"field": _IGNORED}}, rest)
            more = self._first_ignored(query)
            if not more:
                return known
            known += more

    def _first_ignored(self, query: dict[str, Any]) -> list[str]:
        """The ignored fields of one document that matches; none if there is no such document."""
        hits = list(self._first_hits(query, {"_source": False}, 1, "the fields that were ignored"))
        if hits and not hits[0].get(_IGNORED):
            raise OutputError("Elasticsearch says that fields of a document were ignored, and does not say which.")
        return list(hits[0][_IGNORED]) if hits else []


def _flaw(found: dict[str, Any], *, tag: str = "", field: str = "") -> Flaw:
    key = found["key"]
    lines = exact_integer(found["lines"]["value"], "a sum of lines")
    return Flaw(key["host"], key["input"], tag, field, found["doc_count"], lines)
