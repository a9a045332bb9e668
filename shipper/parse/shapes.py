"""The short way from parsed texts to the values of a document, for lines of which nothing is unusual.

Lines of one log have few lists of field names. For each, what becomes of every value, and where it goes, is worked out
once. A line with a value that does not convert, or with a rule that looks at values, goes the general way, which
`file_parser` spells out; both give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter, lt
from typing import Any, NamedTuple

from shipper.parse.derive import Formula
from shipper.parse.enrich import MappedCopy, PlainCopies, ScaledCopy
from shipper.parse.fields import Converter, Fields, to_double, to_float, to_int, to_keyword, to_long, to_number
from shipper.parse.inference import Undeclared
from shipper.parse.nesting import Nesting

LIMIT = 256
"""Shapes that are remembered: a log whose names come from its content could have any number."""
_FITS = 9
"""So many digits fit in any integer type."""
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]*")
"""As Python writes it."""
_DECIMAL = frozenset({to_double, to_float})
_TEXTS = frozenset({"keyword", "date"})
_BELOW: Mapping[Converter, int] = {to_int: 1 << 31, to_long: 1 << 63}

Computed = ScaledCopy | MappedCopy | Formula
"""What adds a field whose value is computed from others, or none."""
Compute = Callable[[Sequence[Any]], Any]


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

    def __init__(self, names: Sequence[str], parts: Parts) -> None:
        converters = parts.converters
        place = {name: position for position, name in enumerate(names)}
        self._names = names
        self._parts = parts
        self.undeclared = parts.undeclared.among(names) if parts.undeclared else ()
        """The names whose type the file decides: see `typed`."""
        self._variants: dict[tuple[bool, ...], Shape] = {}
        self._typed = [name for name in names if converters.get(name, to_keyword) is not to_keyword]
        self._counted = [name for name in self._typed if converters[name] in _BELOW]
        together = self._counted if len(self._counted) > 1 else []
        self._integers = [place[name] for name in together]
        self._texts = itemgetter(*self._integers) if together else None
        self._below = [_BELOW[converters[name]] for name in together]
        self._others = [(place[name], converters[name]) for name in self._typed if name not in together]
        self._constants = list(parts.constants.values())
        self._first_computed = len(names) + len(self._constants)
        self._unusual = False
        """Whether the log has a field of the name of a computed one: which of them counts depends on the values."""
        self._computed: list[tuple[Computed, Compute]] = []
        """What is computed, and how, from the values so far."""
        self._final = self._arranged()
        self._layouts: dict[tuple[int, ...], Layout] = {}
        self._whole = self._laid_out(())

    def typed(self, numeric: tuple[bool, ...]) -> Shape:
        """The shape of the same names where the undeclared ones are numeric or not."""
        if True not in numeric:
            return self
        shape = self._variants.get(numeric)
        if shape is None:
            if len(self._variants) >= LIMIT:
                self._variants.clear()
            inferred = {name: to_number for name, found in zip(self.undeclared, numeric, strict=True) if found}
            parts = self._parts._replace(converters={**self._parts.converters, **inferred})
            shape = self._variants[numeric] = Shape(self._names, parts)
        return shape

    def values(self, fields: Fields) -> list[Any] | None:
        """The values of fields, constants and computed fields, converted; None if one is not what it should be.

        A computed value that is None is not there.
        """
        if self._unusual:
            return None
        values: list[Any] = [*fields.values(), *self._constants]
        if self._texts is not None and not self._convert_integers(values, self._texts(values)):
            return None
        try:
            for position, convert in self._others:
                text = values[position]
                if text.__class__ is not str:
                    return None
                values[position] = convert(text)
        except ValueError:
            return None
        for _, compute in self._computed:
            values.append(compute(values))
        return values

    def layout(self, values: Sequence[Any]) -> Layout:
        """Where such values go."""
        if not self._computed or None not in values[self._first_computed :]:
            return self._whole
        missing = tuple(place for place in range(self._first_computed, len(values)) if values[place] is None)
        layout = self._layouts.get(missing)
        if layout is None:
            if len(self._layouts) >= LIMIT:
                self._layouts.clear()
            layout = self._layouts[missing] = self._laid_out(missing)
        return layout

    def _convert_integers(self, values: list[Any], texts: Sequence[Any]) -> bool:
        """Convert plain digits, all together; False, and nothing changed, if one is anything else."""
        try:
            digits = "".join(texts)
            if not (digits.isascii() and digits.isdecimal()):
                return False
            numbers = list(map(int, texts))
        except (TypeError, ValueError):
            return False
        if max(map(len, texts)) > _FITS and not all(map(lt, numbers, self._below)):
            return False
        for position, number in zip(self._integers, numbers):  # noqa: B905 - equal by construction
            values[position] = number
        return True

    def _laid_out(self, missing: Collection[int]) -> Layout:
        """The layout of values of which some computed ones are not there."""
        place = {name: position for position, name in enumerate(self._names)}
        there = [
            (position, computed.kind)
            for position, (computed, _) in enumerate(self._computed, self._first_computed)
            if position not in missing
        ]
        texts = [position for name, position in place.items() if name not in {*self._typed, "message"}]
        integers = [place[name] for name in self._counted]
        decimals = [place[name] for name in self._typed if self._parts.converters[name] in _DECIMAL]
        numeric = {*integers, *decimals}
        final = {name: position for name, position in self._final.items() if position not in missing}
        return Layout(
            Nesting(tuple(final), tuple(final.values())),
            constants=dict(enumerate(self._constants, len(self._names))),
            texts=(*texts, *(position for position, kind in there if kind in _TEXTS)),
            integers=(*integers, *(position for position, kind in there if kind == "long")),
            decimals=(*decimals, *(position for position, kind in there if kind == "double")),
            others=tuple(place[name] for name in self._typed if place[name] not in numeric),
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
                self._unusual = self._unusual or computed.target in final
                final[computed.target] = self._first_computed + len(self._computed)
                self._computed.append((computed, _compute(computed, positions)))
        for name in ("message", *self._parts.remove):
            final.pop(name, None)
        final.update({name: position for position, name in enumerate(constants, len(names))})
        return final


class Layout:
    """Where the values of a shape go: into the nested object, and what each is in JSON."""

    def __init__(
        self,
        nesting: Nesting,
        *,
        constants: Mapping[int, Any],
        texts: tuple[int, ...],
        integers: tuple[int, ...],
        decimals: tuple[int, ...],
        others: tuple[int, ...],
    ) -> None:
        self.nested: Callable[[list[Any]], dict[str, Any]] = nesting.build
        """The nested object of converted values, or of whatever stands for them."""
        self.constants = constants
        """Position -> value that is the same in all lines."""
        self.texts = texts
        """Positions of values that stay as the log has them."""
        self.integers = integers
        self.decimals = decimals
        self.others = others
        """Positions of converted values that are no numbers."""


def _inputs(computed: Computed, known: Mapping[str, int]) -> list[int] | None:
    """Where the inputs are; None if there can be no value."""
    found = [known[source] for source in computed.sources if source in known]
    if isinstance(computed, Formula):
        return found if len(found) == len(computed.sources) else None
    return found or None


def _compute(computed: Computed, positions: Sequence[int]) -> Compute:
    """How a value follows from those at the positions."""
    value = computed.value
    if len(positions) > 1:
        pick = itemgetter(*positions)
        return lambda values: value(pick(values))
    (position,) = positions
    if isinstance(computed, MappedCopy):
        return _translate(computed, position)
    return lambda values: value((values[position],))


def _translate(copy: MappedCopy, position: int) -> Compute:
    """As the copy itself, which is asked only for what is neither text nor a whole number."""
    table: dict[str | int, str] = dict(copy.values.items())
    table.update((int(key), value) for key, value in copy.values.items() if _WHOLE_NUMBER.fullmatch(key))
    found, otherwise = table.get, copy.otherwise

    def compute(values: Sequence[Any]) -> Any:
        value = values[position]
        if value.__class__ is str or value.__class__ is int:
            return found(value, otherwise)
        return copy.value((value,))

    return compute
