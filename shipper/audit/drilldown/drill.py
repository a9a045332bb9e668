"""The drill-down of some buckets of a family: its events on disk against its documents in the index, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from shipper.audit.claims import DEAD, Claim
from shipper.audit.context import Context
from shipper.audit.disk import DiskFile
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.copies import grouped
from shipper.audit.drilldown.matching import DiskEvent, Surplus
from shipper.audit.drilldown.part_rules import rules_for
from shipper.audit.drilldown.reconcile import as_held, match_contents, match_ids
from shipper.audit.drilldown.vouched import without_vouched
from shipper.audit.extents import Extent
from shipper.audit.families import Family, Part
from shipper.audit.rules import Reading, replay
from shipper.hashes import document_ids
from shipper.read.framing import INCOMPLETE, PART, holds
from shipper.records import Event, Stored, Tally, total

_STEP = 64 * 1024


@dataclass(slots=True)
class Drilled:
    """What a drill-down knows before anything is judged."""

    comparisons: list[Comparison]
    surplus: list[Surplus]
    """Documents that no part of the family explains; their places are those of the first part."""
    twice: list[Stored]
    dead: set[str]
    """Ids of documents that are dead letters, too."""
    copies: list[list[Stored]]
    """All documents of each id that is there more than once."""
    vouched: Tally
    """Of files that are gone."""
    unheld: list[Claim]
    """What the ledger counted of files that are gone, and of which the documents are others."""


def compare(context: Context, family: Family, parts: Sequence[Part], extent: Extent) -> Drilled:
    """Find out what became of every event and document of the extent. Raises SourceError and OutputError."""
    documents = context.spans(family, extent)
    letters = {letter.id: letter for letter in context.dead_letters(family, extent)}
    both = {name for document in documents if (name := document.id) in letters}
    comparisons = [_read(context, family, part, extent, documents) for part in parts]
    rest: Sequence[Stored] = [*documents, *(letter for name, letter in letters.items() if name not in both)]
    twice: list[Stored] = []
    for comparison in comparisons:
        comparison.matching, rest = match_ids(comparison.events, rest)
        twice += comparison.matching.twice
    kept, vouched, unheld = without_vouched(family, comparisons, rest, documents)
    if kept:  # a file was edited, or holds other lines: what never had a document must not be taken for what had one
        for comparison in comparisons:
            _parse_absent(comparison, upto=inf)
    # A dead letter without a line is no document: the ledger's sums tell of it.
    surplus = [item for item in _align(comparisons, kept) if item.document.place != DEAD]
    if not kept:
        for comparison in comparisons:
            _parse_absent(comparison, upto=_undecided_upto(context, comparison.part, extent))
    surplus = _without_superseded(comparisons[0], surplus)
    return Drilled(comparisons, surplus, twice, both, grouped(documents), vouched, unheld)


def _read(context: Context, family: Family, part: Part, extent: Extent, documents: Sequence[Stored]) -> Comparison:
    rules = rules_for(context, family, part, documents)
    reading = Reading(part.branch.file, rules, part.read.before(extent.disk_begin))
    events: list[DiskEvent] = []
    line = reading.start.line if reading.start else 1
    for _, found in reading.events():
        events += _numbered(found, line, family.fingerprint, max(part.branch.start, extent.disk_begin), extent.disk_end)
        line = reading.line
        part.read.put(reading.place)
        if reading.end >= extent.disk_end:
            break
    if part.claim is None:  # nobody knows how lines were taken together, but the documents
        events = as_held(events, documents)
    continues = extent.goes_on(max(family.held, default=0))
    return Comparison(part, rules, events, reading, extent.holds_end(part.measure.end), continues, extent)


def _numbered(events: Sequence[Event], line: int, fingerprint: str, begin: int, end: int) -> list[DiskEvent]:
    if events[-1].offset < begin or events[0].offset >= end:
        return []
    ids = document_ids(fingerprint, [(event.offset, event.chain) for event in events])
    lines = accumulate((event.tally.lines for event in events), initial=line)
    return [
        DiskEvent(id_, event.offset, event.tally, number)
        for id_, event, number in zip(ids, events, lines, strict=False)
        if begin <= event.offset < end
    ]


def _align(comparisons: Sequence[Comparison], rest: Sequence[Stored]) -> list[Surplus]:
    """Match by content what ids could not, part after part; what is left, with its place in the first part."""
    places: dict[str, Surplus] = {}
    for comparison in comparisons:
        unshipped = comparison.refused.union(comparison.filtered)
        match_contents(comparison.matching, comparison.events, rest, unshipped)
        left = comparison.matching.surplus
        places = {item.document.id: places.get(item.document.id, item) for item in left}
        rest = [item.document for item in left]
    return list(places.values())


def _undecided_upto(context: Context, part: Part, extent: Extent) -> float:
    """Where absent events may have been filtered or refused: nowhere, if the ledger counted every line as stored."""
    if not context.claims.known:
        return inf
    if part.claim is None:
        return 0
    stored = total(part.claim.stored(bucket) for bucket in part.claim.ledger if extent.holds(bucket))
    below = total(tally for bucket, tally in part.measure.below.items() if extent.holds(bucket))
    return 0 if stored == below and part.agrees else part.reach


def _parse_absent(comparison: Comparison, *, upto: float) -> None:
    """Ask the parser which of the absent events before an offset were filtered or refused."""
    undecided = {event.offset for event in comparison.matching.absent if event.offset < upto}
    if not undecided:
        return
    last = max(undecided)
    part = comparison.part
    for events, parsed, *_ in replay(part.branch.file, comparison.rules, part.parsed, min(undecided)):
        comparison.filtered.update((item.offset, item.rule) for item in parsed.filtered if item.offset in undecided)
        comparison.refused.update({item.document.offset for item in parsed.refused} & undecided)
        if events[-1].offset >= last:
            return


def _without_superseded(trunk: Comparison, surplus: Sequence[Surplus]) -> list[Surplus]:
    """Less the half lines that a file ended with when it was shipped, and that are whole lines now."""
    if not any(INCOMPLETE in item.document.tags for item in surplus):
        return list(surplus)
    file = trunk.part.branch.file
    return [item for item in surplus if INCOMPLETE not in item.document.tags or not _still_holds(file, item.document)]


def _still_holds(file: DiskFile, document: Stored) -> bool:
    """Whether the bytes of a document stand where it says, as far as their own lines tell."""
    data = file.at(document.offset, document.tally.bytes)
    return holds(data, _line_before(file, document.offset), document.tally)


def _line_before(file: DiskFile, offset: int) -> bytes:
    """What stands before a place in its line."""
    size = min(offset, _STEP)
    while True:
        data = file.at(offset - size, size)
        newline = data.rfind(b"\n")
        if newline >= 0 or size == min(offset, PART):
            return data[newline + 1 :]
        size = min(offset, PART, size * 8)
