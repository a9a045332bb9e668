"""Who belongs to whom, each once: as many as possible, the nearest first. No input, no output."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Edge(NamedTuple):
    """Two that may belong together; the cheapest are tried first."""

    cost: float
    owner: int
    item: int


def assign(edges: Iterable[Edge], capacity: Mapping[int, int]) -> dict[int, int]:
    """Item -> owner. No item twice, no owner beyond its capacity, and no other choice would place more items.

    What is nearest is taken first; then items change their owners only so far as that finds a place for one more.
    """
    choices: dict[int, list[int]] = defaultdict(list)
    owner_of: dict[int, int] = {}
    held: dict[int, set[int]] = defaultdict(set)
    for _, owner, item in sorted(edges):
        choices[owner].append(item)
        if item not in owner_of and len(held[owner]) < capacity[owner]:
            owner_of[item] = owner
            held[owner].add(item)
    for owner in choices:
        while len(held[owner]) < capacity[owner] and _make_room(owner, choices, owner_of, held):
            pass
    return owner_of


def _make_room(
    hungry: int, choices: Mapping[int, list[int]], owner_of: dict[int, int], held: dict[int, set[int]]
) -> bool:
    """Give one more item to an owner, along the shortest chain of exchanges that ends at a free item."""
    wanted_by: dict[int, int] = {}
    gives_up: dict[int, int] = {}
    waiting = deque([hungry])
    while waiting:
        owner = waiting.popleft()
        for item in choices[owner]:
            if item in wanted_by or item in held[owner]:
                continue
            wanted_by[item] = owner
            other = owner_of.get(item)
            if other is None:
                _exchange(item, wanted_by, gives_up, owner_of, held)
                return True
            if other != hungry and other not in gives_up:
                gives_up[other] = item
                waiting.append(other)
    return False


def _exchange(
    free: int,
    wanted_by: Mapping[int, int],
    gives_up: Mapping[int, int],
    owner_of: dict[int, int],
    held: dict[int, set[int]],
) -> None:
    """Each owner on the chain takes what it found and gives up that by which it was found itself."""
    item: int | None = free
    while item is not None:
        owner = wanted_by[item]
        owner_of[item] = owner
        held[owner].add(item)
        item = gives_up.get(owner)
        if item is not None:
            held[owner].discard(item)
