"""What happens to parsed fields before they are shipped: copies under common names, rules that drop, redaction."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipper.parse.fields import TYPE_FAILURE, Converter, Fields, as_text

Condition = Callable[[Any], bool]
"""Whether a field's value (None: the field is not there) satisfies an operator."""


@dataclass(frozen=True, slots=True)
class DateCopy:
    """A target that is a source's text read as a time; made before the source is converted."""

    target: str
    readings: Sequence[tuple[str, Converter]]
    """The sources, and how each is read."""

    def apply(self, fields: Fields, tags: list[str]) -> None:
        """Copy the first source that is there, or keep its text as `<target>_text`."""
        for source, convert in self.readings:
            value = fields.get(source)
            if value is not None:
                self._copy(as_text(value), convert, fields, tags)
                break

    def _copy(self, text: str, convert: Converter, fields: Fields, tags: list[str]) -> None:
        try:
            fields[self.target] = convert(text)
        except ValueError:
            fields[self.target + "_text"] = text
            if TYPE_FAILURE not in tags:
                tags.append(TYPE_FAILURE)


@dataclass(frozen=True, slots=True)
class ScaledCopy:
    """A target that is a number times a factor, rounded: another unit."""

    target: str
    sources: tuple[str, ...]
    scale: float
    kind = "long"

    def apply(self, fields: Fields) -> None:
        """Copy if the first source that is there is a number and the result fits 64 bits."""
        value = self.value(*[fields.get(source) for source in self.sources])
        if value is not None:
            fields[self.target] = value

    def value(self, *inputs: Any) -> int | None:
        """The first source that is there (is not None) in the other unit, or None."""
        number = _first(inputs)
        if number.__class__ is not int and number.__class__ is not float:
            return None
        scaled = number * self.scale
        return round(scaled) if math.isfinite(scaled) and abs(scaled) < 2**63 else None


@dataclass(frozen=True, slots=True)
class MappedCopy:
    """A target that translates a source's values."""

    target: str
    sources: tuple[str, ...]
    values: Mapping[str, str]
    otherwise: str | None
    kind = "keyword"

    def apply(self, fields: Fields) -> None:
        """Copy the translation; no target for a value without one."""
        translated = self.value(*[fields.get(source) for source in self.sources])
        if translated is not None:
            fields[self.target] = translated

    def value(self, *inputs: Any) -> str | None:
        """The translation of the first source that is there (is not None), or None."""
        value = _first(inputs)
        return None if value is None else self.values.get(as_text(value), self.otherwise)


@dataclass(frozen=True, slots=True)
class PlainCopies:
    """Targets that are equal to their sources."""

    pairs: Sequence[tuple[str, tuple[str, ...]]]
    """Each target and its sources, of which the first that is there counts."""

    def apply(self, fields: Fields) -> None:
        """Copy; a target that the log itself filled stays."""
        for target, sources in self.pairs:
            if target not in fields:
                for source in sources:
                    if source in fields:
                        fields[target] = fields[source]
                        break


def _first(inputs: Sequence[Any]) -> Any:
    """The first value that is there."""
    value = inputs[0]
    return value if value is not None else next((other for other in inputs if other is not None), None)


@dataclass(frozen=True, slots=True)
class Drop:
    """A named rule that keeps events from being shipped."""

    rule: str
    conditions: Sequence[tuple[str, Condition]]

    def holds(self, fields: Fields) -> bool:
        """Whether all conditions hold."""
        return all(condition(fields.get(name)) for name, condition in self.conditions)


def condition(operator: str, operand: Any) -> Condition:
    """The test for an operator of the definition's format; raises ValueError with the sentence for a wrong operand."""
    match operator, operand:
        case "exists", bool():
            return lambda value: (value is not None) is operand
        case "equal", str() | int() | float():
            wanted = as_text(operand)
            return lambda value: value is not None and as_text(value) == wanted
        case "in", list() if operand:
            allowed = frozenset(as_text(item) for item in operand)
            return lambda value: value is not None and as_text(value) in allowed
        case "<", int() | float():
            return lambda value: isinstance(value, int | float) and value < operand
        case ">", int() | float():
            return lambda value: isinstance(value, int | float) and value > operand
        case "regex", str():
            search = re.compile(operand).search
            return lambda value: value is not None and search(as_text(value)) is not None
    raise ValueError(f"'{operand}' does not fit '{operator}': {OPERANDS[operator]}.")


OPERANDS = {
    "exists": "exists wants true or false",
    "equal": "equal wants a text or a number",
    "in": "in wants a list of values",
    "<": "< wants a number",
    ">": "> wants a number",
    "regex": "regex wants a regular expression",
}


@dataclass(frozen=True, slots=True)
class Redaction:
    """Replaces what must not be stored."""

    rules: Sequence[tuple[re.Pattern[str], str]]

    def text(self, text: str) -> str:
        """The text without what the rules find."""
        for pattern, replacement in self.rules:
            text = pattern.sub(replacement, text)
        return text

    def fields(self, fields: Fields) -> None:
        """Apply to all texts among parsed values: decoding (JSON escapes) may have uncovered some."""
        for name, value in fields.items():
            if name != "message":
                fields[name] = self._value(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value
