"""From a comparison to findings: the fate of each event and document, and the cause of what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple

from shipper.audit.claims import DEAD
from shipper.audit.context import Context, Slice
from shipper.audit.copies import Copies, compared
from shipper.audit.drill import Comparison, Drilled
from shipper.audit.families import Family
from shipper.audit.findings import RESEND, Cause, Finding, Kind, Outcome, ledger_and_index
from shipper.audit.reconcile import Changed, DiskEvent, Surplus
from shipper.audit.sides import Sides
from shipper.audit.two_fates import two_fates
from shipper.records import Tally, bucket_of, total


def judge(context: Context, family: Family, drilled: Drilled) -> Outcome:
    """The outcome of a drill-down."""
    outcome = Outcome(vouched=drilled.vouched)
    for comparison in drilled.comparisons:
        _Judge(context, family, comparison, outcome).all()
        for finding in two_fates(context, family, comparison, drilled.dead):
            outcome.report(finding)
    trunk = _Judge(context, family, drilled.comparisons[0], outcome)
    for item in drilled.surplus:
        trunk.surplus(item)
    for page in compared(context, family.input, drilled.copies):
        for copies in page:
            trunk.twice(copies)
    return outcome


class _Cause(NamedTuple):
    kind: Cause
    evidence: str
    repair: str | None


class _Judge:
    """Judges one part of a family."""

    def __init__(self, context: Context, family: Family, comparison: Comparison, outcome: Outcome) -> None:
        self._context = context
        self._family = family
        self._comparison = comparison
        self._outcome = outcome
        self._part = comparison.part
        self._path = str(comparison.part.branch.file.path)
        self._sides = Sides(context, family, comparison)
        self._edited_at = self._sides.edited_at()

    def all(self) -> None:
        """Judge every event."""
        comparison, totals = self._comparison, self._outcome.totals
        matching = comparison.matching
        totals.disk_lines += sum(event.tally.lines for event in comparison.events)
        for document in matching.stored.values():
            if document.place == DEAD:
                totals.dead_letters += document.tally.lines
                comparison.settled = comparison.settled.plus(document.tally)
            else:
                totals.indexed += document.tally.lines
        for changed in matching.changed:
            self._changed(changed)
        self._missing(self._without_fate())
        self._edited_unseen()
        after = comparison.reading.tail.plus(comparison.reading.partial)
        if comparison.ends_in_run:
            totals.disk_lines += after.lines
            self._outcome.wait(self._path, after)

    def surplus(self, item: Surplus) -> None:
        """A document that nothing on disk explains."""
        document, line = item.document, self._comparison.line_at(item.place)
        if self._is_removed(item):
            cause = Cause.REMOVED_FROM_DISK
            evidence = f"document {document.id} holds the line that stood here; the file was edited after it was read"
        else:
            cause = Cause.NEVER_ON_DISK
            evidence = f"document {document.id} in {document.place} belongs to no line of the file"
        self._report(Kind.UNEXPECTED, cause, document.offset, line, document.tally, evidence)

    def _is_removed(self, item: Surplus) -> bool:
        """Whether an edit took the line of a document away, or the end of the file, on which it was."""
        end = max((event.end for event in self._comparison.events[-1:]), default=0)
        claimed = self._part.claim is not None and item.document.offset < self._part.reach
        return item.removed or (item.place >= end and (claimed or not self._context.claims.known))

    def twice(self, copies: Copies) -> None:
        """Further documents of the same id."""
        document = copies.document
        line = self._lines.get(document.id) or self._comparison.line_at(document.offset)
        for place in copies.others:
            self._report(
                Kind.DUPLICATE,
                Cause.TWO_PLACES,
                document.offset,
                line,
                document.tally,
                copies.evidence(place),
                copies.repair,
            )

    def _without_fate(self) -> list[DiskEvent]:
        """The absent events that should be in the index."""
        comparison, totals = self._comparison, self._outcome.totals
        waiting: list[DiskEvent] = []
        missing: list[DiskEvent] = []
        indexed_end = self._indexed_end()
        for event in comparison.matching.absent:
            if self._context.claims.known and self._is_pending(event, indexed_end):
                waiting.append(event)
            elif event.offset in comparison.refused:
                totals.dead_letters += event.tally.lines
                comparison.settled = comparison.settled.plus(event.tally)
            elif event.offset in comparison.filtered:
                totals.filtered += event.tally.lines
                comparison.settled = comparison.settled.plus(event.tally)
            elif self._is_pending(event, indexed_end):
                waiting.append(event)
            else:
                missing.append(event)
        self._outcome.wait(self._path, self._by_lines(waiting))
        return missing

    def _indexed_end(self) -> float:
        """Offset after the last event that the index holds."""
        if self._comparison.continues:
            return inf
        matching = self._comparison.matching
        changed = {item.event.id for item in matching.changed}
        return max((e.end for e in self._comparison.events if e.id in matching.stored or e.id in changed), default=0)

    def _edited_unseen(self) -> None:
        """An edit that no finding tells: of lines that are not shipped, or of the order of lines."""
        matching, comparison = self._comparison.matching, self._comparison
        told = any(
            item.event.id != item.document.id or item.event.offset == matching.edited_at for item in matching.changed
        )
        told = told or any(self._is_removed(item) for item in matching.surplus)
        told = told or any(e.id in matching.added and e.offset not in comparison.filtered for e in matching.absent)
        if matching.edited_at is None or told or comparison.extent.edited_before:
            return
        place = matching.edited_at
        evidence = (
            "all documents from here on follow other lines than those on disk: a line that is not shipped was edited"
        )
        self._report(Kind.ALTERED, Cause.CHANGED_ON_DISK, place, comparison.line_at(place), Tally(1), evidence)

    def _is_pending(self, event: DiskEvent, indexed_end: float) -> bool:
        if self._context.claims.known:
            return self._comparison.was_read_at(event) >= self._part.reach
        quiet = abs(self._context.now - self._part.branch.file.modified)  # far in the future, a clock is wrong
        return event.offset >= indexed_end and quiet < self._context.grace

    def _missing(self, events: Sequence[DiskEvent]) -> None:
        added = self._comparison.matching.added
        lines = _lines_by_bucket(event for event in events if event.id not in added)
        held = self._held()
        causes = [self._cause(event, lines, held) for event in events]
        first = 0
        for position in range(1, len(events) + 1):
            goes_on = position < len(events) and (
                events[position].offset == events[position - 1].end and causes[position] == causes[first]
            )
            if not goes_on:
                self._report_missing(events[first:position], causes[first])
                first = position

    def _held(self) -> Mapping[int, int]:
        """Lines that the index holds below the checkpoint, by bucket, be they altered; of a slice whole buckets."""
        matching = self._comparison.matching
        held = [*matching.stored.items(), *((item.event.id, item.document) for item in matching.changed)]
        counted = {name for name, document in held if document.place != DEAD and document.offset < self._part.reach}
        lines = _lines_by_bucket(event for event in self._comparison.events if event.id in counted)
        if isinstance(self._comparison.extent, Slice):
            whole = (bucket for bucket in self._family.held if bucket < bucket_of(self._part.reach))
            return {**lines, **{bucket: self._family.index_tally(bucket).lines for bucket in whole}}
        return lines

    def _cause(self, event: DiskEvent, missing: Mapping[int, int], held: Mapping[int, int]) -> _Cause:
        repair: str | None = RESEND
        after = ""
        if self._edited_at is not None and event.offset >= self._edited_at:
            repair, after = None, "; the file was edited before it, so it is not repaired"
        if event.id in self._comparison.matching.added:
            return _Cause(Cause.ADDED_ON_DISK, "the file was edited here after it was read", None)
        bucket = bucket_of(event.offset)
        if self._part.claim is None:
            return _Cause(Cause.NOT_IN_INDEX, self._comparison.why_absent(bucket) + after, repair)
        claimed = self._part.claim.stored(bucket).lines
        there, gone = held.get(bucket, 0), missing[bucket]
        counts = ledger_and_index(claimed, there)
        cause = Cause.GONE_FROM_INDEX if claimed >= there + gone else Cause.NEVER_ACKNOWLEDGED
        return _Cause(cause, counts + after, repair)

    def _report_missing(self, events: Sequence[DiskEvent], cause: _Cause) -> None:
        kind = Kind.ALTERED if cause.kind is Cause.ADDED_ON_DISK else Kind.MISSING
        tally, first = self._by_lines(events), events[0]
        self._report(kind, cause.kind, first.offset, first.line, tally, cause.evidence, cause.repair)

    def _changed(self, changed: Changed) -> None:
        event, cause = changed.event, self._sides.changed(changed)
        self._report(Kind.ALTERED, cause, event.offset, event.line, self._by_lines([event]), changed.difference())

    @cached_property
    def _lines(self) -> dict[str, int]:
        """The lines on today's disk at which documents stand, by their ids."""
        matching = self._comparison.matching
        named = {item.event.id: item.document.id for item in matching.changed}
        named.update((name, document.id) for name, document in matching.stored.items())
        return {named[event.id]: event.line for event in self._comparison.events if event.id in named}

    def _by_lines(self, events: Sequence[DiskEvent]) -> Tally:
        """The tally of events that the index lacks; what is but the beginning of a line takes the line out of it."""
        tally = total(event.tally for event in events)
        if not events or tally.lines:
            return tally
        end = next((e for e in self._comparison.events if e.tally.lines and e.offset >= events[-1].end), None)
        stored = self._comparison.matching.stored.get(end.id) if end else None
        if stored is not None and stored.place != DEAD:
            self._outcome.totals.indexed -= 1
        return tally._replace(lines=1)

    def _report(
        self, kind: Kind, cause: Cause, offset: int, line: int, tally: Tally, evidence: str, repair: str | None = None
    ) -> None:
        self._outcome.report(
            Finding(
                kind=kind,
                cause=cause,
                input=self._family.input,
                host=self._context.host,
                fingerprint=self._family.fingerprint,
                path=self._path,
                offset=offset,
                first_line=line,
                last_line=line + max(tally.lines, 1) - 1,
                lines=max(tally.lines, 1),
                bytes=tally.bytes,
                evidence=evidence,
                repair=repair,
            )
        )


def _lines_by_bucket(events: Iterable[DiskEvent]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for event in events:
        counts[bucket_of(event.offset)] += event.tally.lines
    return counts
