"""The step `grok`: the first of several expressions that matches gives the fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from shipper.grok.timeout import MatchTimeout
from shipper.parse.fields import Fields, as_text
from shipper.parse.steps import MATCHED

FAILURE = "_grokparsefailure"


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and where its captures go."""

    regex: re.Pattern[str]
    groups: tuple[int, ...]
    names: tuple[str, ...]
    all_groups: bool
    """Whether these are just the groups that the expression has."""
    repeated: bool
    """Whether a name occurs twice: then values are put together, as Logstash does."""
    written: str = ""
    """As in the definition, for messages."""

    @staticmethod
    def of(regex: re.Pattern[str], captures: Sequence[tuple[int, str]], written: str = "") -> Expression:
        """From pairs of group number and dotted field name."""
        groups = tuple(group for group, _ in captures)
        names = tuple(name for _, name in captures)
        all_groups = groups == tuple(range(1, regex.groups + 1))
        return Expression(regex, groups, names, all_groups, len(set(names)) < len(names), written)


class GrokStep:
    """Tries expressions in their order."""

    def __init__(self, field: str, expressions: Sequence[Expression]) -> None:
        self._field = field
        self._tries = [(expression.regex.search, expression) for expression in expressions]

    def apply(self, fields: Fields, header: str) -> str:  # noqa: ARG002 - part of the protocol
        """Add the captures of the first expression that matches; empty ones are left out, as Logstash does."""
        text = fields.get(self._field)
        if text is None:
            return FAILURE
        if text.__class__ is not str:
            text = as_text(text)
        for search, expression in self._tries:
            try:
                found = search(text)
            except MatchTimeout as runaway:
                runaway.pattern = expression.written
                raise
            if found is None:
                continue
            values = found.groups() if expression.all_groups else found.group(0, *expression.groups)[1:]
            if expression.repeated:
                _add_repeated(fields, expression.names, values)
            else:
                fields.update(compress(zip(expression.names, values), values))  # noqa: B905 - equal by construction
            return MATCHED
        return FAILURE


def _add_repeated(fields: Fields, names: Sequence[str], values: Sequence[str | None]) -> None:
    found: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        if value:
            found.setdefault(name, []).append(value)
    fields.update({name: many[0] if len(many) == 1 else many for name, many in found.items()})
