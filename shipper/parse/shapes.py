"""What becomes of the values of lines that have the same fields: worked out once, and done column by column.

Lines of one log have few lists of field names. For each, what becomes of every value, and where it goes, is the same in
all lines. Lines of which a value does not convert go the general way, which `file_parser` spells out; both give the
same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

from shipper.parse.date_fields import DateField
from shipper.parse.derive import Formula
from shipper.parse.enrich import MappedCopy, PlainCopies, ScaledCopy
from shipper.parse.fields import Converter, Fields, as_text, to_double, to_float, to_int, to_keyword, to_long, to_number
from shipper.parse.inference import Undeclared
from shipper.parse.nesting import Nesting

LIMIT = 256
"""Shapes that are remembered: a log whose names come from its content could have any number."""
_FITS, _READABLE = 9, 20
"""So many digits fit in any integer type; so many may be read to see whether they do."""
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]*")
"""As Python writes it."""
_NUMERIC = frozenset({to_int, to_long, to_double, to_float, to_number})
_TEXT = frozenset({str})
_TRANSLATED = frozenset({str, int})
_BELOW: Mapping[Converter, int] = {to_int: 1 << 31, to_long: 1 << 63}

Column = Sequence[Any]
"""The values that lines have at one place."""
Computed = ScaledCopy | MappedCopy | Formula
"""What adds a field whose value is computed from others, or none."""
Compute = Callable[[Sequence[Column]], Column]


class Unfit(Exception):  # noqa: N818  a fact, not a defect; caught by `tables`
    """Values that do not convert."""

    def __init__(self, fits: Sequence[bool]) -> None:
        super().__init__()
        self.fits = fits
        """Whether the value of each line converts."""


class Parts(NamedTuple):
    """What a pipeline does to fields."""

    converters: Mapping[str, Converter]
    copies: Sequence[PlainCopies]
    computed: Sequence[Computed]
    """In the order in which they are added, after the copies."""
    constants: Fields
    remove: frozenset[str]
    undeclared: Undeclared | None = None


class Shapes:
    """The shapes of one pipeline."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[tuple[str, ...], Shape] = {}

    def of(self, fields: Fields) -> Shape:
        """The shape of a line with these fields."""
        names = tuple(fields)
        shape = self._known.get(names)
        if shape is None:
            if len(self._known) >= LIMIT:
                self._known.clear()
            shape = self._known[names] = Shape(names, self._parts)
        return shape


class Shape:
    """What becomes of the values of one list of names: fields, then constants, then what is computed."""

    def __init__(self, names: Sequence[str], parts: Parts, inferred: Sequence[str] = ()) -> None:
        self._names = names
        self._parts = parts
        self._converters = {**parts.converters, **dict.fromkeys(inferred, to_number)}
        self.inferred = inferred
        """The names that the file's values have made numeric."""
        self.undeclared = parts.undeclared.among(names) if parts.undeclared else ()
        """The names whose type the file decides: see `typed`."""
        self._variants: dict[tuple[bool, ...], Shape] = {}
        self._typed = [
            (position, convert)
            for position, name in enumerate(names)
            if (convert := self._converters.get(name, to_keyword)) is not to_keyword
        ]
        self._first_computed = len(names) + len(parts.constants)
        self.is_usual = True
        """Whether the log has no field of the name of a computed one: which of them counts depends on the values."""
        self._computed: list[tuple[str, Compute, list[int]]] = []
        """What is computed: its type, how, and the positions of what it is computed from."""
        self._final = self._arranged()
        self._layouts: dict[tuple[int, ...], Layout] = {}

    def typed(self, numeric: tuple[bool, ...]) -> Shape:
        """The shape of the same names where the undeclared ones are numeric or not."""
        if True not in numeric:
            return self
        shape = self._variants.get(numeric)
        if shape is None:
            if len(self._variants) >= LIMIT:
                self._variants.clear()
            inferred = [name for name, found in zip(self.undeclared, numeric, strict=True) if found]
            shape = self._variants[numeric] = Shape(self._names, self._parts, inferred)
        return shape

    def columns(self, rows: Sequence[Fields]) -> list[Column]:
        """The values of fields, constants and computed fields, converted. Raises Unfit.

        A computed value that is None is not there.
        """
        columns: list[Column] = list(zip(*[fields.values() for fields in rows], strict=True))
        for position, convert in self._typed:
            columns[position] = _converted(convert, columns[position])
        columns.extend([] for _ in self._parts.constants)  # layouts have them
        for _, compute, positions in self._computed:
            columns.append(compute([columns[position] for position in positions]))
        return columns

    def layouts(self, columns: Sequence[Column]) -> Iterator[tuple[Layout, Sequence[bool] | None]]:
        """Where such values go: in most lines (None, for it may be used for all at first), then in selections of them.

        They differ by which computed values are missing.
        """
        partial = [place for place in range(self._first_computed, len(columns)) if None in columns[place]]
        missing = list(zip(*[[value is None for value in columns[place]] for place in partial], strict=True))
        found = [known for known, _ in Counter(missing).most_common()] or [()]
        for place, known in enumerate(found):
            layout = self._layout(tuple(compress(partial, known)))
            yield layout, [each == known for each in missing] if place else None

    def _layout(self, missing: tuple[int, ...]) -> Layout:
        layout = self._layouts.get(missing)
        if layout is None:
            if len(self._layouts) >= LIMIT:
                self._layouts.clear()
            layout = self._layouts[missing] = self._laid_out(missing)
        return layout

    def _laid_out(self, missing: Collection[int]) -> Layout:
        """The layout of values of which some computed ones are not there."""
        final = {name: position for name, position in self._final.items() if position not in missing}
        numeric = [position for position, convert in self._typed if convert in _NUMERIC]
        computed = [kind for kind, _, _ in self._computed]
        return Layout(
            Nesting(tuple(final), tuple(final.values())),
            constants=dict(enumerate(self._parts.constants.values(), len(self._names))),
            numbers=frozenset(
                [
                    *numeric,
                    *(at for at, kind in enumerate(computed, self._first_computed) if kind in ("long", "double")),
                ]
            ),
        )

    def _arranged(self) -> dict[str, int]:
        """Final names -> positions among the values, and note what is computed, and from where."""
        names, constants = self._names, self._parts.constants
        final = {name: position for position, name in enumerate(names)}
        for copies in self._parts.copies:
            for target, sources in copies.pairs:
                found = next((final[source] for source in sources if source in final), None)
                if found is not None:
                    final.setdefault(target, found)
        for computed in self._parts.computed:
            positions = _inputs(computed, final)
            if isinstance(computed, Formula) and computed.keeps and computed.target in names:
                continue
            if positions is not None:
                self.is_usual = self.is_usual and computed.target not in final
                final[computed.target] = self._first_computed + len(self._computed)
                self._computed.append((computed.kind, _compute(computed, len(positions)), positions))
        for name in ("message", *self._parts.remove):
            final.pop(name, None)
        final.update({name: position for position, name in enumerate(constants, len(names))})
        return final


