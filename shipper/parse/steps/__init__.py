"""Parsing steps: each reads one text field and adds fields; steps chain and branch.

A step's `apply` gives the tag of its failure, or nothing when it matched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shipper.parse.fields import Fields

MATCHED = ""
Apply = Callable[[Fields, str], str]


class Step(Protocol):
    """Something that makes fields of a text."""

    def apply(self, fields: Fields, header: str) -> str:
        """Add what is found to `fields`; the failure's tag, or MATCHED. `header` are the file's last header lines."""


@dataclass(frozen=True, slots=True)
class Optional:
    """A step whose failure is none."""

    step: Step

    def apply(self, fields: Fields, header: str) -> str:
        """Add what is found; always matched."""
        self.step.apply(fields, header)
        return MATCHED


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps one after the other, until a required one fails.

    The one place where a step is run: a limit on its time belongs here.
    """

    steps: Sequence[Step]

    @property
    def single(self) -> Apply | None:
        """The only step's `apply`, which spares every event of most logs a call and a loop; None if there are more."""
        return self.steps[0].apply if len(self.steps) == 1 else None

    def apply(self, fields: Fields, header: str) -> str:
        """Run the steps; the tag of the first that failed."""
        for step in self.steps:
            failure = step.apply(fields, header)
            if failure:
                return failure
        return MATCHED


@dataclass(frozen=True, slots=True)
class Branches:
    """Alternatives: the first whose first step matches is taken, and its other steps follow."""

    branches: Sequence[tuple[Step, Chain]]

    def apply(self, fields: Fields, header: str) -> str:
        """Run the first branch that matches; the tag of the last one's first step if none does."""
        failure = MATCHED
        for first, rest in self.branches:
            failure = first.apply(fields, header)
            if not failure:
                return rest.apply(fields, header)
        return failure


def joined(parent: str, name: str) -> str:
    """A field's dotted name below a parent; parts that an index could not take (empty ones) become `_`."""
    if "." in name or not name:
        name = ".".join(part or "_" for part in name.split("."))
    return f"{parent}.{name}" if parent else name
