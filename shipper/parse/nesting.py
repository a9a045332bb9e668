"""How values under dotted names become nested objects."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any


class Nesting:
    """How values under dotted names become nested objects: worked out once per list of names."""

    def __init__(self, names: Sequence[str], places: Sequence[int]) -> None:
        paths = _without_conflicts([tuple(name.split(".")) for name in names])
        self.build = _Node(dict(zip(paths, places, strict=True)), depth=0).build
        """The nested object of a list of values; each name's is at its place."""


class _Node:
    """One object: its plain values, and the objects in it."""

    def __init__(self, places: dict[tuple[str, ...], int], depth: int) -> None:
        leaves = {path[depth]: place for path, place in places.items() if len(path) == depth + 1}
        inner: dict[str, dict[tuple[str, ...], int]] = {}
        for path, place in places.items():
            if len(path) > depth + 1:
                inner.setdefault(path[depth], {})[path] = place
        self.single: tuple[str, int] | None = next(iter(leaves.items())) if len(leaves) == 1 and not inner else None
        """Name and place of the only value, if there is just one and no object."""
        self._names = tuple(leaves)
        self._places = tuple(leaves.values())
        self._values = itemgetter(*self._places) if len(leaves) > 1 else None
        nodes = {name: _Node(part, depth + 1) for name, part in inner.items()}
        self._inner = [(name, node.build) for name, node in nodes.items() if not node.single]
        self._singles = [(name, *node.single) for name, node in nodes.items() if node.single]

    def build(self, values: list[Any]) -> dict[str, Any]:
        if self._values is not None:
            found = dict(zip(self._names, self._values(values)))  # noqa: B905 - equal by construction
        else:
            found = {name: values[place] for name, place in zip(self._names, self._places, strict=True)}
        for name, build in self._inner:
            found[name] = build(values)
        for name, leaf, place in self._singles:
            found[name] = {leaf: values[place]}
        return found


def _without_conflicts(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The paths; one that would have to be a value and an object at once becomes `<name>_text`."""
    parents = {path[:depth] for path in paths for depth in range(1, len(path))}
    taken = parents | set(paths)
    clean = []
    for path in paths:
        free = path
        while free in parents or (free != path and free in taken):
            free = (*free[:-1], free[-1] + "_text")
        taken.add(free)
        clean.append(free)
    return clean
