"""The examination of one family: the equation first, a drill-down where it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shipper.audit.context import Context, Level
from shipper.audit.disk import branches
from shipper.audit.drilldown.contents import compare_contents
from shipper.audit.drilldown.drill import compare
from shipper.audit.drilldown.judge import judge
from shipper.audit.drilldown.moments import with_moments
from shipper.audit.drilldown.noted import NO_LETTERS, Letters, letters_of
from shipper.audit.drilldown.part_rules import rules_for
from shipper.audit.drilldown.slices import MOST, sliced
from shipper.audit.extents import LAST_BUCKET, Extent, Run
from shipper.audit.families import Family, Part, gone_claims, part_of
from shipper.audit.findings import Outcome
from shipper.audit.gaps import lost_at_source
from shipper.audit.gone import examine_gone, unheld, unheld_beside_others
from shipper.audit.ledger_sums import disagreeing
from shipper.audit.resume_parts import KeptComparisons, KeptParts
from shipper.audit.unreadable import broken_off
from shipper.audit.weighing import balances
from shipper.records import Tally, bucket_of


def examine(context: Context, family: Family) -> Outcome:
    """What became of a family's lines. Raises SourceError and OutputError."""
    if context.level is Level.LEDGER or not family.files:
        outcome = examine_gone(context, family)
        outcome.add(lost_at_source(context, family, parts_of(context, family) if family.files else []))
        return outcome
    parts = parts_of(context, family)
    outcome, vouched = _weigh(context, family, parts)
    outcome.files = len(family.files)
    if not outcome.findings:
        outcome.add(unheld(context, family, gone_claims(family, parts), vouched))
    outcome.add(lost_at_source(context, family, parts))
    outcome.add(broken_off(context, family, parts))
    return outcome


def parts_of(context: Context, family: Family) -> list[Part]:
    """The branches of a family's files, measured, with the claims on them. Raises SourceError."""
    multiline = context.rulebook.configured(family.input).framing.multiline
    firsts = {bucket: held.first for bucket, held in family.held.items()} if multiline else {}
    kept = KeptParts(context, family, firsts)
    parts = kept.recall()
    if parts is None:
        parts = [part_of(branch, family, context.host, firsts) for branch in branches(family.files)]
        kept.keep(parts)
    return parts


class _Weighed(NamedTuple):
    outcome: Outcome
    vouched: Sequence[Run]
    """Where documents of files that are gone were found, for which the ledger vouches."""


def _weigh(context: Context, family: Family, parts: Sequence[Part]) -> _Weighed:
    """Close the buckets that balance, drill down the others; at the deepest level all."""
    weighed = balances(context, family, parts)
    buckets = list(weighed)
    unbalanced = _unbalanced(context, family, weighed)
    balanced = {
        bucket: found
        for bucket, found in weighed.items()
        if found is not None and bucket not in unbalanced and family.wanted(bucket)
    }
    outcome = Outcome()
    runs, equal = list(_runs(sorted(unbalanced), buckets)), set[Run]()
    if context.level is Level.CONTENTS:
        equal = {run for bucket in balanced for run in _runs([bucket], buckets)}  # each alone, in bounded memory
    else:
        for found in balanced.values():
            outcome.add(found)
    vouched = []
    compared = KeptComparisons(context, family, parts)
    for run in sorted([*runs, *equal]):
        drilled = _compared(context, family, parts, run, compared if run in equal else None)
        vouched += [run] if drilled.vouched.lines else []
        outcome.add(drilled)
    outcome.add(_without_end(family, parts, [*runs, *equal]))
    return _Weighed(outcome, vouched)


def _without_end(family: Family, parts: Sequence[Part], drilled: Sequence[Run]) -> Outcome:
    """The last lines that have no end yet, as far as they were not met in the runs that were drilled down."""
    outcome = Outcome()
    for part in parts:
        last = bucket_of(part.measure.end)
        if family.wanted(last) and not any(run.holds(last) for run in drilled):
            outcome.totals.disk_lines += part.measure.partial.lines
            outcome.wait(part.path, part.measure.partial)
    return outcome


