"""The examination of one family: the equation first, a drill-down where it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipper.audit.balance import is_closed
from shipper.audit.claims import Claim
from shipper.audit.contents import compare_contents
from shipper.audit.context import LAST_BUCKET, Context, Extent, Level, Run
from shipper.audit.disk import branches
from shipper.audit.drill import compare
from shipper.audit.families import Family, Part, gone_claims, part_of
from shipper.audit.findings import Cause, Finding, Kind, Outcome, Totals
from shipper.audit.gaps import lost_at_source
from shipper.audit.gone import examine_gone, unheld, unheld_beside_others
from shipper.audit.judge import judge
from shipper.audit.moments import with_moments
from shipper.audit.noted import NO_LETTERS, Letters, letters_of
from shipper.audit.part_rules import rules_for
from shipper.audit.resume_parts import KeptComparisons, KeptParts
from shipper.audit.slices import MOST, sliced
from shipper.audit.unreadable import broken_off
from shipper.hashes import document_ids
from shipper.records import Tally, bucket_of, total
from shipper.wording import counted


def examine(context: Context, family: Family) -> Outcome:
    """What became of a family's lines. Raises SourceError and OutputError."""
    if context.level is Level.LEDGER or not family.files:
        outcome = examine_gone(context, family)
        outcome.add(lost_at_source(context, family, parts_of(context, family) if family.files else []))
        return outcome
    parts = parts_of(context, family)
    outcome = Outcome(files=len(family.files))
    vouched = _weigh(context, family, parts, outcome)
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


def _weigh(context: Context, family: Family, parts: Sequence[Part], outcome: Outcome) -> list[Run]:
    """Close the buckets that balance, drill down the others; where documents of files that are gone were found."""
    buckets = sorted({*family.held, *(bucket for part in parts for bucket in part.measure.buckets)})
    ledgers = _ledgers(context, family, parts)
    balances = {bucket: _balance(context, family, parts, ledgers, bucket) for bucket in buckets}
    unbalanced = {bucket for bucket, balanced in balances.items() if balanced is None and family.wanted(bucket)}
    if not context.rulebook.configured(family.input).framing.line_by_line:
        # Where a bucket begins was taken from the index: if that is wrong, it is wrong for its neighbour, too. And an
        # event that begins within a line may lie in the bucket after the one that the line is counted in.
        unbalanced = {near for bucket in unbalanced for near in (bucket - 1, bucket, bucket + 1)}.intersection(buckets)
    runs = list(_runs(sorted(unbalanced), buckets))
    equal: set[Run] = set()
    for bucket, balanced in balances.items():
        if balanced is None or bucket in unbalanced or not family.wanted(bucket):
            continue
        if context.level is Level.CONTENTS:
            equal |= {*_runs([bucket], buckets)}  # one at a time: each is looked at whole, in bounded memory
        else:
            outcome.add(balanced)
    runs += equal
    compared = KeptComparisons(context, family, parts)
    vouched = []
    for run in sorted(runs):
        found = _compared(context, family, parts, run, compared if run in equal else None)
        vouched += [run] if found.vouched.lines else []
        outcome.add(found)
    for part in parts:
        last = bucket_of(part.measure.end)
        if family.wanted(last) and not any(run.holds(last) for run in runs):
            outcome.totals.disk_lines += part.measure.partial.lines
            outcome.wait(part.path, part.measure.partial)
    return vouched


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
        found, counted = judge(context, family, drilled)
        if not found.findings:
            found.add(unheld_beside_others(context, family, drilled.unheld))
        silent = silent and not found.findings
        if context.level is Level.CONTENTS:
            found.add(compare_contents(context, family, drilled))
        if found.findings:
            found.findings = with_moments(context, family, drilled, found.findings)
        outcome.add(found)
        settled = settled.plus(counted)
    if context.claims.known and len(parts) == 1:
        outcome.add(_against_ledger(context, family, parts[0], settled, run, silent=silent))
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


def _balance(
    context: Context, family: Family, parts: Sequence[Part], ledgers: Sequence[Claim | None], bucket: int
) -> Outcome | None:
    """The lines of a bucket for which the equation holds, else None."""
    disk = total(part.measure.buckets.get(bucket, Tally()) for part in parts)
    below = total(part.measure.below.get(bucket, Tally()) for part in parts)
    index = family.index_tally(bucket)
    for claim in ledgers:
        filtered = claim.filtered(bucket) if claim else Tally()
        dead = claim.dead(bucket) if claim else Tally()
        pending = is_closed(disk, below, total((index, filtered, dead)))
        if pending is None or (pending.lines and not context.claims.known):
            continue
        fates = {"indexed": index.lines, "filtered": filtered.lines, "dead_letters": dead.lines}
        outcome = Outcome(Totals(disk_lines=disk.lines, **fates))
        outcome.wait(parts[0].path, pending)
        return outcome
    return None


def _ends_as_stored(context: Context, family: Family, part: Part) -> bool:
    """Without a checkpoint: whether the document that comes last, if there is one, is that of the file's last line."""
    if context.claims.known or part.measure.last is None or len(family.fingerprints) > 1:
        return True
    offset, chain = part.measure.last
    documents = list(context.output.spans(family.fingerprint, offset, Run(0, LAST_BUCKET).end))
    if not documents:
        return True
    # It may begin within the line.
    return [documents[-1].id] == document_ids(family.fingerprint, [(documents[-1].offset, chain)])


def _against_ledger(context: Context, family: Family, part: Part, found: Tally, run: Run, *, silent: bool) -> Outcome:
    """Whether the ledger counted as filtered or dead what was found to be, and, where nothing was found, all else."""
    outcome = Outcome()
    if part.claim is None:
        return outcome
    buckets = [bucket for bucket in {*part.claim.ledger, *part.measure.below} if run.holds(bucket)]
    claimed = total(part.claim.filtered(bucket).plus(part.claim.dead(bucket)) for bucket in buckets)
    settled = total(part.claim.settled(bucket) for bucket in buckets)
    below = total(part.measure.below.get(bucket, Tally()) for bucket in buckets)
    if claimed == found and (not silent or (settled == below and part.agrees)):
        return outcome
    outcome.report(
        Finding(
            kind=Kind.ALTERED,
            cause=Cause.LEDGER_DISAGREES,
            input=family.input,
            host=context.host,
            fingerprint=family.fingerprint,
            path=part.path,
            offset=run.begin,
            first_line=None,
            last_line=None,
            lines=max(1, abs(settled.lines - below.lines)),
            bytes=abs(settled.bytes - below.bytes),
            evidence=f"the ledger counts {counted(settled.lines, 'line')} here, of them {claimed.lines} filtered or "
            f"dead; the file has {below.lines}, of them {found.lines}",
        )
    )
    return outcome


def _ledgers(context: Context, family: Family, parts: Sequence[Part]) -> list[Claim | None]:
    """The ledgers that may balance the parts; of several branches none, for their sums are not told apart."""
    if not all(part.agrees and _ends_as_stored(context, family, part) for part in parts):
        return []
    if not context.claims.known or len(parts) > 1:
        return [None]
    return [parts[0].claim]


def _runs(wanted: Sequence[int], buckets: Sequence[int]) -> Iterator[Run]:
    """Adjacent buckets together; the last one of a family goes on without end."""
    first = 0
    for position in range(1, len(wanted) + 1):
        if position == len(wanted) or wanted[position] != wanted[position - 1] + 1:
            last = wanted[position - 1]
            yield Run(wanted[first], LAST_BUCKET if last == buckets[-1] else last)
            first = position
