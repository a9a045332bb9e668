"""From a grok expression to one compiled `re.Pattern` and the list of what its groups mean.

`%{NAME}`, `%{NAME:field}`, `%{NAME:field:type}` and `%{NAME:field=expression}` are replaced by what NAME stands for,
as a group called `NAME:field:type`; the whole is then translated from Oniguruma's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from shipper.errors import PatternError
from shipper.grok.definitions import Definition
from shipper.grok.translate import FLAGS, Start, Translation, TranslationError, translate

REFERENCE = re.compile(r"%\{(?P<name>[A-z0-9]+)(?::(?P<field>[@\[\]A-z0-9_:.-]+))?")
"""The beginning of a reference; `A-z` is Logstash's own and takes a few signs more than letters."""
FIELD_PATH = re.compile(r"(?:\[[^\[\]]+\])+")
EXPANDED_LIMIT = 1 << 20
"""Characters of an expanded expression: definitions that double each other would fill the memory."""


class Capture(NamedTuple):
    """A group of the compiled expression and the field it fills."""

    group: int
    path: tuple[str, ...]
    """`[a][b]` is ("a", "b"); `a.b` is one key, as in Logstash."""
    type: str | None
    """What follows the second colon, or None."""
    name: str
    """The group's whole name: `NAME:field:type`, or what a `(?<name>…)` says."""


class Reference(NamedTuple):
    """One `%{…}` in an expression."""

    start: int
    end: int
    name: str
    field: str | None
    """Field and type as written, for example `[source][ip]` or `bytes:int`."""
    body: str | None
    """An expression that is defined on the spot."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready for matching."""

    source: str
    expanded: str
    """In Oniguruma's syntax, without references."""
    regex: re.Pattern[str]
    start: Start
    rest: str | None
    """For `re`: a part that must match, too, and is fast to look for."""
    captures: tuple[Capture, ...]
    used: Mapping[str, Definition]
    """The definitions it is made of."""


def compile_expression(
    source: str,
    definitions: Mapping[str, Definition],
    file: str | None = None,
    line: int | None = None,
    *,
    named_captures_only: bool = True,
) -> Compiled:
    """Compile a grok expression; `file` and `line` say where it is written. Raises PatternError."""
    expansion = _Expansion(definitions, named_captures_only)
    root = Definition("", source, file, line)
    expanded = expansion.expand(root, ())
    try:
        translation = translate(expanded)
        regex = re.compile(translation.regex, FLAGS)
    except (TranslationError, re.error, OverflowError, RecursionError) as error:
        raise _blamed(root, expansion, error) from None
    captures = _captures(translation)
    _refuse_conflicts(root, captures)
    return Compiled(source, expanded, regex, translation.start, translation.rest, captures, expansion.used)


def references(text: str) -> Iterator[Reference]:
    """The references of an expression, from left to right; an incomplete one is plain text."""
    position = 0
    while (found := REFERENCE.search(text, position)) is not None:
        end, body = found.end(), None
        if text.startswith("=", end):
            body_end = _end_of_body(text, end + 1)
            body, end = text[end + 1 : body_end], body_end
        closing = text.find("}", end)
        if closing < 0:
            return
        position = closing + 1
        yield Reference(found.start(), position, found["name"], found["field"], body)


def _end_of_body(text: str, start: int) -> int:
    """Where the `}` stands that closes a reference with a definition: braces nest, a backslash hides one."""
    depth, at = 0, start
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0:
                return at
            depth -= 1
        at += 1
    return at


def field_path(field: str) -> tuple[str, ...]:
    """`[a][b]` as ("a", "b"); anything else is one key."""
    if FIELD_PATH.fullmatch(field):
        return tuple(field[1:-1].split("]["))
    return (field,)


