"""Ledger documents in a cluster: one plain index that all hosts share.

Here, and nowhere else, documents are replaced: they say how things are, not what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.events_log import EventsLog
from shipper.send.bulk import words
from shipper.send.connection import Connection
from shipper.send.ledger_index import LedgerDocument, LedgerKind
from shipper.send.ledger_template import LEDGER_INDEX, ledger_template
from shipper.send.queries import all_of
from shipper.send.questions import Questions
from shipper.send.reach import check_red
from shipper.send.setup import Setup
from shipper.send.whole import check_shards, decoded
from shipper.settings import ElasticsearchSettings

_AT_ONCE = 2000
_TARGET = f"/{LEDGER_INDEX}/_bulk?timeout=30s&filter_path=error,status,items.*.status,items.*.error"
_QUESTION = "the ledger documents"
_FIELDS = {"host": "host.name", "agent": "shipper.agent"}


class ElasticsearchLedger(Questions):
    """Implements `shipper.send.ledger_index.LedgerIndex`."""

    def __init__(self, settings: ElasticsearchSettings, events: EventsLog) -> None:
        super().__init__(Connection(settings), LEDGER_INDEX)
        self._setup = Setup(self._connection, (), events)
        self._install = settings.setup == "auto"
        self._seen = False

    def write(self, documents: Sequence[LedgerDocument]) -> None:
        """Store all of them; the template is looked up before the first."""
        self._see_template()
        for start in range(0, len(documents), _AT_ONCE):
            self._store(documents[start : start + _AT_ONCE])

    def read(self, kind: LedgerKind, *, host: str | None = None, agent: str | None = None) -> Iterator[dict[str, Any]]:
        """All documents of a kind, of one host or agent only, if wanted."""
        wanted = {"host": host, "agent": agent}
        query = all_of(
            {"term": {"kind": kind.value}},
            *({"term": {_FIELDS[name]: value}} for name, value in wanted.items() if value is not None),
        )
        for hit in self._hits(query, {"_source": True}, _AT_ONCE, _QUESTION):
            yield hit["_source"]

    def refresh(self) -> None:
        """Make all that was written before visible."""
        if self._count_indices():
            check_red(self._connection, LEDGER_INDEX, [LEDGER_INDEX])
            check_shards(self._ask("POST", f"/{LEDGER_INDEX}/_refresh", _QUESTION), _QUESTION, least=1)

    def close(self) -> None:
        """Close all sockets."""
        self._connection.close()

    def _count_indices(self) -> int:
        """One, or none as long as nobody ever wrote."""
        answer = self._connection.request("GET", f"/_resolve/index/{LEDGER_INDEX}?expand_wildcards=all")
        return 0 if answer.status == 404 else super()._count_indices()

    def _see_template(self) -> None:
        if self._seen:
            return
        obstacle = self._setup.ensure(ledger_template(), install=self._install)
        if obstacle is not None:
            raise OutputError(obstacle.reason)
        self._seen = True

    def _store(self, documents: Sequence[LedgerDocument]) -> None:
        lines = [b'{"index":{"_id":%b}}\n%b\n' % (orjson.dumps(item.id), item.body) for item in documents]
        answer = self._connection.request("POST", _TARGET, b"".join(lines), media="application/x-ndjson")
        items: list[Mapping[str, Any]] = decoded(answer, "the storing of ledger documents").get("items", [])
        if len(items) != len(documents):
            raise OutputError(f"Elasticsearch answered for {len(items)} of {len(documents)} ledger documents.")
        failed = [result for item in items if (result := item.get("index", {})).get("status") not in (200, 201)]
        if failed:
            raise OutputError(
                f"{len(failed)} of {len(documents)} ledger documents were not stored: {words(failed[0].get('error'))}"
            )
