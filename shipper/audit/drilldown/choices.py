"""Which of some tallies add up to another: the ledger counts lines, and names none. Pure.

Sums of hashes make it all but impossible that a choice adds up by accident, as long as not very many are tried. Lines
of the same bytes have the same tally: a choice among them is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shipper.records import Tally, total

_SUMS = 50_000
"""Sums that are remembered at most,"""
_STEPS = 1_000_000
"""and additions that are made at most; of more nothing is said."""


def adding_up(tallies: Sequence[Tally], wanted: Tally) -> list[int] | None:
    """The numbers of those that add up to a tally; None if none do, if several choices do, or if there are too many."""
    whole = total(tallies)
    rest = whole.minus(wanted)
    if min(rest) < 0:
        return None
    if not any(rest):
        return list(range(len(tallies)))
    equal = [number for number, tally in enumerate(tallies) if tally == wanted]
    if equal:
        return equal if len(equal) == 1 else None
    if wanted.bytes * 2 <= whole.bytes:
        return _only_sum(tallies, wanted)
    others = _only_sum(tallies, rest)
    return None if others is None else sorted(set(range(len(tallies))).difference(others))


class _Way(NamedTuple):
    """How a sum is made."""

    numbers: tuple[int, ...]
    unique: bool = True


def _only_sum(tallies: Sequence[Tally], wanted: Tally) -> list[int] | None:
    """The numbers of the only choice that adds up to a tally."""
    ways = {Tally(): _Way(())}
    steps = 0
    for number, tally in enumerate(tallies):
        steps += len(ways)
        if steps > _STEPS or len(ways) > _SUMS:
            return None
        if min(wanted.minus(tally)) < 0:
            continue
        for before, way in list(ways.items()):
            after = before.plus(tally)
            if min(wanted.minus(after)) >= 0:
                known = ways.get(after)
                ways[after] = known._replace(unique=False) if known else _Way((*way.numbers, number), way.unique)
    found = ways.get(wanted)
    return list(found.numbers) if found is not None and found.unique else None
