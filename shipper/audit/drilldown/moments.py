"""When the events of findings happened, what the first of each says, and in which index missing ones belong.

What is on disk is parsed as it was when it was shipped; of documents that nothing on disk explains the index is asked.
An example is the text that is or would be shipped: what the input redacts is redacted here, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from shipper.audit.claims import MINUTE
from shipper.audit.context import Context
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.drill import Drilled
from shipper.audit.families import Family
from shipper.audit.findings import Finding, Kind
from shipper.audit.places import with_places
from shipper.audit.rules import replay
from shipper.records import Document, Stored

EXAMPLE = 300
"""Characters of an event that a finding shows."""
_ASKED = 1000
"""Documents that the index is asked for at most, of one drill-down."""
_IN_INDEX = frozenset({Kind.UNEXPECTED, Kind.DUPLICATE})


@dataclass(slots=True)
class _Account:
    """What is learned of one finding."""

    finding: Finding
    minutes: Counter[int] = field(default_factory=Counter)
    example: str = ""
    indices: set[str] = field(default_factory=set)
    """Where its documents belong, if they are missing."""

    def add(self, timestamp: int, lines: int, body: bytes) -> None:
        self.minutes[timestamp // MINUTE] += max(lines, 1)
        self.example = self.example or _text(body)

    def told(self) -> Finding:
        return replace(self.finding, minutes=dict(self.minutes), example=self.example)


def with_moments(context: Context, family: Family, drilled: Drilled, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a drill-down with their times and examples. Raises SourceError and OutputError."""
    accounts = [_Account(finding) for finding in findings]
    for comparison in drilled.comparisons:
        path = comparison.part.path
        of_file = [one for one in accounts if one.finding.path == path and one.finding.first_line is not None]
        _from_disk(comparison, [one for one in of_file if one.finding.kind not in _IN_INDEX])
    surplus = [item.document for item in drilled.surplus] + drilled.twice
    _from_index(context, family, surplus, [one for one in accounts if one.finding.kind in _IN_INDEX])
    return with_places(context, family.input, [(account.told(), account.indices) for account in accounts])


def _from_disk(comparison: Comparison, accounts: list[_Account]) -> None:
    accounts.sort(key=lambda account: account.finding.offset or 0)
    if not accounts:
        return
    begins = [account.finding.offset or 0 for account in accounts]
    for document in _documents(comparison, begins[0], begins[-1] + max(accounts[-1].finding.bytes, 1)):
        account = accounts[bisect_right(begins, document.offset) - 1]
        begin = account.finding.offset or 0
        if document.offset == begin or document.offset < begin + account.finding.bytes:
            account.add(document.timestamp, document.tally.lines, document.body)
            if account.finding.kind is Kind.MISSING:
                account.indices.add(document.index)


def _documents(comparison: Comparison, begin: int, end: int) -> Iterator[Document]:
    part = comparison.part
    for parse in replay(part.branch.file, comparison.rules, part.parsed, begin):
        documents = [*parse.parsed.documents, *(refusal.document for refusal in parse.parsed.refused)]
        yield from (document for document in documents if begin <= document.offset < end)
        if parse.events[-1].offset >= end:
            return


def _from_index(context: Context, family: Family, documents: Sequence[Stored], accounts: Sequence[_Account]) -> None:
    by_offset = {account.finding.offset: account for account in accounts}
    asked = [document for document in documents if document.offset in by_offset][:_ASKED]
    bodies = context.bodies(family, [document.id for document in asked]) if asked else {}
    for document in asked:
        body = bodies[document.id]
        moment = _moment(body)
        if moment is not None:
            by_offset[document.offset].add(moment, document.tally.lines, body)


def _moment(body: bytes) -> int | None:
    """The event time of a document (nanoseconds since the epoch, whole seconds); None if it has none that is a time."""
    try:
        moment = datetime.fromisoformat(str(orjson.loads(body)["@timestamp"]))
        return int(moment.timestamp()) * 1_000_000_000
    except (KeyError, ValueError, OverflowError):
        return None


def _text(body: bytes) -> str:
    return str(orjson.loads(body).get("message", ""))[:EXAMPLE]
