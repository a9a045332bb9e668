"""Documents of files that are gone, and that began as files do that are there: does the ledger vouch for them?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from shipper.audit.beginnings import Generations, are_beginnings, told_apart
from shipper.audit.claims import DEAD, Claim
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.families import Family, gone_claims
from shipper.records import Stored, Tally, total


class Vouched(NamedTuple):
    """What the ledger says of documents that belong to no file on disk."""

    kept: Sequence[Stored]
    """Those of which it says nothing."""
    tally: Tally
    """Of the others."""
    unheld: list[Claim]
    """Claims on other lines than those of the documents, though these are all vouched for."""


def without_vouched(
    family: Family, comparisons: Sequence[Comparison], rest: Sequence[Stored], documents: Sequence[Stored]
) -> Vouched:
    """Of all documents the rest: less those of files that are gone and whose ledger counted just these."""
    if not rest:
        return Vouched(rest, Tally(), [])
    extent = comparisons[0].extent
    claims = gone_claims(family, (comparison.part for comparison in comparisons))
    counted = [total(claim.stored(bucket) for bucket in claim.ledger if extent.holds(bucket)) for claim in claims]
    kept, lost = _explained(comparisons, rest, documents, counted)
    unheld = [claim for claim, stored in zip(claims, counted, strict=True) if stored in lost]
    return Vouched(kept, _shipped(rest).minus(_shipped(kept)), unheld)


def _explained(
    comparisons: Sequence[Comparison], rest: Sequence[Stored], documents: Sequence[Stored], counted: Sequence[Tally]
) -> tuple[Sequence[Stored], set[Tally]]:
    """What is left of the rest if files share their beginning with those on disk; and what of the counted is not there.

    If nothing is explained whole, all of it is left.
    """
    left = _shipped(rest)
    prefixes = {prefix for comparison in comparisons for prefix in _prefixes(comparison)}
    # What one of them shares lies before all that is its own.
    parting = min((document.offset for document in rest if document.place != DEAD), default=inf)
    shared = {prefix for comparison in comparisons for prefix in _prefixes(comparison, parting)}
    apart = {stored for stored in counted if stored not in prefixes}
    if len(apart) > 1 and are_beginnings(total(apart).minus(left), len(apart), prefixes):
        return (), set()
    one = next((stored for stored in apart if stored.minus(left) in shared), None)
    if one is not None:
        apart -= {one, *accumulate(_tallies(rest), Tally.plus, initial=one.minus(left))}
    told = told_apart(documents, apart) if apart else Generations(set(), set())
    kept = [] if one is not None else [document for document in rest if document.id not in told.ids]
    if kept and (not told.ids or any(_shipped(kept))):
        return kept, set()
    return (), apart - told.found


def _tallies(documents: Iterable[Stored]) -> Iterable[Tally]:
    return (document.tally for document in documents if document.place != DEAD)


def _shipped(documents: Iterable[Stored]) -> Tally:
    return total(_tallies(documents))


def _prefixes(comparison: Comparison, upto: float = inf) -> Iterable[Tally]:
    """The tallies of the first none, one, two … stored events that end before an offset."""
    stored = {name for name, document in comparison.matching.stored.items() if document.place != DEAD}
    tallies = (event.tally for event in comparison.events if event.id in stored and event.end <= upto)
    return accumulate(tallies, Tally.plus, initial=Tally())