def _unbalanced(context: Context, family: Family, weighed: Mapping[int, Outcome | None]) -> set[int]:
    """The buckets that are to be drilled down because they, or those beside them, do not balance."""
    unbalanced = {bucket for bucket, balanced in weighed.items() if balanced is None and family.wanted(bucket)}
    if context.rulebook.configured(family.input).framing.line_by_line:
        return unbalanced
    # Where a bucket begins was taken from the index: if that is wrong, it is wrong for its neighbour, too. And an
    # event that begins within a line may lie in the bucket after the one that the line is counted in.
    return {near for bucket in unbalanced for near in (bucket - 1, bucket, bucket + 1)}.intersection(weighed)


def _compared(
    context: Context, family: Family, parts: Sequence[Part], run: Run, kept: KeptComparisons | None
) -> Outcome:
    """A drill-down, unless it is one of those that are kept, and an earlier part of the audit came through it well."""
    outcome = kept.recall(run) if kept else None
    if outcome is None:
        outcome = _drill(context, family, parts, run)
        if kept:
            kept.keep(run, outcome)
    return outcome


def _drill(context: Context, family: Family, parts: Sequence[Part], run: Run) -> Outcome:
    """A drill-down; of very many documents one slice after the other, for they take memory."""
    outcome, settled, silent = Outcome(), Tally(), True
    extents = _extents(context, family, parts, run)
    letters = _letters(context, family, parts, extents)
    for extent in extents:
        drilled = compare(context, family, parts, extent)
        letters.apply(drilled.comparisons[0])
        found, more = judge(context, family, drilled)
        if not found.findings:
            found.add(unheld_beside_others(context, family, drilled.unheld))
        silent = silent and not found.findings
        if context.level is Level.CONTENTS:
            found.add(compare_contents(context, family, drilled))
        if found.findings:
            found.findings = with_moments(context, family, drilled, found.findings)
        outcome.add(found)
        settled = settled.plus(more)
    if context.claims.known and len(parts) == 1:
        for finding in disagreeing(context, family, parts[0], run, settled, silent=silent):
            outcome.report(finding)
    return outcome


def _letters(context: Context, family: Family, parts: Sequence[Part], extents: Sequence[Extent]) -> Letters:
    """Without a state: the dead letters of a run. Of several branches nothing is known: their sums are not told apart.

    Their sums need whole buckets, and slices are in memory one at a time; so all is compared twice.
    """
    if len(parts) > 1 or not any(claim.has_dead for claim in family.noted):
        return NO_LETTERS
    return letters_of(family, (compare(context, family, parts, extent).comparisons[0] for extent in extents))


def _extents(context: Context, family: Family, parts: Sequence[Part], run: Run) -> Sequence[Extent]:
    """Slices of a long run, where that can be told to make no difference."""
    documents = sum(held.documents for bucket, held in family.held.items() if run.holds(bucket))
    part, pipeline = parts[0], context.rulebook.configured(family.input)
    alone = len(parts) == 1 and not gone_claims(family, parts)
    # Without a claim dates are found by reading the file, and cuts in its documents: in all of it.
    if (
        documents <= 2 * MOST
        or not alone
        or (part.claim is None and (pipeline.needs_date or pipeline.framing.multiline))
    ):
        return [run]
    first = next((bucket for bucket in sorted(family.held) if run.holds(bucket)), run.first)
    known = context.spans_between(family, family.held[first].first, family.held[first].first + 1)
    return sliced(context, family, part, rules_for(context, family, part, known), run, MOST)


def _runs(wanted: Sequence[int], buckets: Sequence[int]) -> Iterator[Run]:
    """Adjacent buckets together; the last one of a family goes on without end."""
    first = 0
    for position in range(1, len(wanted) + 1):
        if position == len(wanted) or wanted[position] != wanted[position - 1] + 1:
            last = wanted[position - 1]
            yield Run(wanted[first], LAST_BUCKET if last == buckets[-1] else last)
            first = position
