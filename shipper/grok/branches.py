"""The alternatives that an expression consists of, down to where it is one sequence."""

from __future__ import annotations

from collections.abc import Iterator
from re import Pattern
from typing import NamedTuple

from shipper.grok.compile import compile_expression, references
from shipper.grok.explain import alternatives
from shipper.grok.match import Grok


class Branch(NamedTuple):
    """One alternative."""

    pattern: str
    regex: Pattern[str]


def branches_of(grok: Grok) -> list[Branch]:
    """The alternatives of an expression, also of the definition that it names if it is nothing but a name."""
    patterns = list(_unfolded(grok.pattern, grok))
    if len(patterns) == 1:
        return [Branch(grok.pattern, grok.regex)]
    return [Branch(pattern, compile_expression(pattern, grok.used).regex) for pattern in patterns]


def _unfolded(pattern: str, grok: Grok) -> Iterator[str]:
    found = alternatives(pattern)
    if len(found) > 1:
        for pieces in found:
            yield from _unfolded("".join(pieces), grok)
        return
    reference = next(references(pattern), None)
    alone = reference is not None and reference.end - reference.start == len(pattern) and reference.body is None
    body = grok.used[reference.name].body if alone and reference is not None else ""
    if reference is not None and reference.field is None and len(alternatives(body)) > 1:
        yield from _unfolded(body, grok)
    else:
        yield pattern
