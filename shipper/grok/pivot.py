"""What a text must hold for an expression to match anywhere in it: cheap to look for where most lines fail.

An expression `A lit B` can match only if `lit B` does. Where `A` may begin anywhere (a host name, say), `re` tries it
at every character of a line before it gives up; `lit B` begins with plain characters, which `re` finds at once, so it
fails after one or two tries. The pivot is the first run of plain characters in the expression after something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipper.grok.fragments import Fragment, sequence

RUN = 2
"""Plain characters that are rare enough together; a single blank stands everywhere."""
_PLAIN = re.compile(r"[^\\.^$|()\[\]{}*+?]|\\[^A-Za-z0-9]", re.DOTALL)


def rest_from_pivot(branches: Sequence[Sequence[Fragment]]) -> str | None:
    """The part of an expression that begins with plain characters and must match, too; None if there is none.

    The expression must not refer back to what its groups hold.
    """
    if len(branches) != 1:
        return None
    pieces = _flat(branches[0])
    plain = [_PLAIN.fullmatch(piece.text) is not None for piece in pieces]
    if all(plain[:1]):
        return None  # it begins with plain characters itself
    for place in range(1, len(pieces) - RUN):
        if all(plain[place : place + RUN]):
            return sequence(pieces[place:])
    return None


def _flat(fragments: Sequence[Fragment]) -> list[Fragment]:
    """The fragments, those of groups that only hold them together included."""
    flat: list[Fragment] = []
    for fragment in fragments:
        flat += _flat(fragment.branches[0]) if len(fragment.branches) == 1 else [fragment]
    return flat
