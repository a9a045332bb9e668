"""The drill-down of some buckets of a family: its events on disk against its documents in the index, one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from typing import NamedTuple

from shipper.audit.beginnings import Generations, are_beginnings, told_apart
from shipper.audit.claims import DEAD, Claim
from shipper.audit.context import Context, Extent
from shipper.audit.copies import grouped
from shipper.audit.disk import DiskFile
from shipper.audit.families import Family, Part, gone_claims
from shipper.audit.reconcile import DiskEvent, Matching, Surplus, match_contents, match_ids
from shipper.audit.rules import Reading, Rules, replay
from shipper.hashes import document_ids
from shipper.read.framing import INCOMPLETE, PART, holds
from shipper.records import Event, Mark, MarkKind, Source, Stored, Tally, total

_STEP = 64 * 1024


@dataclass(slots=True)
class Comparison:
    """A part of a family, compared."""

    part: Part
    rules: Rules
    events: list[DiskEvent]
    """Those of the run, from the part's own start on."""
    reading: Reading
    """Its end, and what follows the last event."""
    ends_in_run: bool
    """Whether the file's end belongs to the run."""
    continues: bool
    """Whether the index holds documents beyond the run."""
    extent: Extent
    matching: Matching = field(default_factory=Matching)
    filtered: dict[int, str] = field(default_factory=dict)
    """Rules by offset of the absent events that they filtered."""
    refused: set[int] = field(default_factory=set)
    """Offsets of absent events that parsing refuses for good."""
    untold: Mapping[int, str] = field(default_factory=dict)
    """By bucket, what is to be said of dead letters of which it is not known which of the absent events they are."""
    settled: Tally = field(default_factory=Tally)
    """What was found to be filtered or dead, when all is judged."""

    def was_read_at(self, event: DiskEvent) -> int:
        """The offset of an event before the file was edited."""
        return self.matching.moved.get(event.id, event.offset)

    def why_absent(self, bucket: int) -> str:
        """Without a state: what is known of the absent events of a bucket."""
        return "the index does not hold it, and no state says why" + self.untold.get(bucket, "")

    def line_at(self, place: int) -> int:
        """The number of the line at a place of the file."""
        if not self.events:
            return 1
        number = bisect_right(self.events, place, key=lambda event: event.offset) - 1
        event = self.events[max(number, 0)]
        return event.line if place < event.end else event.line + event.tally.lines


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


def compare(context: Context, family: Family, parts: Sequence[Part], run: Extent) -> Drilled:
    """Find out what became of every event and document of the run. Raises SourceError and OutputError."""
    documents = context.spans(family, run)
    letters = {letter.id: letter for letter in context.dead_letters(family, run)}
    stored = {name for document in documents if (name := document.id) in letters}
    comparisons = [_read(context, family, part, run, documents) for part in parts]
    rest: Sequence[Stored] = [*documents, *(letter for name, letter in letters.items() if name not in stored)]
    twice: list[Stored] = []
    for comparison in comparisons:
        comparison.matching, rest = match_ids(comparison.events, rest)
        twice += comparison.matching.twice
    kept, unheld = _without_vouched(family, comparisons, rest, run, documents)
    vouched = _shipped(rest).minus(_shipped(kept))
    if kept:  # a file was edited, or holds other lines: what never had a document must not be taken for what had one
        for comparison in comparisons:
            _parse_absent(comparison, upto=inf)
    # A dead letter without a line is no document: the ledger's sums tell of it.
    surplus = [item for item in _align(comparisons, kept) if item.document.place != DEAD]
    if not kept:
        for comparison in comparisons:
            _parse_absent(comparison, upto=_undecided_upto(context, comparison.part, run))
    surplus = _without_superseded(comparisons[0], surplus)
    return Drilled(comparisons, surplus, twice, stored, grouped(documents), vouched, unheld)


def rules_for(context: Context, family: Family, part: Part, documents: Sequence[Stored]) -> Rules:
    """What the part's documents depend on: recorded in the state, or else taken from the output."""
    file, claim = part.branch.file, part.claim
    segments = context.rulebook.segments(family.input, claim)
    if claim is not None:
        path, marks = claim.row.path, list(claim.row.marks)
        # Where the file was edited, its last event ended at the checkpoint once, and that may be anywhere now.
        cuts = {mark.offset for mark in marks if mark.kind is MarkKind.CUT} | {min(part.reach, part.measure.end)}
        cuts |= set() if part.agrees else {part.measure.end}
        # What was sent and is not counted yet was cut as its documents say.
        cuts |= {place for stored in documents for place in _ends(stored) if place > part.reach}
    else:
        path = documents[0].path if documents else str(file.path)
        marks = context.date_marks(family)
        if file.input.start_at == "now" and family.held:
            first = min(held.first for held in family.held.values())
            marks.append(Mark(first, MarkKind.START, "adopted"))  # as an agent does that lost its state
        cuts = {place for stored in documents for place in _ends(stored)}
        # Without marks of the agent's cuts, an event at the end of a file is taken as complete.
        cuts.add(part.measure.end)
    pipeline = segments[0].pipeline
    if pipeline.needs_date and not any(mark.kind is MarkKind.DATE for mark in marks):
        marks.append(pipeline.date_mark(file.blocks(), path=path, modified=file.modified))
    source = Source(context.host, family.input, path, family.fingerprint, claim.row.id if claim else 0)
    return Rules(source, segments, tuple(sorted(marks)), frozenset(cuts), whole=part.whole)