class _Expansion:
    """Replaces references, remembering what was used and what was already expanded."""

    def __init__(self, definitions: Mapping[str, Definition], named_captures_only: bool) -> None:
        self.definitions = definitions
        self.named_captures_only = named_captures_only
        self.local: dict[str, Definition] = {}
        self.used: dict[str, Definition] = {}
        self.expanded: dict[str, str] = {}

    def expand(self, definition: Definition, chain: tuple[str, ...]) -> str:
        parts = []
        position = 0
        for reference in references(definition.body):
            parts.append(definition.body[position : reference.start])
            parts.append(self.group(reference, definition, chain))
            position = reference.end
        rest = definition.body[position:]
        if "%{" in rest:
            # Logstash takes it for literal text, which never matches anything that was meant.
            raise _error(definition, r"has a '%{' that begins no complete %{NAME}; a literal one is %\{", chain)
        expanded = "".join([*parts, rest])
        if len(expanded) > EXPANDED_LIMIT:
            raise _error(
                definition, f"grows beyond {EXPANDED_LIMIT} characters when its references are replaced", chain
            )
        return expanded

    def group(self, reference: Reference, inside: Definition, chain: tuple[str, ...]) -> str:
        """What stands for a reference in the expanded expression."""
        if reference.body is not None:
            self.local[reference.name] = Definition(reference.name, reference.body, inside.file, inside.line)
            self.expanded.clear()
        body = self.body(reference, inside, chain)
        if reference.field is not None:
            return f"(?<{reference.name}:{reference.field}>{body})"
        return f"(?:{body})" if self.named_captures_only else f"(?<{reference.name}>{body})"

    def body(self, reference: Reference, inside: Definition, chain: tuple[str, ...]) -> str:
        name = reference.name
        if name in self.expanded:
            return self.expanded[name]
        if name in chain:
            raise _error(inside, f"refers to itself: {_shown((*chain, name))}", ())
        definition = self.local.get(name) or self.definitions.get(name)
        if definition is None:
            written = inside.body[reference.start : reference.end]
            near = get_close_matches(name, [*self.local, *self.definitions], 1)
            hint = f" (did you mean %{{{near[0]}}}?)" if near else ""
            raise _error(inside, f"uses {written}, but %{{{name}}} is not defined{hint}", chain)
        if name not in self.local:
            self.used[name] = definition
        expanded = self.expand(definition, (*chain, name))
        self.expanded[name] = expanded
        return expanded


def _captures(translation: Translation) -> tuple[Capture, ...]:
    """In the order in which Logstash applies them: groups of the same name together, at the place of the first."""
    first: dict[str, int] = {}
    named = []
    for number, name in enumerate(translation.groups, 1):
        if name is not None:
            named.append((first.setdefault(name, number), number, name))
    return tuple(_capture(number, name) for _, number, name in sorted(named))


def _capture(number: int, name: str) -> Capture:
    parts = name.split(":")
    field = parts[1] if len(parts) > 1 and parts[1] else parts[0]
    kind = parts[2] if len(parts) > 2 else None
    return Capture(number, field_path(field), kind or None, name)


def _refuse_conflicts(root: Definition, captures: tuple[Capture, ...]) -> None:
    """A field cannot hold a value and other fields."""
    values = {capture.path for capture in captures}
    for capture in captures:
        for depth in range(1, len(capture.path)):
            if capture.path[:depth] in values:
                shorter, longer = ("".join(f"[{key}]" for key in path) for path in (capture.path[:depth], capture.path))
                raise _error(root, f"makes {shorter} both a value and the parent of {longer}", ())


def _shown(chain: tuple[str, ...]) -> str:
    return " → ".join(f"%{{{name}}}" for name in chain)


def _error(definition: Definition, message: str, chain: tuple[str, ...]) -> PatternError:
    subject = f"The pattern {definition.name}" if definition.name else f"The expression '{definition.body}'"
    path = f" (reached by {_shown(chain)})" if len(chain) > 1 else ""
    return PatternError(f"{subject} {message}{path}.", definition.file, definition.line)


def _blamed(root: Definition, expansion: _Expansion, error: Exception) -> PatternError:
    """The error, at the innermost definition that is wrong by itself."""
    for definition in {**expansion.used, **expansion.local}.values():
        if definition.name in expansion.expanded:
            own = _own_error(expansion.expanded[definition.name])
            inner = any(_own_error(expansion.expanded.get(each.name, "")) for each in references(definition.body))
            if own is not None and not inner:
                return _error(definition, _said(own), ())
    return _error(root, _said(error), ())


def _own_error(expanded: str) -> Exception | None:
    try:
        re.compile(translate(expanded).regex, FLAGS)
    except (TranslationError, re.error, OverflowError, RecursionError) as error:
        return error
    return None


def _said(error: Exception) -> str:
    if isinstance(error, TranslationError):
        return str(error)
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return f"is no valid regular expression: {error}"
