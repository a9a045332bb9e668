"""Families without files on disk, and audits that do not look there: the index against the ledger alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate

from shipper.audit.beginnings import are_beginnings, told_apart
from shipper.audit.claims import Claim
from shipper.audit.context import Context, Level
from shipper.audit.drilldown.copies import compared, grouped
from shipper.audit.extents import LAST_BUCKET, Run
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Kind, Outcome, ledger_and_index
from shipper.audit.subjects import Stretch, Subject
from shipper.records import BUCKET_BITS, Stored, Tally, bucket_of, total
from shipper.wording import counted

_ALL = Run(0, LAST_BUCKET)


def examine_gone(context: Context, family: Family) -> Outcome:
    """Whether the ledger vouches for what the index holds. Raises OutputError."""
    return _Gone(context, family).weighed()


def unheld(context: Context, family: Family, gone: Sequence[Claim], vouched: Sequence[Run]) -> Outcome:
    """The claims on lines that are neither on disk nor in the index. Raises OutputError.

    Of buckets beyond the runs in which documents of files that are gone were vouched for: there it is known already.
    """
    outcome = Outcome()
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
            stretch = Stretch(buckets[0] << BUCKET_BITS, lost)
            finding = _subject(context, family).finding(Kind.MISSING, Cause.GONE_FROM_INDEX, evidence, stretch)
            outcome.report(finding)
    return outcome


def unheld_beside_others(context: Context, family: Family, claims: Sequence[Claim]) -> Outcome:
    """The claims on lines of which the index holds none, while it holds those of other files that are gone.

    Raises OutputError.
    """
    outcome = Outcome()
    for claim in claims:
        stored = claim.all_stored()
        evidence = (
            f"the ledger counts {counted(stored.lines, 'stored line')} of {claim.row.current_path}, which is gone from "
            "disk; what the index holds of files that begin the same are lines of others"
        )
        subject = _subject(context, family)
        outcome.report(subject.finding(Kind.UNPROVED, Cause.AMBIGUOUS_LEDGER, evidence, Stretch(0, stored)))
    return outcome


class _Gone:
    """Weighs what the index holds of one family against the ledger."""

    def __init__(self, context: Context, family: Family) -> None:
        self._context = context
        self._family = family
        self._outcome = Outcome()

    def weighed(self) -> Outcome:
        """What comes of it."""
        context, family = self._context, self._family
        if not family.claims:
            tally = total(held.tally for held in family.held.values())
            if tally == context.claims.forgotten.get(family.fingerprint):
                return self._vouched(tally)
            return self._vouched(tally.minus(self._unvouched()))
        apart = _apart(context, family)
        held = total(tally.tally for tally in family.held.values())
        if len(family.claims) > 1 and held not in {claim.all_stored() for claim in apart}:
            claimed = {claim.all_stored() for claim in family.claims} - {Tally()}
            if _are_generations(context.spans(family, _ALL), claimed):
                return self._vouched(held)
        if len(apart) > 1:
            return self._weighed_together(apart)
        buckets = sorted({*family.held, *(bucket for claim in family.claims for bucket in claim.ledger)})
        return self._vouched(total(self._weigh(apart[0], bucket) for bucket in buckets if family.wanted(bucket)))

    def _vouched(self, held: Tally) -> Outcome:
        if self._context.level is Level.LEDGER:
            self._outcome.totals.indexed += held.lines
        else:
            self._outcome.vouched = held
        return self._outcome

    def _unvouched(self) -> Tally:
        """What no ledger vouches for; reported. Ledger documents do for buckets of which they count what is held.

        Where they count anything else they are older than the index, or about other lines, or something is gone.
        """
        family = self._family
        held = total(tally.tally for tally in family.held.values())
        evidence = "the index holds documents of a file that is neither on disk nor in the state"
        best = max(
            family.noted, key=lambda claim: (len(_equal(family, claim)), claim.all_stored() == held), default=None
        )
        equal = _equal(family, best) if best else set()
        if best and equal == family.held.keys() and best.all_stored() == held:
            return Tally()
        left = [tally for bucket, tally in family.held.items() if bucket not in equal]
        if best:
            stored = counted(best.all_stored().lines, "stored line")
            evidence += f"; its ledger documents count {stored}, the index holds {held.lines:,}"
        rest = total(tally.tally for tally in left)
        first = min(tally.first for tally in left or family.held.values())
        self._report(Kind.UNPROVED, Cause.FILE_GONE, evidence, first, rest)
        return rest

    def _weighed_together(self, apart: Sequence[Claim]) -> Outcome:
        """Several files that begin the same: the ledger counted their beginning for each, the index holds it once.

        So what they counted, less what the index holds, must be what it holds up to the places where they part.
        """
        context, family = self._context, self._family
        held = total(tally.tally for tally in family.held.values())
        stored = {claim.all_stored() for claim in apart}
        if are_beginnings(total(stored).minus(held), len(stored) - 1, _prefixes(context, family, _ALL)):
            return self._vouched(held)
        if _are_generations(context.spans(family, _ALL), stored):
            return self._vouched(held)
        evidence = (
            f"{len(apart)} files that begin the same; the ledger alone does not tell them apart: use --level disk"
        )
        self._report(Kind.UNPROVED, Cause.AMBIGUOUS_LEDGER, evidence, 0, held)
        return self._outcome

    def _weigh(self, claim: Claim, bucket: int) -> Tally:
        """Compare one bucket with the ledger; returns what is vouched for."""
        stored = claim.stored(bucket)
        index = self._below(claim, bucket)
        if any(stored.minus(index)):
            index = index.minus(self._doubled(claim, bucket))
        difference = stored.minus(index)
        evidence = ledger_and_index(stored.lines, index.lines)
        offset = bucket << BUCKET_BITS
        if not any(difference):
            return index
        if difference.lines > 0:
            self._report(Kind.MISSING, Cause.GONE_FROM_INDEX, evidence, offset, difference)
        elif difference.lines < 0:
            self._report(Kind.UNEXPECTED, Cause.BEYOND_LEDGER, evidence, offset, index.minus(stored))
        else:
            evidence += ", but their bytes or hashes differ; at least one line"
            self._report(Kind.ALTERED, Cause.CHANGED_IN_INDEX, evidence, offset, Tally(1))
        return index

    def _doubled(self, claim: Claim, bucket: int) -> Tally:
        """What the index holds twice of a bucket, below the checkpoint; reported."""
        context, family = self._context, self._family
        documents = [one for one in context.spans(family, Run(bucket, bucket)) if one.offset < claim.row.offset]
        more = Tally()
        for page in compared(context, family.input, grouped(documents)):
            for copies in page:
                offset, tally = copies.document.offset, copies.document.tally
                told = tally._replace(lines=max(tally.lines, 1))
                for place in copies.others:
                    evidence = copies.evidence(place)
                    self._report(Kind.DUPLICATE, Cause.TWO_PLACES, evidence, offset, told, copies.repair)
                    more = more.plus(tally)
        return more

    def _below(self, claim: Claim, bucket: int) -> Tally:
        """What the index holds of a bucket before the checkpoint: what lies beyond it was sent, and is not counted yet.

        Where the checkpoint stands more arrives all the time: what is before it is one answer, no difference of two.
        """
        index = self._family.index_tally(bucket)
        if index == claim.stored(bucket) or bucket < bucket_of(claim.row.offset):
            return index
        documents = self._context.spans(self._family, Run(bucket, bucket))
        return total(document.tally for document in documents if document.offset < claim.row.offset)

    def _report(
        self, kind: Kind, cause: Cause, evidence: str, offset: int, tally: Tally, repair: str | None = None
    ) -> None:
        stretch = Stretch(offset, Tally(max(tally.lines, 0), max(tally.bytes, 0)))
        self._outcome.report(_subject(self._context, self._family).finding(kind, cause, evidence, stretch, repair))


def _subject(context: Context, family: Family) -> Subject:
    """The file that went, by the name that the state has for it, or else the index. Raises OutputError."""
    if family.claims:
        return context.subject(family, family.claims[0].row.current_path)
    first = min(held.first for held in family.held.values())
    document = next(iter(context.output.spans(family.fingerprint, first, first + 1)))
    return context.subject(family, document.path)


def _are_generations(documents: Sequence[Stored], told: Collection[Tally]) -> bool:
    """Whether files that begin the same, each with a claim on it, are what the documents are of, and all of it.

    A second document of an id is of none: it could look like another file's, and belongs to nobody.
    """
    ids = {document.id for document in documents}
    generations = told_apart(documents, told)
    return len(ids) == len(documents) and generations.found.issuperset(told) and generations.ids == ids


def _equal(family: Family, claim: Claim) -> set[int]:
    """The buckets of which a claim counts as stored what the index holds."""
    return {bucket for bucket in family.held if claim.stored(bucket) == family.index_tally(bucket)}


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