def _ends(document: Stored) -> tuple[int, int]:
    return document.offset, document.offset + document.tally.bytes


def _read(context: Context, family: Family, part: Part, run: Extent, documents: Sequence[Stored]) -> Comparison:
    rules = rules_for(context, family, part, documents)
    reading = Reading(part.branch.file, rules, part.read.before(run.disk_begin))
    events: list[DiskEvent] = []
    line = reading.start.line if reading.start else 1
    for _, found in reading.events():
        events += _numbered(found, line, family.fingerprint, max(part.branch.start, run.disk_begin), run.disk_end)
        line = reading.line
        part.read.put(reading.place)
        if reading.end >= run.disk_end:
            break
    continues = run.goes_on(max(family.held, default=0))
    return Comparison(part, rules, events, reading, run.holds_end(part.measure.end), continues, run)


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


class _Vouched(NamedTuple):
    """What the ledger says of files that are gone, and that share their beginning with those that are there."""

    kept: Sequence[Stored]
    """Documents of which it says nothing."""
    unheld: list[Claim]
    """Claims on other lines than those of the documents, though these are all vouched for."""


def _without_vouched(
    family: Family,
    comparisons: Sequence[Comparison],
    rest: Sequence[Stored],
    run: Extent,
    documents: Sequence[Stored],
) -> _Vouched:
    """Less the documents of files that are gone and whose ledger counted just these, after a shared beginning."""
    if not rest:
        return _Vouched(rest, [])
    left = _shipped(rest)
    claims = gone_claims(family, (comparison.part for comparison in comparisons))
    counted = [total(claim.stored(bucket) for bucket in claim.ledger if run.holds(bucket)) for claim in claims]
    prefixes = {prefix for comparison in comparisons for prefix in _prefixes(comparison)}
    # What one of them shares lies before all that is its own.
    parting = min((document.offset for document in rest if document.place != DEAD), default=inf)
    shared = {prefix for comparison in comparisons for prefix in _prefixes(comparison, parting)}
    apart = {stored for stored in counted if stored not in prefixes}
    if len(apart) > 1 and are_beginnings(total(apart).minus(left), len(apart), prefixes):
        return _Vouched((), [])
    one = next((stored for stored in apart if stored.minus(left) in shared), None)
    if one is not None:
        apart -= {one, *accumulate(_tallies(rest), Tally.plus, initial=one.minus(left))}
    told = told_apart(documents, apart) if apart else Generations(set(), set())
    kept = [] if one is not None else [document for document in rest if document.id not in told.ids]
    if kept and (not told.ids or any(_shipped(kept))):
        return _Vouched(kept, [])
    lost = apart - told.found
    return _Vouched((), [claim for claim, stored in zip(claims, counted, strict=True) if stored in lost])


def _tallies(documents: Iterable[Stored]) -> Iterable[Tally]:
    return (document.tally for document in documents if document.place != DEAD)


def _shipped(documents: Iterable[Stored]) -> Tally:
    return total(_tallies(documents))


def _prefixes(comparison: Comparison, upto: float = inf) -> Iterable[Tally]:
    """The tallies of the first none, one, two … stored events that end before an offset."""
    stored = {name for name, document in comparison.matching.stored.items() if document.place != DEAD}
    tallies = (event.tally for event in comparison.events if event.id in stored and event.end <= upto)
    return accumulate(tallies, Tally.plus, initial=Tally())


def _undecided_upto(context: Context, part: Part, run: Extent) -> float:
    """Where absent events may have been filtered or refused: nowhere, if the ledger counted every line as stored."""
    if not context.claims.known:
        return inf
    if part.claim is None:
        return 0
    stored = total(part.claim.stored(bucket) for bucket in part.claim.ledger if run.holds(bucket))
    below = total(tally for bucket, tally in part.measure.below.items() if run.holds(bucket))
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
