"""Whether a file's ledger adds up: all fates together reach to the checkpoint, and are what is found on disk."""

from __future__ import annotations

from collections.abc import Iterator

from shipper.audit.claims import Claim
from shipper.audit.context import Context, Level
from shipper.audit.extents import Run
from shipper.audit.families import Family, Part
from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.subjects import Stretch
from shipper.records import BUCKET_BITS, Tally, bucket_of, total
from shipper.wording import counted


def unaccounted(context: Context, family: Family) -> Iterator[Finding]:
    """Lines below a checkpoint that have no fate, or more fates than there are lines; of copies told once.

    Index and ledger agree on lines that neither of them knows, so that only the bytes tell of them: neither file nor
    index is needed. Where the files are read, they tell more.
    """
    claim = next((claim for claim in family.claims if not claim.is_whole), None)
    if claim is None or (family.files and context.level is not Level.LEDGER):
        return
    settled = total(claim.settled(bucket) for bucket in claim.ledger).bytes
    fate = "no fate" if settled < claim.row.offset else "a fate too many"
    place = _concerned(claim) << BUCKET_BITS
    evidence = (
        f"the ledger counts {counted(settled, 'byte')} of the file, and its checkpoint is at {claim.row.offset}: at "
        f"least one line has {fate}, probably in the 16 MiB from offset {place} on; if the file is there, --level disk "
        "tells which"
    )
    stretch = Stretch(place, Tally(1, abs(claim.row.offset - settled)))
    subject = context.subject(family, claim.row.current_path)
    yield subject.finding(Kind.ALTERED, Cause.LEDGER_DISAGREES, evidence, stretch)


def disagreeing(
    context: Context, family: Family, part: Part, run: Run, settled: Tally, *, silent: bool
) -> Iterator[Finding]:
    """Of a run of a part: whether the ledger counts as filtered or dead what was found to be (`settled`).

    Where the drill-down was silent, that is nothing was found, it must count all lines.
    """
    if part.claim is None:
        return
    buckets = [bucket for bucket in {*part.claim.ledger, *part.measure.below} if run.holds(bucket)]
    unshipped = total(part.claim.filtered(bucket).plus(part.claim.dead(bucket)) for bucket in buckets)
    ledger = total(part.claim.settled(bucket) for bucket in buckets)
    disk = total(part.measure.below.get(bucket, Tally()) for bucket in buckets)
    if unshipped == settled and (not silent or (ledger == disk and part.agrees)):
        return
    evidence = (
        f"the ledger counts {counted(ledger.lines, 'line')} here, of them {unshipped.lines} filtered or dead; the file "
        f"has {disk.lines}, of them {settled.lines}"
    )
    stretch = Stretch(run.begin, Tally(max(1, abs(ledger.lines - disk.lines)), abs(ledger.bytes - disk.bytes)))
    yield context.subject(family, part.path).finding(Kind.ALTERED, Cause.LEDGER_DISAGREES, evidence, stretch)


def _concerned(claim: Claim) -> int:
    """The bucket before the first one that would begin before it can; else the last one.

    An event may reach into the next bucket: what is amiss may be less than that, and then it shows later.
    """
    counted = 0
    for bucket in sorted(claim.ledger):
        if counted < bucket << BUCKET_BITS:
            return bucket - 1
        counted += claim.settled(bucket).bytes
    return bucket_of(max(claim.row.offset - 1, 0))
