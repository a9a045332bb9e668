"""The structure of a translated expression, as Python's `re` itself sees it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from shipper.grok.classes import LAST, SHORTHANDS, Ranges, complement, union
from shipper.grok.translate import FLAGS

# The only reader of regular expressions that agrees with what is executed is the one that is; it has no public name.
_reader: Any = import_module("re._parser")
UNBOUNDED = 10
"""Repetitions from which on a loop can take long."""
NARROW = 8
"""A wildcard leaves out at most so many characters."""
SINGLE = ("LITERAL", "NOT_LITERAL", "IN", "ANY")
LOOPS = ("MAX_REPEAT", "MIN_REPEAT")
SEALED = ("ATOMIC_GROUP", "POSSESSIVE_REPEAT")
"""Once passed, they are not tried in another way."""
LOOK_AROUND = ("ASSERT", "ASSERT_NOT")
CATEGORIES = {"CATEGORY_DIGIT": "d", "CATEGORY_SPACE": "s", "CATEGORY_WORD": "w"}
EVERYTHING: Ranges = ((0, LAST),)


class Node(NamedTuple):
    """One construct: a character, a loop, a group, alternatives, an assertion."""

    kind: str
    """As `re` calls it."""
    value: Any
    parts: tuple[tuple[Node, ...], ...]
    """The sequences inside; more than one for alternatives."""

    @property
    def bounds(self) -> tuple[int, int]:
        """Fewest and most repetitions of a loop."""
        return int(self.value[0]), int(self.value[1])


def read(regex: str) -> tuple[Node, ...]:
    """The sequence of constructs of an expression that `re` compiles."""
    return _sequence(_reader.parse(regex, FLAGS))


def _sequence(items: Any) -> tuple[Node, ...]:
    return tuple(_node(str(kind), value) for kind, value in items)


def _node(kind: str, value: Any) -> Node:
    if kind in (*LOOPS, "POSSESSIVE_REPEAT"):
        return Node(kind, value[:2], (_sequence(value[2]),))
    if kind == "SUBPATTERN":
        # Without the number of the group: what is compared, are expressions.
        return Node(kind, value[1:3], (_sequence(value[3]),))
    if kind == "ATOMIC_GROUP":
        return Node(kind, None, (_sequence(value),))
    if kind == "BRANCH":
        return Node(kind, None, tuple(map(_sequence, value[1])))
    if kind in LOOK_AROUND:
        return Node(kind, value[0], (_sequence(value[1]),))
    return Node(kind, tuple(value) if kind == "IN" else value, ())


def everywhere(sequence: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """A sequence, and all that are inside of it."""
    yield sequence
    for node in sequence:
        for part in node.parts:
            yield from everywhere(part)


def flattened(sequence: tuple[Node, ...]) -> Iterator[Node]:
    """A sequence, with groups replaced by what is in them."""
    for node in sequence:
        if node.kind == "SUBPATTERN":
            yield from flattened(node.parts[0])
        else:
            yield node


def can_be_empty(node: Node) -> bool:
    """Whether it can match without taking a character."""
    if node.kind in (*LOOPS, "POSSESSIVE_REPEAT") and node.bounds[0] == 0:
        return True
    if node.kind in (*SINGLE, "GROUPREF"):
        return False
    if not node.parts or node.kind in LOOK_AROUND:
        return True
    return any(all(map(can_be_empty, part)) for part in node.parts)


def is_wildcard(node: Node) -> bool:
    """Whether it is a loop over almost any character, as %{DATA}, %{GREEDYDATA} and %{NOTSPACE} are."""
    if node.kind not in LOOPS or node.bounds[1] < UNBOUNDED:
        return False
    inside = tuple(flattened(node.parts[0]))
    if len(inside) != 1 or inside[0].kind not in SINGLE:
        return False
    left_out = complement(characters(inside[0]))
    return sum(high - low + 1 for low, high in left_out) <= NARROW


def characters(node: Node) -> Ranges:
    """What a single character can be."""
    if node.kind == "LITERAL":
        return ((node.value, node.value),)
    if node.kind == "NOT_LITERAL":
        return complement(((node.value, node.value),))
    if node.kind != "IN":
        return EVERYTHING
    ranges: list[tuple[int, int]] = []
    for kind, value in node.value:
        ranges.extend(_members(str(kind), value))
    found = union(ranges)
    return complement(found) if str(node.value[0][0]) == "NEGATE" else found


def _members(kind: str, value: Any) -> Ranges:
    if kind == "LITERAL":
        return ((value, value),)
    if kind == "RANGE":
        return (value,)
    if kind == "CATEGORY":
        name = str(value)
        known = SHORTHANDS[CATEGORIES[name.replace("_NOT_", "_")]]
        return complement(known) if "_NOT_" in name else known
    return ()
