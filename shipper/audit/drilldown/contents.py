"""The deepest level: documents made again from disk and compared, field by field, with those that are stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson

from shipper.audit.claims import DEAD
from shipper.audit.context import Context
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.drill import Drilled
from shipper.audit.drilldown.matching import DiskEvent
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Kind, Outcome
from shipper.audit.rules import Parse, remade, replay
from shipper.audit.subjects import Stretch
from shipper.parse.file_parser import RUNAWAY
from shipper.records import Document, Stored, total

PATH = "log.file.path"
"""Not compared: a copy of a file has another one."""


def compare_contents(context: Context, family: Family, drilled: Drilled) -> Outcome:
    """Findings for documents whose event is on disk and whose fields are not what it says.

    Raises SourceError and OutputError.
    """
    outcome = Outcome()
    for comparison in drilled.comparisons:
        _Contents(context, family, comparison, outcome).compare()
    return outcome


def differing(expected: bytes, held: bytes, ignored: Collection[str]) -> list[str]:
    """Names of the fields whose values differ between two documents, dotted and sorted."""
    if expected == held:
        return []
    one, other = dict(_flat(orjson.loads(expected))), dict(_flat(orjson.loads(held)))
    return sorted(
        name for name in one.keys() | other.keys() if name not in ignored and one.get(name) != other.get(name)
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{name}.")
        else:
            yield prefix + name, item


class _Contents:
    """Compares the documents of one part of a family."""

    def __init__(self, context: Context, family: Family, comparison: Comparison, outcome: Outcome) -> None:
        self._context = context
        self._family = family
        self._comparison = comparison
        self._outcome = outcome
        self._stored = {name: item for name, item in comparison.matching.stored.items() if item.place != DEAD}
        self._events = {event.id: event for event in comparison.events}
        self._unknown: list[tuple[DiskEvent, Stored]] = []
        """Of a version that is not known, one after the other."""

    def compare(self) -> None:
        """Make every document of the part again and compare it."""
        left = len(self._stored)
        part = self._comparison.part
        begin = min((self._events[name].offset for name in self._stored), default=0)
        for parse in replay(part.branch.file, self._comparison.rules, part.parsed, begin):
            documents = [document for document in parse.parsed.documents if document.id in self._stored]
            if documents:
                self._compare(self._by_own_version(parse, documents))
                left -= len(documents)
            if not left:
                break
        self._unproved()

    def _by_own_version(self, parse: Parse, documents: Sequence[Document]) -> list[Document]:
        """The documents as the versions make them that those in the index name: `shipper reparse` replaces some."""
        book, name = self._context.rulebook, self._family.input
        wanted = {
            document.offset: book.pipeline(name, version)
            for document in documents
            if (version := self._stored[document.id].pipeline) != document.pipeline and book.knows(name, version)
        }
        made = list(documents)
        if wanted:
            part = self._comparison.part
            others = {
                document.id: document
                for _, parsed in remade(parse, self._comparison.rules, part.branch.file.modified, wanted)
                for document in parsed.documents
            }
            made = [others.get(document.id, document) for document in made]
        return made

    def _compare(self, documents: Sequence[Document]) -> None:
        bodies = self._context.bodies(self._family, [self._stored[document.id].id for document in documents])
        for document in documents:
            stored, event = self._stored[document.id], self._events[document.id]
            if stored.pipeline != document.pipeline and not self._knows(stored):
                self._unproved(stored.pipeline)
                self._unknown.append((event, stored))
                continue
            self._unproved()
            names = differing(document.body, bodies[stored.id], _ignored(event, stored, len(self._family.fingerprints)))
            # What takes too long on one day may not on another: the one thing that is no function of the bytes.
            if names and RUNAWAY not in stored.tags and f'"{RUNAWAY}"'.encode() not in document.body:
                self._altered(event, stored, names)

    def _knows(self, stored: Stored) -> bool:
        return self._context.rulebook.knows(self._family.input, stored.pipeline)

    def _altered(self, event: DiskEvent, stored: Stored, names: Sequence[str]) -> None:
        evidence = f"document {stored.id} in {stored.place} differs in {', '.join(names)}"
        self._outcome.totals.indexed -= max(event.tally.lines, 1)
        stretch = Stretch(event.offset, event.tally, event.line)
        self._report(Kind.ALTERED, Cause.CHANGED_IN_INDEX, evidence, stretch)

    def _unproved(self, but: str = "") -> None:
        """Report those of a version that is not known, if they are not of the version that goes on."""
        if not self._unknown or self._unknown[0][1].pipeline == but:
            return
        (first, stored), (last, end) = self._unknown[0], self._unknown[-1]
        count, tally = len(self._unknown), total(event.tally for event, _ in self._unknown)
        which = f"document {stored.id} was" if count == 1 else f"{count:,} documents, {stored.id} to {end.id}, were"
        evidence = f"{which} made by version {stored.pipeline} of its pipeline, which is not known here"
        adjacent = last.end - first.offset == tally.bytes
        stretch = Stretch(first.offset, tally._replace(lines=max(tally.lines, 1)), first.line if adjacent else None)
        self._report(Kind.UNPROVED, Cause.UNKNOWN_PIPELINE, evidence, stretch)
        self._unknown.clear()

    def _report(self, kind: Kind, cause: Cause, evidence: str, stretch: Stretch) -> None:
        subject = self._context.subject(self._family, self._comparison.part.path)
        self._outcome.report(subject.finding(kind, cause, evidence, stretch))


def _ignored(event: DiskEvent, stored: Stored, fingerprints: int) -> set[str]:
    """Fields that may differ because the file was edited before the event, which is a finding of its own."""
    ignored = {PATH}
    if event.id != stored.id:
        ignored |= {"shipper.date_from"}
    if event.offset != stored.offset:
        ignored |= {"log.offset"}
    if fingerprints > 1:
        ignored |= {"log.file.fingerprint"}
    return ignored
