"""Files that begin the same: the ledger counts their common beginning for each, the index holds it once. Pure."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce

from shipper.records import Tally


def are_beginnings(counted: Tally, files: int, prefixes: Collection[Tally]) -> bool:
    """Whether a tally is the sum of so many beginnings of a file, one for each of the others that shared it.

    `prefixes` are the tallies of the file's first none, one, two … documents; a set, for they may be many. Two files
    may part from it at different places; of more it is only asked whether all parted at the same.
    """
    if files == 0:
        return not any(counted)
    if files == 1:
        return counted in prefixes
    if files == 2:
        return any(counted.minus(first) in prefixes for first in prefixes)
    return any(reduce(Tally.plus, [first] * files) == counted for first in prefixes)
