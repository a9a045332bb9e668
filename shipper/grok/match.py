"""A compiled grok expression applied to text: one search by `re`, then the fields as a nested dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shipper.grok.compile import Capture, Compiled

Value = str | int | float | bool | None

RUBY_INTEGER = re.compile(r"\s*([+-]?[0-9]+(?:_[0-9]+)*)", re.ASCII)
RUBY_FLOAT = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?)", re.ASCII
)


def to_integer(text: str) -> int:
    """The number that the text begins with, else 0: Ruby's `to_i`, as Logstash converts `:int`."""
    found = RUBY_INTEGER.match(text)
    return int(found[1]) if found else 0


def to_float(text: str) -> float:
    """The number that the text begins with, else 0.0: Ruby's `to_f`, as Logstash converts `:float`."""
    found = RUBY_FLOAT.match(text)
    return float(found[1]) if found else 0.0


def to_boolean(text: str) -> str | bool:
    """`true` and `false` in any case; other text stays what it is."""
    return {"true": True, "false": False}.get(text.lower(), text)


CONVERSIONS: Mapping[str, Callable[[str], Value]] = {
    "int": to_integer,
    "long": to_integer,
    "float": to_float,
    "double": to_float,
    "boolean": to_boolean,
}
"""Type -> conversion that never fails; an unknown type leaves text, as in Logstash."""


class Grok:
    """A compiled expression. `Library.compile` makes them."""

    def __init__(self, compiled: Compiled) -> None:
        self.source = compiled.source
        self.regex: re.Pattern[str] = compiled.regex
        self.captures: tuple[Capture, ...] = compiled.captures
        self.definitions = {name: definition.body for name, definition in sorted(compiled.used.items())}
        """Names and bodies of all definitions that the expression is made of."""
        self.search: Callable[[str], re.Match[str] | None] = compiled.regex.search
        """What finds the expression in a text."""
        self._setters = tuple((c.group, c.path, CONVERSIONS.get(c.type or "")) for c in compiled.captures)

    def match(self, text: str) -> dict[str, Any] | None:
        """The fields found anywhere in the text, or None. Groups that took no part or are empty make no field."""
        found = self.search(text)
        if found is None:
            return None
        fields: dict[str, Any] = {}
        for group, path, convert in self._setters:
            value: Value = found[group]
            if value:
                if convert is not None:
                    value = convert(found[group])
                _add(fields, path, value)
        return fields

    def __repr__(self) -> str:
        return f"Grok({self.source!r})"


def _add(fields: dict[str, Any], path: tuple[str, ...], value: Value) -> None:
    """Set a field; a second text under the same name makes a list of both, a number stays the first."""
    for key in path[:-1]:
        fields = fields.setdefault(key, {})
    key = path[-1]
    if key not in fields:
        fields[key] = value
    elif isinstance(fields[key], list):
        fields[key].append(value)
    elif isinstance(fields[key], str):
        fields[key] = [fields[key], value]
