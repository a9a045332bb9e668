"""The short way from parsed texts to the values of a document, for lines of which nothing is unusual.

Lines of one log have few lists of field names. For each, what becomes of every value, and where it goes, is worked out
once. A line with a value that does not convert, or with a rule that looks at values, goes the general way, which
`pipeline` spells out; both give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter, lt
from typing import Any

from shipper.parse.enrich import PlainCopies, ScaledCopy
from shipper.parse.fields import Converter, Fields, to_double, to_float, to_int, to_keyword, to_long
from shipper.parse.nesting import Nesting

LIMIT = 256
"""Shapes that are remembered: a log whose names come from its content could have any number."""
_FITS = 9
"""So many digits fit in any integer type."""
_DECIMAL = frozenset({to_double, to_float})
_BELOW: Mapping[Converter, int] = {to_int: 1 << 31, to_long: 1 << 63}


class Shapes:
    """The shapes of one pipeline."""

    def __init__(
        self,
        converters: Mapping[str, Converter],
        copies: Sequence[PlainCopies | ScaledCopy],
        constants: Fields,
        remove: frozenset[str],
    ) -> None:
        self._parts = (converters, copies, constants, remove)
        self._known: dict[tuple[str, ...], Shape] = {}

    def of(self, fields: Fields) -> Shape:
        """The shape of a line with these fields."""
        names = tuple(fields)
        shape = self._known.get(names)
        if shape is None:
            if len(self._known) >= LIMIT:
                self._known.clear()
            shape = self._known[names] = Shape(names, *self._parts)
        return shape


class Shape:
    """What becomes of the values of one list of names."""

    def __init__(
        self,
        names: Sequence[str],
        converters: Mapping[str, Converter],
        copies: Sequence[PlainCopies | ScaledCopy],
        constants: Fields,
        remove: frozenset[str],
    ) -> None:
        place = {name: position for position, name in enumerate(names)}
        typed = [name for name in names if converters.get(name, to_keyword) is not to_keyword]
        integers = [name for name in typed if converters[name] in _BELOW]
        together = integers if len(integers) > 1 else []
        self._integers = [place[name] for name in together]
        self._texts = itemgetter(*self._integers) if together else None
        self._below = [_BELOW[converters[name]] for name in together]
        self._others = [(place[name], converters[name]) for name in typed if name not in together]
        self._constants = list(constants.values())
        final, self._computed = _arranged(names, copies, constants, remove)
        self._nesting = Nesting(tuple(final), tuple(final.values()))
        computed = range(len(names) + len(self._constants), len(names) + len(self._constants) + len(self._computed))
        self.constants = dict(enumerate(self._constants, len(names)))
        """Position -> value that is the same in all lines."""
        self.texts = tuple(position for name, position in place.items() if name not in {*typed, "message"})
        """Positions of values that stay as the log has them."""
        self.integers = (*(position for name, position in place.items() if name in integers), *computed)
        self.decimals = tuple(position for position, convert in self._others if convert in _DECIMAL)
        numeric = {*self.integers, *self.decimals}
        self.others = tuple(position for position, _ in self._others if position not in numeric)
        """Positions of converted values that are no numbers."""

    def nested(self, values: list[Any]) -> dict[str, Any]:
        """The nested object of converted values, or of whatever stands for them."""
        return self._nesting.build(values)

    def values(self, fields: Fields) -> list[Any] | None:
        """The values of fields, constants and computed fields, converted; None if one is not what it should be."""
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
        for position, compute in self._computed:
            value = compute(values[position])
            if value is None:
                return None
            values.append(value)
        return values

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


def _arranged(
    names: Sequence[str],
    copies: Sequence[PlainCopies | ScaledCopy],
    constants: Fields,
    remove: frozenset[str],
) -> tuple[dict[str, int], list[tuple[int, Callable[[Any], Any]]]]:
    """Final names -> positions among the values (fields, constants, computed ones), and what is computed from where."""
    final = {name: position for position, name in enumerate(names)}
    computed: list[tuple[int, Callable[[Any], Any]]] = []
    for copy in copies:
        if isinstance(copy, PlainCopies):
            for target, source in copy.pairs:
                if source in final:
                    final.setdefault(target, final[source])
        elif copy.source in final:
            position = final[copy.source]
            final[copy.target] = len(names) + len(constants) + len(computed)
            computed.append((position, copy.value))
    for name in ("message", *remove):
        final.pop(name, None)
    final.update({name: position for position, name in enumerate(constants, len(names))})
    return final, computed
