"""Files that begin the same: the ledger counts their common beginning for each, the index holds it once. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import reduce
from typing import NamedTuple

from shipper.records import Stored, Tally

_WAYS = 200_000
"""Sums that are remembered at most; of more documents nothing is said."""


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


class Generations(NamedTuple):
    """Documents that were told apart by what the ledger counted of each file."""

    ids: set[str]
    """Of the documents that are explained."""
    found: set[Tally]
    """Which of the counted tallies explain them."""


def told_apart(documents: Sequence[Stored], counted: Collection[Tally]) -> Generations:
    """Follow documents (by offset) from the first on, each to those where it ends, to where they add up to a tally.

    So the generations of a file are told apart whatever they share, as long as nothing of them is missing.
    """
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, document in enumerate(documents):
        numbers[document.offset].append(number)
    starts = sorted(numbers)
    ways: list[dict[Tally, tuple[int, Tally] | None]] = [{} for _ in documents]
    for number in numbers[starts[0]] if starts else ():
        ways[number][documents[number].tally] = None
    count = 0
    for number, document in enumerate(documents):
        count += len(ways[number])
        if count > _WAYS:
            return Generations(set(), set())
        place = bisect_left(starts, document.offset + document.tally.bytes)
        for following in numbers[starts[place]] if place < len(starts) else ():
            for tally in ways[number]:
                ways[following].setdefault(tally.plus(documents[following].tally), (number, tally))
    return _back(documents, ways, counted)


def _back(
    documents: Sequence[Stored], ways: Sequence[dict[Tally, tuple[int, Tally] | None]], counted: Collection[Tally]
) -> Generations:
    """From where the counted sums are reached, back to the beginning."""
    generations = Generations(set(), set())
    for number, sums in enumerate(ways):
        for tally in sums.keys() & set(counted):
            generations.found.add(tally)
            step: tuple[int, Tally] | None = (number, tally)
            while step is not None:
                generations.ids.add(documents[step[0]].id)
                step = ways[step[0]][step[1]]
    return generations
