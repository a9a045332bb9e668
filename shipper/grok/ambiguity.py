"""Exponential shapes: loops in which the same text can be matched in more than one way.

A loop is seen as an automaton whose states are the characters in it. If two different ways lead from a state back to
it over the same text, a text that repeats this n times can be matched in 2^n ways, and all of them are tried before
the expression fails. What look-arounds demand is not considered, so that a loop they make safe is found, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from shipper.grok.classes import Ranges
from shipper.grok.structure import (
    EVERYTHING,
    LOOK_AROUND,
    LOOPS,
    SEALED,
    SINGLE,
    UNBOUNDED,
    Node,
    characters,
    everywhere,
    read,
)

LARGEST = 100_000
"""Pairs of states that are looked at: a loop with more is taken as harmless."""
UNROLLED = 64
"""States that an exact number of repetitions is written out to."""
IGNORECASE = 2

Pair = tuple[int, int]


def is_exponential(regex: str) -> bool:
    """Whether an expression in the syntax of `re` has a loop that can be passed in more than one way."""
    return any(_is_ambiguous(node) for sequence in everywhere(read(regex)) for node in sequence if _is_long_loop(node))


def _is_long_loop(node: Node) -> bool:
    return node.kind in LOOPS and node.bounds[1] >= UNBOUNDED


class _Piece(NamedTuple):
    """Part of an automaton: whether it can be passed without a character, and where it begins and ends."""

    empty: bool
    first: tuple[int, ...]
    last: tuple[int, ...]


class _Automaton:
    """States are the characters of an expression in all places; edges lead to what can follow."""

    def __init__(self) -> None:
        self.characters: list[Ranges] = []
        self.edges: Counter[Pair] = Counter()
        self.has_equal_ways = False
        """Whether alternatives can be passed in two ways without a character."""

    def state(self, ranges: Ranges) -> _Piece:
        self.characters.append(ranges)
        number = len(self.characters) - 1
        return _Piece(False, (number,), (number,))

    def sequence(self, nodes: Iterable[Node], *, fold: bool) -> _Piece:
        found = _Piece(True, (), ())
        for node in nodes:
            found = self.then(found, self.piece(node, fold=fold))
        return found

    def then(self, before: _Piece, after: _Piece) -> _Piece:
        self.edges.update(product(before.last, after.first))
        first = before.first + after.first if before.empty else before.first
        last = after.last + before.last if after.empty else after.last
        return _Piece(before.empty and after.empty, first, last)

    def piece(self, node: Node, *, fold: bool) -> _Piece:
        if node.kind in SINGLE:
            ranges = characters(node)
            return self.state(_folded(ranges) if fold else ranges)
        if node.kind in LOOPS:
            return self.loop(node, fold=fold)
        if node.kind in SEALED:
            return self.sealed(node, fold=fold)
        if node.kind == "GROUPREF":
            return self.state(EVERYTHING)
        if node.kind in LOOK_AROUND or not node.parts:
            return _Piece(True, (), ())
        if node.kind == "SUBPATTERN":
            fold = (fold or bool(node.value[0] & IGNORECASE)) and not node.value[1] & IGNORECASE
        parts = [self.sequence(part, fold=fold) for part in node.parts]
        first = tuple(state for part in parts for state in part.first)
        last = tuple(state for part in parts for state in part.last)
        self.has_equal_ways |= sum(part.empty for part in parts) > 1
        return _Piece(any(part.empty for part in parts), first, last)

    def loop(self, node: Node, *, fold: bool) -> _Piece:
        fewest, most = node.bounds
        body = self.sequence(node.parts[0], fold=fold)
        if fewest == most and len(body.first) * most <= UNROLLED:
            for _ in range(most - 1):
                body = self.then(body, self.sequence(node.parts[0], fold=fold))
        elif most > 1:
            self.edges.update(product(body.last, body.first))
        return _Piece(body.empty or fewest == 0, body.first, body.last)

    def sealed(self, node: Node, *, fold: bool) -> _Piece:
        """One state: inside, there is only one way; inner loops are looked at on their own."""
        inner = _Automaton()
        piece = inner.sequence(node.parts[0], fold=fold)
        first = tuple(run for state in piece.first for run in inner.characters[state])
        state = self.state(first)
        empty = piece.empty or (node.kind == "POSSESSIVE_REPEAT" and node.bounds[0] == 0)
        return _Piece(empty, state.first, state.last)


def _folded(ranges: Ranges) -> Ranges:
    """With the other case of the Latin letters."""
    found = list(ranges)
    for low, high in ranges:
        for start, shift in ((0x41, 0x20), (0x61, -0x20)):
            first, last = max(low, start), min(high, start + 25)
            if first <= last:
                found.append((first + shift, last + shift))
    return tuple(found)


def _is_ambiguous(loop: Node) -> bool:
    automaton = _Automaton()
    piece = automaton.sequence(loop.parts[0], fold=False)
    automaton.edges.update(product(piece.last, piece.first))
    if automaton.has_equal_ways or any(count > 1 for count in automaton.edges.values()):
        return True
    return _has_two_ways(automaton)


def _has_two_ways(automaton: _Automaton) -> bool:
    """Whether a pair of different states can be reached from one state and lead to one state over the same text."""
    following: dict[int, list[int]] = {}
    preceding: dict[int, list[int]] = {}
    for before, after in automaton.edges:
        following.setdefault(before, []).append(after)
        preceding.setdefault(after, []).append(before)
    overlaps = _Overlaps(automaton.characters)
    split = _reached(following, overlaps, len(automaton.characters))
    return any(first != second for first, second in split & _reached(preceding, overlaps, len(automaton.characters)))


class _Overlaps:
    """Whether two states can take the same character; asked often."""

    def __init__(self, ranges: list[Ranges]) -> None:
        self._ranges = ranges
        self._known: dict[Pair, bool] = {}

    def __call__(self, pair: Pair) -> bool:
        if pair not in self._known:
            first, second = (self._ranges[state] for state in pair)
            self._known[pair] = any(a <= d and c <= b for a, b in first for c, d in second)
        return self._known[pair]


def _reached(edges: dict[int, list[int]], overlaps: _Overlaps, states: int) -> set[Pair]:
    """The pairs that two ways over the same text can lead to from any one state."""
    seen: set[Pair] = {(state, state) for state in range(states)}
    waiting = list(seen)
    while waiting and len(seen) < LARGEST:
        for pair in _next(waiting.pop(), edges, overlaps):
            if pair not in seen:
                seen.add(pair)
                waiting.append(pair)
    return seen


def _next(pair: Pair, edges: dict[int, list[int]], overlaps: _Overlaps) -> Iterator[Pair]:
    for first, second in product(edges.get(pair[0], ()), edges.get(pair[1], ())):
        ordered = (first, second) if first <= second else (second, first)
        if overlaps(ordered):
            yield ordered
