"""The step `columns`: rows of values whose names stand in the file's header or in the definition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipper.parse.fields import Fields, as_text
from shipper.parse.steps import MATCHED, joined

FAILURE = "_columnsfailure"
_MAGIC = re.compile(r"#(?:[0-9A-Za-z]+#)?")
_TOKEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):([0-9]+)")


class ColumnsStep:
    """Splits a row; one with another number of values than names fails, for a shifted value is worse than none."""

    def __init__(
        self, field: str, separator: str, names: Sequence[str] | None, into: str, null: frozenset[str]
    ) -> None:
        self._field = field
        self._separator = separator
        self._names = None if names is None else tuple(joined(into, name) for name in names)
        self._into = into
        self._null = null
        self._header = ""
        self._header_names: tuple[str, ...] | None = None

    def apply(self, fields: Fields, header: str) -> str:
        """Add the row's values under their names, but for those that mean nothing."""
        text = fields.get(self._field)
        names = self._names or self._names_of(header)
        if text is None or names is None:
            return FAILURE
        values = (text if text.__class__ is str else as_text(text)).split(self._separator)
        if len(values) == len(names) + 1 and not values[-1]:
            values.pop()
        if len(values) != len(names):
            return FAILURE
        null = self._null
        fields.update([pair for pair in zip(names, values, strict=True) if pair[1] not in null])
        return MATCHED

    def _names_of(self, header: str) -> tuple[str, ...] | None:
        if header != self._header:
            self._header = header
            names = column_names(header, self._separator)
            self._header_names = names and tuple(joined(self._into, name) for name in names)
        return self._header_names


def column_names(header: str, separator: str) -> tuple[str, ...] | None:
    """The names of a tstat header (`#15#c_ip:1 c_port:2 …`); None if the line is no such header."""
    magic = _MAGIC.match(header)
    if not magic:
        return None
    found = [_TOKEN.fullmatch(token) for token in header[magic.end() :].rstrip(separator).split(separator)]
    names = tuple(token[1] for position, token in enumerate(found, 1) if token and int(token[2]) == position)
    return names if len(names) == len(found) == len(set(names)) else None
