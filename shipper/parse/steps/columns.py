"""The step `columns`: rows of values whose names stand in the file's header or in the definition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from shipper.parse.fields import Fields, as_text
from shipper.parse.steps import MATCHED, joined

FAILURE = "_columnsfailure"
_MAGIC = re.compile(r"#(?:[0-9A-Za-z]+#)?")
_TOKEN = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):[0-9]+")

Names = tuple[str, ...]


class ColumnsStep:
    """Splits a row; one with another number of values than names fails, for a shifted value is worse than none.

    `names` are None where the header gives them: its last line, or the last that `header` matches at its beginning.
    `layouts` are the names for files without any header, by how many they are.
    """

    def __init__(
        self,
        field: str,
        separators: Sequence[str],
        names: Sequence[str] | None,
        into: str,
        null: frozenset[str],
        *,
        header: re.Pattern[str] | None = None,
        layouts: Sequence[Sequence[str]] = (),
    ) -> None:
        self._field = field
        self._separators = tuple(separators)
        self._fixed = None if names is None else _below(into, names)
        self._into = into
        self._null = null
        self._named_by = header
        self._layouts: Mapping[int, Names] = {len(layout): _below(into, layout) for layout in layouts}
        self._header = ""
        self._header_names: Names | None = None
        self._separator = self._separators[0] if len(self._separators) == 1 else None
        """The separator of all rows, None where each row tells its own."""
        self._header_separator = self._separators[0]

    def apply(self, fields: Fields, header: str) -> str:
        """Add the row's values under their names, but for those that mean nothing."""
        text = fields.get(self._field)
        if text is None:
            return FAILURE
        if text.__class__ is not str:
            text = as_text(text)
        if self._fixed is None and header:
            if header != self._header:
                self._read(header)
            names, values = self._header_names, text.split(self._header_separator)
        else:
            values = text.split(self._separator or first_in(text, self._separators))
            names = self._fixed or self._layouts.get(len(values)) or self._layouts.get(_filled(values))
        if names is None:
            return FAILURE
        if len(values) == len(names) + 1 and not values[-1]:
            values.pop()
        if len(values) != len(names):
            return FAILURE
        null = self._null
        fields.update([pair for pair in zip(names, values, strict=True) if pair[1] not in null])
        return MATCHED

    def _read(self, header: str) -> None:
        """Take names and separator from the lines of a header."""
        self._header = header
        lines = header.split("\n")
        found = [line for line in lines if self._named_by.match(line)] if self._named_by else lines
        self._header_names = None
        for line in reversed(found):  # a remark may stand among them
            self._header_separator = first_in(line, self._separators)
            names = column_names(line, self._header_separator)
            if names:
                self._header_names = _below(self._into, names)
                return


def column_names(header: str, separator: str) -> Names | None:
    """The names of a tstat header (`#15#c_ip:1 c_port:2 …`); None if the line is no such header.

    They go by their order: some versions count from 0, and who cuts columns out of a log leaves gaps in the numbers.
    A name that stands there twice (tstat's advanced columns repeat some) gets its number among its like: `c_pkts_2`.
    """
    magic = _MAGIC.match(header)
    if not magic:
        return None
    found = [_TOKEN.fullmatch(token) for token in header[magic.end() :].rstrip(separator).split(separator)]
    seen: Counter[str] = Counter()
    names = []
    for token in found:
        if token is None:
            return None
        seen[token[1]] += 1
        names.append(token[1] if seen[token[1]] == 1 else f"{token[1]}_{seen[token[1]]}")
    return tuple(names) if len(names) == len(set(names)) else None


def first_in(line: str, separators: Sequence[str]) -> str:
    """The first of the separators that a line contains; the first of all if it contains none."""
    return next((separator for separator in separators if separator in line), separators[0])


def _filled(values: Sequence[str]) -> int:
    """How many values there are, but for an empty last one that stands after a separator at the end."""
    return len(values) - (not values[-1])


def _below(parent: str, names: Sequence[str]) -> Names:
    return tuple(joined(parent, name) for name in names)
