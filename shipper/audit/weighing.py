"""The equation, bucket by bucket: where disk = index + ledger.filtered + ledger.dead, nothing needs to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.audit.balance import is_closed
from shipper.audit.claims import Claim
from shipper.audit.context import Context
from shipper.audit.extents import LAST_BUCKET, Run
from shipper.audit.families import Family, Part
from shipper.audit.findings import Outcome, Totals
from shipper.hashes import document_ids
from shipper.records import Tally, total


def balances(context: Context, family: Family, parts: Sequence[Part]) -> dict[int, Outcome | None]:
    """By bucket, ascending, of disk and index: what is there if the equation holds, else None. Raises OutputError."""
    buckets = sorted({*family.held, *(bucket for part in parts for bucket in part.measure.buckets)})
    ledgers = _ledgers(context, family, parts)
    return {bucket: _balance(context, family, parts, ledgers, bucket) for bucket in buckets}


def _ledgers(context: Context, family: Family, parts: Sequence[Part]) -> list[Claim | None]:
    """The ledgers that may balance the parts; of several branches none, for their sums are not told apart."""
    if not all(part.agrees and _ends_as_stored(context, family, part) for part in parts):
        return []
    if not context.claims.known or len(parts) > 1:
        return [None]
    return [parts[0].claim]


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
    if context.claims.known or part.measure.last is None:
        return True
    if len(family.fingerprints) > 1:
        return False  # its head was edited: where all its lines are there, in another order
    offset, chain = part.measure.last
    documents = list(context.output.spans(family.fingerprint, offset, Run(0, LAST_BUCKET).end))
    if not documents:
        return True
    # It may begin within the line.
    return [documents[-1].id] == document_ids(family.fingerprint, [(documents[-1].offset, chain)])