class Layout:
    """Where the values of a shape go: into the nested object, and which of them are numbers."""

    def __init__(self, nesting: Nesting, *, constants: Mapping[int, Any], numbers: frozenset[int]) -> None:
        self.nested: Callable[[list[Any]], dict[str, Any]] = nesting.build
        """The nested object of converted values, or of whatever stands for them."""
        self.constants = constants
        """Position -> value that is the same in all lines."""
        self.numbers = numbers
        """Positions of values that are all numbers."""


def _converted(convert: Converter, column: Column) -> Column:
    """The values of a column in its type. Raises Unfit."""
    if not _TEXT.issuperset(map(type, column)):
        if convert is to_number:  # an inferred type is one of texts: other values stay as they are
            raise Unfit([value.__class__ is str for value in column])
        column = [as_text(value) for value in column]
    if convert in _BELOW and (numbers := _whole_numbers(column, _BELOW[convert])) is not None:
        return numbers
    if isinstance(convert, DateField) and (dates := convert.together(column)) is not None:
        return dates
    try:
        return list(map(convert, column))
    except ValueError:
        raise Unfit([_converts(convert, text) for text in column]) from None


def _whole_numbers(column: Sequence[str], below: int) -> list[int] | None:
    """Plain digits, read all together; None if one of them may be anything else."""
    digits = "".join(column)
    longest = max(map(len, column))
    if not (digits.isascii() and digits.isdecimal()) or longest > _READABLE or "" in column:
        return None
    numbers = list(map(int, column))
    return numbers if longest <= _FITS or max(numbers) < below else None


def _converts(convert: Converter, text: str) -> bool:
    try:
        convert(text)
    except ValueError:
        return False
    return True


def _inputs(computed: Computed, known: Mapping[str, int]) -> list[int] | None:
    """Where the inputs are; None if there can be no value."""
    found = [known[source] for source in computed.sources if source in known]
    if isinstance(computed, Formula):
        return found if len(found) == len(computed.sources) else None
    return found or None


def _compute(computed: Computed, inputs: int) -> Compute:
    """How a column follows from so many others."""
    if isinstance(computed, MappedCopy) and inputs == 1:
        return _translation(computed)
    value = computed.value
    return lambda columns: list(map(value, *columns))


def _translation(copy: MappedCopy) -> Compute:
    """As the copy itself, which is asked only for what is neither text nor a whole number."""
    table: dict[str | int, str] = dict(copy.values.items())
    table.update((int(key), value) for key, value in copy.values.items() if _WHOLE_NUMBER.fullmatch(key))
    found, otherwise = table.get, copy.otherwise

    def compute(columns: Sequence[Column]) -> Column:
        (column,) = columns
        if _TRANSLATED.issuperset(map(type, column)):
            return [found(value, otherwise) for value in column]
        return [copy.value(value) for value in column]

    return compute
