"""Field types: texts of a log become numbers, addresses and truth values, or stay texts; a value is never invented.

Pure functions. A converter takes text and raises ValueError for what it is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from operator import itemgetter, lt
from typing import Any

Fields = dict[str, Any]
"""Dotted name -> value: text as the log has it, or converted."""
Converter = Callable[[str], Any]

TYPE_FAILURE = "_type_failure"
SCALARS = ("long", "int", "double", "float", "boolean", "ip", "keyword", "date")
TYPES = (*SCALARS, *(f"[{scalar}]" for scalar in SCALARS))

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LARGEST_FLOAT = 3.4028235e38
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


def to_long(text: str) -> int:
    """A 64-bit integer."""
    return _integer(text, 63)


def to_int(text: str) -> int:
    """A 32-bit integer."""
    return _integer(text, 31)


def to_double(text: str) -> float:
    """A finite number; `nan` and infinities are refused, for JSON has none."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def to_float(text: str) -> float:
    """A finite number within the range of single precision."""
    value = to_double(text)
    if abs(value) > _LARGEST_FLOAT:
        raise ValueError(text)
    return value


def to_boolean(text: str) -> bool:
    """A truth value, in the spellings that Logstash takes."""
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise ValueError(text)


@lru_cache(maxsize=4096)
def to_ip(text: str) -> str:
    """An address in its canonical spelling, so that one host has one name; zone ids are refused, as indices do."""
    if "%" in text:
        raise ValueError(text)
    return str(ip_address(text))


def to_keyword(text: str) -> str:
    """The text itself."""
    return text


_LIMITS: Mapping[Converter, int] = {to_int: 1 << 31, to_long: 1 << 63}
"""What converted integers stay below."""


def converter(name: str, to_date: Converter | None = None) -> Converter:
    """The converter of a type name; `to_date` is the pipeline's own reading of times."""
    if name.startswith("["):
        return _list_of(converter(name[1:-1], to_date))
    converters: dict[str, Converter | None] = {
        "long": to_long,
        "int": to_int,
        "double": to_double,
        "float": to_float,
        "boolean": to_boolean,
        "ip": to_ip,
        "keyword": to_keyword,
        "date": to_date,
    }
    found = converters[name]
    assert found is not None, f"a pipeline with fields of type {name} knows how to read them"
    return found


class TypeTable:
    """Converts the typed fields of one pipeline."""

    SHAPES = 256

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        self._converters = {name: convert for name, convert in converters.items() if convert is not to_keyword}
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def convert(self, fields: Fields, tags: list[str]) -> None:
        """Replace texts by values; what cannot be converted moves to `<field>_text`."""
        plan = self._plan(tuple(fields))
        if plan.numbers is None:
            self._convert_each(fields, tags, plan.all)
        else:
            self._convert_each(fields, tags, plan.others if plan.numbers.convert(fields) else plan.all)

    def _convert_each(self, fields: Fields, tags: list[str], names: Sequence[tuple[str, Converter]]) -> None:
        for name, convert in names:
            value = fields[name]
            try:
                fields[name] = convert(value if value.__class__ is str else as_text(value))
            except ValueError:
                fields[name + "_text"] = fields.pop(name)
                if TYPE_FAILURE not in tags:
                    tags.append(TYPE_FAILURE)

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= self.SHAPES:
                self._plans.clear()
            plan = self._plans[names] = _Plan(names, self._converters)
        return plan


class _Plan:
    """What is to be converted when just these fields are there."""

    def __init__(self, names: Sequence[str], converters: Mapping[str, Converter]) -> None:
        self.all = [(name, converters[name]) for name in names if name in converters]
        integers = [name for name, convert in self.all if convert in _LIMITS]
        self.numbers = _Numbers(integers, converters) if len(integers) > 1 else None
        self.others = [(name, convert) for name, convert in self.all if convert not in _LIMITS]


class _Numbers:
    """Plain integers, converted together: the rule; anything else is left to one by one."""

    def __init__(self, names: Sequence[str], converters: Mapping[str, Converter]) -> None:
        self._names = names
        self._texts = itemgetter(*names)
        self._limits = [_LIMITS[converters[name]] for name in names]

    def convert(self, fields: Fields) -> bool:
        """Convert all if each is nothing but digits; whether that was so."""
        try:
            texts = self._texts(fields)
            digits = "".join(texts)
            if not (digits.isascii() and digits.isdecimal()):
                return False
            values = list(map(int, texts))
        except (TypeError, ValueError):
            return False
        if not all(map(lt, values, self._limits)):
            return False
        fields.update(zip(self._names, values))  # noqa: B905 - equal by construction
        return True


def as_text(value: Any) -> str:
    """What a parsed value would be in a log: for JSON values that a type or a condition wants as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    return str(value)


def _integer(text: str, bits: int) -> int:
    if len(text) > 20 or not _INTEGER.fullmatch(text):
        raise ValueError(text)
    value = int(text)
    if not -(1 << bits) <= value < 1 << bits:
        raise ValueError(text)
    return value


def _list_of(convert: Converter) -> Converter:
    def to_list(text: str) -> list[Any]:
        return [convert(item) for item in text.split(",")]

    return to_list
