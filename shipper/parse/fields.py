"""Field types: texts of a log become numbers, addresses and truth values, or stay texts; a value is never invented.

Pure functions. A converter takes text and raises ValueError for what it is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

Fields = dict[str, Any]
"""Dotted name -> value: text as the log has it, or converted."""
Converter = Callable[[str], Any]

TYPE_FAILURE = "_type_failure"
SCALARS = ("long", "int", "double", "float", "boolean", "ip", "keyword", "date")
TYPES = (*SCALARS, *(f"[{scalar}]" for scalar in SCALARS))

_INTEGER = re.compile(r"[+-]?[0-9]+")
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
    value = float(text)
    # Python also reads `1_000`, other scripts' digits, and numbers among white space: a log does not mean those.
    if not math.isfinite(value) or not text.isascii() or "_" in text or text[0] <= " " or text[-1] <= " ":
        raise ValueError(text)
    return value


def to_float(text: str) -> float:
    """A finite number within the range of single precision."""
    value = to_double(text)
    if abs(value) > _LARGEST_FLOAT:
        raise ValueError(text)
    return value


def to_number(text: str) -> int | float:
    """A 64-bit integer where it is one, else a finite number."""
    if len(text) <= 18 and text.isascii() and text.isdecimal():
        return int(text)
    return to_long(text) if _INTEGER.fullmatch(text) else to_double(text)


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

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        self._converters = {name: convert for name, convert in converters.items() if convert is not to_keyword}

    def convert(self, fields: Fields, tags: list[str]) -> None:
        """Replace texts by values; what cannot be converted moves to `<field>_text`."""
        for name in [name for name in fields if name in self._converters]:
            value = fields[name]
            try:
                fields[name] = self._converters[name](value if value.__class__ is str else as_text(value))
            except ValueError:
                fields[name + "_text"] = fields.pop(name)
                if TYPE_FAILURE not in tags:
                    tags.append(TYPE_FAILURE)


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


_SHORT = 64
"""Characters of a list that is remembered: memory has limits, whatever a log says."""


def _list_of(convert: Converter) -> Converter:
    def to_list(text: str) -> list[Any]:
        return [convert(item) for item in text.split(",")]

    def to_integers(text: str) -> list[Any]:
        items = text.split(",")
        # Up to nine digits fit in any integer type: the rule for counters, and no need to look at each.
        digits = text.isascii() and text.replace(",", "0").isdecimal()
        plain = digits and "" not in items and max(map(len, items)) <= 9
        return list(map(int, items)) if plain else to_list(text)

    # The counters of most records are the same few zeros. Nobody changes the lists.
    read = to_integers if convert in {to_int, to_long} else to_list
    remembered = lru_cache(maxsize=4096)(read)
    return lambda text: remembered(text) if len(text) <= _SHORT else read(text)
