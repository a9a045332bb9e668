"""A grok expression applied to text: one search by `re`, then the fields as a nested dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shipper.grok.compile import Capture, compile_expression
from shipper.grok.definitions import Definition, definitions_for
from shipper.grok.explain import Explanation, explain
from shipper.grok.translate import FLAGS, Start

Value = str | int | float | bool | None
Find = Callable[[str], re.Match[str] | None]

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


def converted(text: str, kind: str | None) -> Value:
    """The text as a value of this type."""
    convert = CONVERSIONS.get(kind or "")
    return convert(text) if convert else text


def finder(regex: re.Pattern[str], start: Start, rest: str | None = None) -> Find:
    """What does the same as `regex.search`, but fails faster where a match cannot begin anywhere, or lacks its rest."""
    if start is Start.ANYWHERE:
        return regex.search if rest is None else _finder_by_rest(regex, rest)
    if start is Start.TEXT:
        return regex.match
    match, search = regex.match, regex.search

    def find_at_line(text: str) -> re.Match[str] | None:
        found = match(text)
        return found if found is not None or "\n" not in text else search(text)

    return find_at_line


def _finder_by_rest(regex: re.Pattern[str], rest: str) -> Find:
    """A line that fails costs most when all of it is tried: after one that failed, its rest is looked for first."""
    match, search = regex.match, regex.search
    has_rest: Find | None = None
    failing = False

    def find(text: str) -> re.Match[str] | None:
        nonlocal failing, has_rest
        if failing and has_rest is not None and has_rest(text) is None:
            return None
        found = match(text)  # where most lines match, if they do
        if found is None:
            if has_rest is None:  # compiled when a line first fails: many expressions never meet one
                has_rest = re.compile(rest, FLAGS).search
            found = search(text) if failing or has_rest(text) is not None else None
        failing = found is None
        return found

    return find


class Grok:
    """A compiled expression: `Grok(pattern, custom_patterns_dir, custom_patterns).match(text)`, as with pygrok.

    Definitions come from pygrok's bundled files, the directory and the mapping, the last of a name wins; or, when
    `definitions` is given (as `Library.compile` does), from there alone. `file` and `line` say where the expression is
    written. Raises PatternError.
    """

    def __init__(
        self,
        pattern: str,
        custom_patterns_dir: str | None = None,
        custom_patterns: Mapping[str, str] | None = None,
        *,
        definitions: Mapping[str, Definition] | None = None,
        file: str | None = None,
        line: int | None = None,
        named_captures_only: bool = True,
    ) -> None:
        if definitions is None:
            definitions = definitions_for(custom_patterns_dir, custom_patterns)
        compiled = compile_expression(pattern, definitions, file, line, named_captures_only=named_captures_only)
        self.pattern = pattern
        self.expanded = compiled.expanded
        """The expression in Oniguruma's syntax, without references."""
        self.regex: re.Pattern[str] = compiled.regex
        self.captures: tuple[Capture, ...] = compiled.captures
        """What the groups of `regex` mean, in the order in which Logstash applies them."""
        self.used = compiled.used
        """The definitions that the expression is made of, with where they are written."""
        self.definitions = {name: definition.body for name, definition in sorted(compiled.used.items())}
        """Names and bodies of all definitions that the expression is made of."""
        self.search: Find = finder(compiled.regex, compiled.start, compiled.rest)
        """Finds the expression anywhere in a text: `regex.search`, only faster to fail."""
        self._groups = tuple(capture.group for capture in self.captures)
        self._keys = tuple(capture.path[0] for capture in self.captures)
        self._setters = tuple((capture.path, CONVERSIONS.get(capture.type or "")) for capture in self.captures)
        paths = [capture.path for capture in self.captures]
        self._leaves = _leaves(self.captures) if len(set(paths)) == len(paths) else None
        self._flat = len(set(self._keys)) == len(self._keys) and all(
            len(path) == 1 and convert is None for path, convert in self._setters
        )

    def match(self, text: str) -> dict[str, Any] | None:
        """The fields found anywhere in the text, or None. Groups that took no part or are empty make no field."""
        found = self.search(text)
        if found is None:
            return None
        values = found.group(0, *self._groups)[1:] if self._groups else ()
        if self._flat:
            return {key: value for key, value in zip(self._keys, values, strict=True) if value}
        if self._leaves is not None:
            return _nested(self._leaves, values)
        fields: dict[str, Any] = {}
        for (path, convert), value in zip(self._setters, values, strict=True):
            if value:
                _add(fields, path, convert(value) if convert else value)
        return fields

    def explain(self, text: str) -> Explanation:
        """How far the expression matches, the piece that fails, and what stands there."""
        return explain(self.pattern, self.used, text)

    def __repr__(self) -> str:
        return f"Grok({self.pattern!r})"


Leaf = tuple[tuple[str, ...], str, Callable[[str], Value] | None]


def _leaves(captures: Iterable[Capture]) -> list[Leaf]:
    """Parent, key and conversion of each field; equal parents are one object."""
    parents: dict[tuple[str, ...], tuple[str, ...]] = {}
    return [
        (parents.setdefault(each.path[:-1], each.path[:-1]), each.path[-1], CONVERSIONS.get(each.type or ""))
        for each in captures
    ]


def _nested(leaves: Sequence[Leaf], values: Sequence[str | None]) -> dict[str, Any]:
    """The fields of captures none of which is repeated; neighbours mostly have one parent, which is looked up once."""
    fields: dict[str, Any] = {}
    present: tuple[str, ...] | None = None
    parent = fields
    for (path, key, convert), value in zip(leaves, values, strict=True):
        if value:
            if path is not present:
                present, parent = path, fields
                for name in path:
                    parent = parent.setdefault(name, {})
            parent[key] = convert(value) if convert else value
    return fields


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
