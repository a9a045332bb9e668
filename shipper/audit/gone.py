"""Families without files on disk, and audits that do not look there: the index against the ledger alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Protocol

from shipper.audit.beginnings import are_beginnings, told_apart
from shipper.audit.claims import Claim
from shipper.audit.context import LAST_BUCKET, Context, Level, Run
from shipper.audit.copies import compared, grouped
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Finding, Kind, Outcome, ledger_and_index
from shipper.records import BUCKET_BITS, Stored, Tally, bucket_of, total
from shipper.wording import counted

_ALL = Run(0, LAST_BUCKET)


class _Report(Protocol):
    def __call__(
        self, kind: Kind, cause: Cause, offset: int, tally: Tally, evidence: str, repair: str | None = None
    ) -> None: ...


def examine_gone(context: Context, family: Family) -> Outcome:
    """Whether the ledger vouches for what the index holds."""
    outcome = Outcome()
    report = _reporter(context, family, outcome)
    if not family.claims:
        tally = total(held.tally for held in family.held.values())
        if tally == context.claims.forgotten.get(family.fingerprint):
            return _vouched(context, outcome, tally)
        return _vouched(context, outcome, tally.minus(_unvouched(family, report)))
    apart = _apart(context, family)
    held = total(tally.tally for tally in family.held.values())
    if len(family.claims) > 1 and held not in {claim.all_stored() for claim in apart}:
        claimed = {claim.all_stored() for claim in family.claims} - {Tally()}
        if _are_generations(context.spans(family, _ALL), claimed):
            return _vouched(context, outcome, held)
    if len(apart) > 1:
        return _weigh_together(context, family, apart, outcome, report)
    buckets = sorted({*family.held, *(bucket for claim in family.claims for bucket in claim.ledger)})
    wanted = [bucket for bucket in buckets if family.wanted(bucket)]
    return _vouched(context, outcome, total(_weigh(context, family, apart[0], bucket, report) for bucket in wanted))


def _unvouched(family: Family, report: _Report) -> Tally:
    """What no ledger vouches for; reported. Ledger documents do for buckets of which they count what the index holds.

    Where they count anything else they are older than the index, or about other lines, or something is gone.
    """
    held = total(tally.tally for tally in family.held.values())
    evidence = "the index holds documents of a file that is neither on disk nor in the state"
    best = max(family.noted, key=lambda claim: (len(_equal(family, claim)), claim.all_stored() == held), default=None)
    equal = _equal(family, best) if best else set()
    if best and equal == family.held.keys() and best.all_stored() == held:
        return Tally()
    left = [tally for bucket, tally in family.held.items() if bucket not in equal]
    if best:
        stored = counted(best.all_stored().lines, "stored line")
        evidence += f"; its ledger documents count {stored}, the index holds {held.lines:,}"
    rest = total(tally.tally for tally in left)
    report(Kind.UNPROVED, Cause.FILE_GONE, min(tally.first for tally in left or family.held.values()), rest, evidence)
    return rest


def _equal(family: Family, claim: Claim) -> set[int]:
    """The buckets of which a claim counts as stored what the index holds."""
    return {bucket for bucket in family.held if claim.stored(bucket) == family.index_tally(bucket)}


def unheld(context: Context, family: Family, gone: Sequence[Claim], vouched: Sequence[Run]) -> Outcome:
    """The claims on lines that are neither on disk nor in the index.

    Of buckets beyond the runs in which documents of files that are gone were vouched for: there it is known already.
    """
    outcome = Outcome()
    report = _reporter(context, family, outcome)
    for claim in gone:
        buckets = [
            bucket for bucket in _beyond(context, family, claim) if not any(run.holds(bucket) for run in vouched)
        ]
        if buckets:
            stored = total(claim.stored(bucket) for bucket in buckets)
            held = total(family.index_tally(bucket) for bucket in buckets)
            evidence = (
                f"the ledger counts {counted(stored.lines, 'stored line')} of {claim.row.current_path}, which is gone "
                "from disk; "
                f"the index holds {held.lines:,} of all files that begin the same, and they are on disk"
            )
            lost = Tally(max(1, stored.lines - held.lines), max(1, stored.bytes - held.bytes))
            report(Kind.MISSING, Cause.GONE_FROM_INDEX, buckets[0] << BUCKET_BITS, lost, evidence)
    return outcome


def unheld_beside_others(context: Context, family: Family, claims: Sequence[Claim]) -> Outcome:
    """The claims on lines of which the index holds none, while it holds those of other files that are gone."""
    outcome = Outcome()
    report = _reporter(context, family, outcome)
    for claim in claims:
        stored = claim.all_stored()
        evidence = (
            f"the ledger counts {counted(stored.lines, 'stored line')} of {claim.row.current_path}, which is gone from "
            "disk; what the index holds of files that begin the same are lines of others"
        )
        report(Kind.UNPROVED, Cause.AMBIGUOUS_LEDGER, 0, stored, evidence)
    return outcome


def _beyond(context: Context, family: Family, claim: Claim) -> list[int]:
    """The buckets in which what a claim counted is not the beginning of what the index holds."""
    return [
        bucket
        for bucket in sorted(claim.ledger)
        if claim.stored(bucket) not in (Tally(), family.index_tally(bucket))
        and claim.stored(bucket) not in _prefixes(context, family, Run(bucket, bucket))
    ]


def _prefixes(context: Context, family: Family, run: Run) -> set[Tally]:
    """The tallies of the first none, one, two … documents."""
    documents = context.spans(family, run)
    return set(accumulate((document.tally for document in documents), Tally.plus, initial=Tally()))


def _vouched(context: Context, outcome: Outcome, held: Tally) -> Outcome:
    if context.level is Level.LEDGER:
        outcome.totals.indexed += held.lines
    else:
        outcome.vouched = held
    return outcome


def _apart(context: Context, family: Family) -> list[Claim]:
    """The claims that stand for themselves: of equal ones the furthest, and none on a beginning of what is held."""
    claims = list({claim.all_stored(): claim for claim in reversed(family.claims)}.values())[::-1]
    held = total(tally.tally for tally in family.held.values())
    fitting = [claim for claim in claims if claim.all_stored() == held]
    if fitting:
        return [*fitting, *(claim for claim in claims if claim not in fitting and _beyond(context, family, claim))]
    if len(claims) == 1:
        return claims
    prefixes = _prefixes(context, family, _ALL)
    return [claim for claim in claims if claim.all_stored() not in prefixes] or claims[:1]


def _weigh_together(
    context: Context, family: Family, apart: Sequence[Claim], outcome: Outcome, report: _Report
) -> Outcome:
    """Several files that begin the same: the ledger counted their shared beginning for each, the index holds it once.

    So what they counted, less what the index holds, must be what it holds up to the places where they part.
    """
    held = total(tally.tally for tally in family.held.values())
    told = {claim.all_stored() for claim in apart}
    if are_beginnings(total(told).minus(held), len(told) - 1, _prefixes(context, family, _ALL)):
        return _vouched(context, outcome, held)
    if _are_generations(context.spans(family, _ALL), told):
        return _vouched(context, outcome, held)
    evidence = f"{len(apart)} files that begin the same; the ledger alone does not tell them apart: use --level disk"
    report(Kind.UNPROVED, Cause.AMBIGUOUS_LEDGER, 0, held, evidence)
    return outcome


def _are_generations(documents: Sequence[Stored], told: Collection[Tally]) -> bool:
    """Whether files that begin the same, each with a claim on it, are what the documents are of, and all of it."""
    generations = told_apart(documents, told)
    return generations.found.issuperset(told) and generations.ids.issuperset(document.id for document in documents)


def _weigh(context: Context, family: Family, claim: Claim, bucket: int, report: _Report) -> Tally:
    """Compare one bucket with the ledger; returns what is vouched for."""
    stored = claim.stored(bucket)
    index = _below(context, family, claim, bucket)
    if any(stored.minus(index)):
        index = index.minus(_doubled(context, family, claim, bucket, report))
    difference = stored.minus(index)
    counts = ledger_and_index(stored.lines, index.lines)
    offset = bucket << BUCKET_BITS
    if not any(difference):
        return index
    if difference.lines > 0:
        report(Kind.MISSING, Cause.GONE_FROM_INDEX, offset, difference, counts)
    elif difference.lines < 0:
        report(Kind.UNEXPECTED, Cause.BEYOND_LEDGER, offset, index.minus(stored), counts)
    else:
        evidence = counts + ", but their bytes or hashes differ; at least one line"
        report(Kind.ALTERED, Cause.CHANGED_IN_INDEX, offset, Tally(1, 0, 0, 0), evidence)
    return index


def _doubled(context: Context, family: Family, claim: Claim, bucket: int, report: _Report) -> Tally:
    """What the index holds twice of a bucket, below the checkpoint; reported."""
    documents = [one for one in context.spans(family, Run(bucket, bucket)) if one.offset < claim.row.offset]
    more = Tally()
    for page in compared(context, family.input, grouped(documents)):
        for copies in page:
            tally = copies.document.tally
            for place in copies.others:
                more_lines = tally._replace(lines=max(tally.lines, 1))
                offset = copies.document.offset
                report(Kind.DUPLICATE, Cause.TWO_PLACES, offset, more_lines, copies.evidence(place), copies.repair)
                more = more.plus(tally)
    return more


def _below(context: Context, family: Family, claim: Claim, bucket: int) -> Tally:
    """What the index holds of a bucket before the checkpoint: what lies beyond it was sent, and is not counted yet.

    Where the checkpoint stands more arrives all the time: what is before it is one answer, and no difference of two.
    """
    index = family.index_tally(bucket)
    if index == claim.stored(bucket) or bucket < bucket_of(claim.row.offset):
        return index
    documents = context.spans(family, Run(bucket, bucket))
    return total(document.tally for document in documents if document.offset < claim.row.offset)


def _reporter(context: Context, family: Family, outcome: Outcome) -> _Report:
    claim = family.claims[0] if family.claims else None

    def path() -> str:
        if claim is not None:
            return claim.row.current_path
        first = min(held.first for held in family.held.values())
        fingerprint = family.fingerprint
        return next(iter(context.output.spans(fingerprint, first, first + 1))).path

    def report(kind: Kind, cause: Cause, offset: int, tally: Tally, evidence: str, repair: str | None = None) -> None:
        outcome.report(
            Finding(
                kind=kind,
                cause=cause,
                input=family.input,
                host=context.host,
                fingerprint=family.fingerprint,
                path=path(),
                offset=offset,
                first_line=None,
                last_line=None,
                lines=max(tally.lines, 0),
                bytes=max(tally.bytes, 0),
                evidence=evidence,
                repair=repair,
            )
        )

    return report
