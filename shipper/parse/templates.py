"""The shortest way to a document's JSON: a template that is filled in, for lines of which nothing needs an escape.

The template is what the general way makes of a line whose values are marked, so it cannot differ from it in anything
but the values. Whatever is not obviously written the same by both goes the general way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from orjson import dumps

from shipper.parse.shapes import Layout

Body = Callable[[Sequence[Any], list[str], dict[str, Any]], dict[str, Any]]
"""The general way: envelope, tags and nested fields become a body."""

ENVELOPE = 7
"""Time, message, offset, lines, bytes, h0, h1."""
_TEXTS_OF_ENVELOPE = (0, 1)
_MARKED = re.compile('"\ue000([0-9]+)\ue001"')


class Template:
    """The JSON of lines of one layout in one file."""

    def __init__(self, layout: Layout, body: Body) -> None:
        places = (*layout.texts, *layout.integers, *layout.decimals, *layout.others)
        size = max((*places, *layout.constants), default=0) + 1
        values = [layout.constants.get(place, _mark(ENVELOPE + place)) for place in range(size)]
        marked = body([_mark(place) for place in range(ENVELOPE)], [], layout.nested(values))
        quoted = {*_TEXTS_OF_ENVELOPE, *(ENVELOPE + place for place in layout.texts)}
        order: list[int] = []

        def slot(found: re.Match[str]) -> str:
            order.append(int(found[1]))
            return '"%s"' if order[-1] in quoted else "%s"

        self._text = _MARKED.sub(slot, dumps(marked).decode().replace("%", "%%"))
        self._pick = itemgetter(*order)
        self._texts = [ENVELOPE + place for place in layout.texts]
        self._decimals = [ENVELOPE + place for place in layout.decimals]
        self._others = [ENVELOPE + place for place in layout.others]

    def filled(self, envelope: Sequence[Any], values: Sequence[Any]) -> bytes | None:
        """The JSON, or None if a value is not obviously written as the general way writes it."""
        written = [*envelope, *values]
        try:
            plain = "".join([envelope[1], *[written[place] for place in self._texts]])
        except TypeError:  # a list, or a value of JSON
            return None
        if not plain.isprintable() or '"' in plain or "\\" in plain:
            return None
        for place in self._decimals:
            number = repr(written[place])
            if "e" in number:  # exponents are spelled in many ways
                return None
            written[place] = number
        for place in self._others:
            value = written[place]
            # Texts that converters give are times and addresses: nothing in them needs an escape.
            written[place] = f'"{value}"' if value.__class__ is str else dumps(value).decode()
        text: str = self._text % self._pick(written)
        return text.encode()


def _mark(place: int) -> str:
    return f"\ue000{place}\ue001"
