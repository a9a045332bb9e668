"""Documents' JSON, written for many lines at once: what stands between the values is the same in all of them.

The template is what the general way makes of a line whose values are marked, so it cannot differ from it in anything
but the values; and values are written by the same encoder, a column at a time. Marks are what JSON cannot contain: no
name or text of a log looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

from orjson import Fragment, dumps

from shipper.parse.shapes import Column, Layout

Body = Callable[[Sequence[Any], dict[str, Any]], dict[str, Any]]
"""The general way: envelope and nested fields become a body."""

ENVELOPE = 7
"""Time, message, offset, lines, bytes, h0, h1: the first columns."""
_NUMBERS_OF_ENVELOPE = range(2, ENVELOPE)
_TEXT = frozenset({str})
_MARKED = re.compile(rb"\0([0-9]+)\0")
_MISLEADING = b'\\","'
"""The end of a text that ends with a quotation mark and a comma: it looks like what stands between two texts."""


class Template:
    """The JSON of lines of one layout in one file."""

    def __init__(self, layout: Layout, body: Body, width: int) -> None:
        """`width` is the number of columns, those of the envelope included."""
        values = [layout.constants.get(place, _mark(ENVELOPE + place)) for place in range(width - ENVELOPE)]
        marked = dumps(body([_mark(place) for place in range(ENVELOPE)], layout.nested(values)))
        self._first, *rest = _MARKED.split(marked)
        self._slots = [(int(place), after) for place, after in zip(rest[::2], rest[1::2], strict=True)]
        """The columns in the order of the JSON, and what comes after each."""
        self._numbers = {*_NUMBERS_OF_ENVELOPE, *(ENVELOPE + place for place in layout.numbers)}

    def filled(self, columns: Sequence[Column]) -> list[bytes]:
        """The JSON of every line."""
        parts: list[Iterable[bytes]] = []
        written: dict[int, tuple[Sequence[bytes], bytes]] = {}
        before = self._first
        for place, after in self._slots:
            if place not in written:
                written[place] = _numbers(columns[place]) if place in self._numbers else _values(columns[place])
            values, quote = written[place]
            parts += [repeat(before + quote), values]
            before = quote + after
        return list(map(b"".join, zip(*parts, repeat(before))))


def _numbers(column: Column) -> tuple[Sequence[bytes], bytes]:
    return dumps(column)[1:-1].split(b","), b""


def _values(column: Column) -> tuple[Sequence[bytes], bytes]:
    """The values as JSON, and the quotation mark that they lack."""
    if _TEXT.issuperset(map(type, column)):
        texts = dumps(column)
        if _MISLEADING not in texts:
            return texts[2:-2].split(b'","'), b'"'
    return list(map(dumps, column)), b""


def _mark(place: int) -> Fragment:
    return Fragment(b"\0%d\0" % place)
