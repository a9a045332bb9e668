"""From a comparison to findings: the fate of each event and document, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import groupby
from math import inf
from operator import itemgetter
from typing import NamedTuple

from shipper.audit.claims import DEAD
from shipper.audit.context import Context
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.copies import Copies, compared
from shipper.audit.drilldown.drill import Drilled
from shipper.audit.drilldown.matching import Changed, DiskEvent, Surplus, adjacent
from shipper.audit.drilldown.missing import reasons
from shipper.audit.drilldown.sides import Sides
from shipper.audit.drilldown.two_fates import two_fates
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Kind, Outcome
from shipper.audit.subjects import Stretch
from shipper.records import Tally, total


class Judged(NamedTuple):
    """What a drill-down comes to."""

    outcome: Outcome
    settled: Tally
    """What was found to be filtered or dead."""


def judge(context: Context, family: Family, drilled: Drilled) -> Judged:
    """The outcome of a drill-down. Raises OutputError."""
    outcome = Outcome(vouched=drilled.vouched)
    judges = [_Judge(context, family, comparison, outcome) for comparison in drilled.comparisons]
    for one in judges:
        one.all()
        one.two_fates(drilled.dead)
    trunk = judges[0]
    for item in drilled.surplus:
        trunk.surplus(item)
    for page in compared(context, family.input, drilled.copies):
        for copies in page:
            trunk.twice(copies)
    return Judged(outcome, total(one.settled for one in judges))


class _Judge:
    """Judges one part of a family."""

    def __init__(self, context: Context, family: Family, comparison: Comparison, outcome: Outcome) -> None:
        self.settled = Tally()
        """What was found to be filtered or dead so far."""
        self._context = context
        self._family = family
        self._comparison = comparison
        self._outcome = outcome
        self._part = comparison.part
        self._subject = context.subject(family, comparison.part.path)
        self._sides = Sides(context, family, comparison)

    def all(self) -> None:
        """Judge every event."""
        comparison, totals = self._comparison, self._outcome.totals
        matching = comparison.matching
        totals.disk_lines += sum(event.tally.lines for event in comparison.events)
        for document in matching.stored.values():
            if document.place == DEAD:
                totals.dead_letters += document.tally.lines
                self._settle(document.tally)
            else:
                totals.indexed += document.tally.lines
        for changed in matching.changed:
            self._changed(changed)
        self._missing(self._without_fate())
        self._edited_unseen()
        after = comparison.reading.tail.plus(comparison.reading.partial)
        if comparison.ends_in_run:
            totals.disk_lines += after.lines
            self._outcome.wait(self._subject.path, after)

    def two_fates(self, dead: Collection[str]) -> None:
        """Report what is stored although it is a dead letter; `dead` are the ids of all that are both."""
        stored = self._comparison.matching.stored
        both = [event for event in self._comparison.events if event.id in dead and event.id in stored]
        self._settle(total(event.tally for event in both))
        for finding in two_fates(self._subject, both):
            self._outcome.report(finding)

    def surplus(self, item: Surplus) -> None:
        """Report a document that nothing on disk explains."""
        document, line = item.document, self._comparison.line_at(item.place)
        if self._is_removed(item):
            cause = Cause.REMOVED_FROM_DISK
            evidence = f"document {document.id} holds the line that stood here; the file was edited after it was read"
        else:
            cause = Cause.NEVER_ON_DISK
            evidence = f"document {document.id} in {document.place} belongs to no line of the file"
        self._report(Kind.UNEXPECTED, cause, evidence, Stretch(document.offset, document.tally, line))

    def _is_removed(self, item: Surplus) -> bool:
        """Whether an edit took the line of a document away, or the end of the file, on which it was."""
        end = max((event.end for event in self._comparison.events[-1:]), default=0)
        claimed = self._part.claim is not None and item.document.offset < self._part.reach
        return item.removed or (item.place >= end and (claimed or not self._context.claims.known))

    def twice(self, copies: Copies) -> None:
        """Report further documents of the same id."""
        document = copies.document
        line = self._lines.get(document.id) or self._comparison.line_at(document.offset)
        stretch = Stretch(document.offset, document.tally, line)
        for place in copies.others:
            self._report(Kind.DUPLICATE, Cause.TWO_PLACES, copies.evidence(place), stretch, copies.repair)

    def _without_fate(self) -> list[DiskEvent]:
        """The absent events that should be in the index; counts the others."""
        comparison, totals = self._comparison, self._outcome.totals
        waiting: list[DiskEvent] = []
        missing: list[DiskEvent] = []
        indexed_end = self._indexed_end()
        for event in comparison.matching.absent:
            if self._context.claims.known and self._is_pending(event, indexed_end):
                waiting.append(event)
            elif event.offset in comparison.refused:
                totals.dead_letters += event.tally.lines
                self._settle(event.tally)
            elif event.offset in comparison.filtered:
                totals.filtered += event.tally.lines
                self._settle(event.tally)
            elif self._is_pending(event, indexed_end):
                waiting.append(event)
            else:
                missing.append(event)
        self._outcome.wait(self._subject.path, self._by_lines(waiting))
        return missing

    def _indexed_end(self) -> float:
        """Offset after the last event that the index holds."""
        if self._comparison.continues:
            return inf
        matching = self._comparison.matching
        changed = {item.event.id for item in matching.changed}
        return max((e.end for e in self._comparison.events if e.id in matching.stored or e.id in changed), default=0)

    def _is_pending(self, event: DiskEvent, indexed_end: float) -> bool:
        if self._context.claims.known:
            return self._comparison.was_read_at(event) >= self._part.reach
        quiet = abs(self._context.now - self._part.branch.file.modified)  # far in the future, a clock is wrong
        return event.offset >= indexed_end and quiet < self._context.grace

    def _missing(self, events: Sequence[DiskEvent]) -> None:
        """Report what should be in the index: adjacent events of one reason together."""
        found = zip(reasons(self._family, self._comparison, events, self._sides.edited_at()), events, strict=True)
        for reason, group in groupby(found, key=itemgetter(0)):
            for together in adjacent([event for _, event in group]):
                stretch = Stretch(together[0].offset, self._by_lines(together), together[0].line)
                self._report(reason.kind, reason.cause, reason.evidence, stretch, reason.repair)

    def _changed(self, changed: Changed) -> None:
        event, cause = changed.event, self._sides.changed(changed)
        stretch = Stretch(event.offset, self._by_lines([event]), event.line)
        self._report(Kind.ALTERED, cause, changed.difference(), stretch)

    def _edited_unseen(self) -> None:
        """Report an edit that no finding tells: of lines that are not shipped, or of the order of lines."""
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
        stretch = Stretch(place, Tally(1), comparison.line_at(place))
        self._report(Kind.ALTERED, Cause.CHANGED_ON_DISK, evidence, stretch)

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

    def _settle(self, tally: Tally) -> None:
        self.settled = self.settled.plus(tally)

    def _report(self, kind: Kind, cause: Cause, evidence: str, stretch: Stretch, repair: str | None = None) -> None:
        self._outcome.report(self._subject.finding(kind, cause, evidence, stretch, repair))
