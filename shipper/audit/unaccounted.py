"""Whether a file's ledger adds up: all fates together reach to the checkpoint. It needs neither file nor index."""

from __future__ import annotations

from shipper.audit.claims import Claim
from shipper.audit.context import Context, Level
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Finding, Kind, Outcome
from shipper.records import BUCKET_BITS, bucket_of, total
from shipper.wording import counted


def unaccounted(context: Context, family: Family) -> Outcome:
    """Lines below a checkpoint that have no fate, or more fates than there are lines; of copies told once.

    Index and ledger agree on lines that neither of them knows, so that only the bytes tell of them. Where the files are
    read, they tell more.
    """
    outcome = Outcome()
    if family.files and context.level is not Level.LEDGER:
        return outcome
    claim = next((claim for claim in family.claims if not claim.is_whole), None)
    if claim is None:
        return outcome
    settled = total(claim.settled(bucket) for bucket in claim.ledger).bytes
    fate = "no fate" if settled < claim.row.offset else "a fate too many"
    place = _concerned(claim) << BUCKET_BITS
    outcome.report(
        Finding(
            kind=Kind.ALTERED,
            cause=Cause.LEDGER_DISAGREES,
            input=family.input,
            host=context.host,
            fingerprint=family.fingerprint,
            path=claim.row.current_path,
            offset=place,
            first_line=None,
            last_line=None,
            lines=1,
            bytes=abs(claim.row.offset - settled),
            evidence=f"the ledger counts {counted(settled, 'byte')} of the file, and its checkpoint is at "
            f"{claim.row.offset}: at least one line has {fate}, "
            f"probably in the 16 MiB from offset {place} on; if the file is there, --level disk tells which",
        )
    )
    return outcome


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
