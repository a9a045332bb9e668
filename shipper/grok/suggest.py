"""A first pattern for a log that nobody has described yet, from its lines.

Columns with a header give their names; `name=value` pairs give theirs; other lines are cut at blanks, brackets and
quotes, and those that have the same things between their values are taken as one format. What the values are is asked
of the library. Every suggestion is compiled and tried on all given lines before it is shown.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipper.grok.compile import references
from shipper.grok.library import Library
from shipper.grok.tokens import EMPTY, NAMES, Cut, Token, Typing, cut

FORMATS = 5
"""Formats of one log that become suggestions of their own, the most frequent first."""
COMMON = 0.9
"""Share of the lines that must go on in the same way for a beginning to be called common."""
FEWEST_COLUMNS = 3
TAIL = "%{GREEDYDATA:message}"
COLUMN_NAME = re.compile(r"(?:[#\d]*#)?(?P<name>[A-Za-z_][\w.-]*)(?::\d+)?#?")
SAMPLE = 20
"""Lines on which the fields of a pattern are counted, and the patterns of the library are tried."""
REFERENCE = re.compile(r"%\{[^}]*\}")
SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pattern, and how good it is."""

    pattern: str
    kind: str
    """columns, pairs, format, or beginning: how it was found; known: a pattern of the library fits."""
    matched: int
    lines: int
    fields: int
    specificity: float
    """More for each part of the line that the pattern says something about; a wildcard says nothing."""


def suggest(lines: Sequence[str], library: Library) -> list[Suggestion]:
    """Patterns for these lines, the one that matches most first, and of equal ones the most specific."""
    lines = [line for line in lines if line.strip()]
    header, body = _header(lines)
    typing = Typing(library)
    candidates: dict[str, str] = {}
    for kind, pattern in _candidates(header, body, typing, library):
        candidates.setdefault(pattern, kind)
    found = [_tried(pattern, kind, body, library) for pattern, kind in candidates.items()]
    return sorted((each for each in found if each.matched), key=lambda each: (-each.matched, -each.specificity))


def _tried(pattern: str, kind: str, lines: Sequence[str], library: Library) -> Suggestion:
    grok = library.compile(pattern)
    matched = sum(grok.search(line) is not None for line in lines)
    filled = [_leaves(fields) for line in _sample(lines) if (fields := grok.match(line)) is not None]
    wild = grok.expanded.count(".*") + pattern.count("%{NOTSPACE") / 2
    specific = sum(filled) / max(len(filled), 1) - wild + len(REFERENCE.sub("", pattern)) / 100
    paths = {capture.path for capture in grok.captures}
    return Suggestion(pattern, kind, matched, len(lines), len(paths), specific)


def _leaves(fields: Mapping[str, Any]) -> int:
    return sum(_leaves(value) if isinstance(value, dict) else 1 for value in fields.values())


def _sample(lines: Sequence[str]) -> Sequence[str]:
    """Some lines from everywhere."""
    return lines[:: max(len(lines) // SAMPLE, 1)]


def _candidates(header: list[str], lines: Sequence[str], typing: Typing, library: Library) -> Iterator[tuple[str, str]]:
    if header:
        yield from (("columns", pattern) for pattern in _columns(header, lines, typing))
    cuts = [cut(line) for line in lines]
    by_skeleton: dict[tuple[tuple[str, str | None], ...], list[Cut]] = defaultdict(list)
    for each in cuts:
        by_skeleton[each.skeleton].append(each)
    frequent = sorted(by_skeleton.values(), key=len, reverse=True)[:FORMATS]
    for group in frequent:
        kind = "pairs" if sum(token.key is not None for token in group[0].tokens) > 1 else "format"
        yield kind, _pattern([each.tokens for each in group], typing, _literal(group[0].rest) + "$")
    yield from (("beginning", pattern) for pattern in _beginnings(cuts, typing))
    yield from (("known", f"^%{{{name}}}$") for name in _known(lines, library))


# Columns with a header


def _header(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of the columns, if the first line gives them, and the other lines (without repeated headers)."""
    words = lines[0].split() if lines else []
    names = [found["name"] for word in words if (found := COLUMN_NAME.fullmatch(word))]
    rest = [line for line in lines if line != lines[0]]
    same = sum(len(line.split()) == len(names) for line in rest)
    is_header = len(names) == len(words) >= FEWEST_COLUMNS and len(set(names)) == len(names)
    if is_header and rest and same >= COMMON * len(rest):
        return names, rest
    return [], list(lines)


def _columns(names: list[str], lines: Sequence[str], typing: Typing) -> Iterator[str]:
    rows = [line.split(" ") for line in lines]
    rows = [row for row in rows if len(row) == len(names)]
    if rows:
        used: Counter[str] = Counter()
        parts = [
            _value(list(values), typing, used, name)
            for name, values in zip(names, zip(*rows, strict=True), strict=True)
        ]
        yield "^" + " ".join(parts) + "$"


# Lines of one format


def _pattern(rows: Sequence[tuple[Token, ...]], typing: Typing, end: str) -> str:
    """What rows of tokens with one skeleton have in common."""
    used: Counter[str] = Counter()
    parts = ["^"]
    for column in zip(*rows, strict=True):
        first = column[0]
        values = [token.value for token in column]
        parts.append(_literal(first.before))
        if first.key is not None:
            parts.append(_literal(first.key))
        parts.append(_constant(values, first.key) or _value(values, typing, used, first.key))
    return "".join(parts) + end


def _constant(values: Sequence[str], key: str | None) -> str | None:
    """A word that is the same in all of several lines, and has no name, is part of the format."""
    word = values[0]
    same = key is None and len(values) > 1 and len(set(values)) == 1
    return _literal(word) if same and (word == EMPTY or re.fullmatch(r"[^\W\d]+:?", word)) else None


def _value(values: Sequence[str], typing: Typing, used: Counter[str], key: str | None) -> str:
    """The reference for a value; a dash for no value, and an empty one, stand beside it."""
    present = [value for value in values if value not in ("", EMPTY)]
    found = typing.of(present) if present else "NOTSPACE"
    if found is None:
        found = "DATA"
    name, _, kind = found.partition(":")
    field = _unique(key or NAMES.get(name, "word"), used)
    reference = f"%{{{name}:{field}{':' + kind if kind else ''}}}"
    if EMPTY in values and present and typing.of([*present, EMPTY]) != found:
        reference = f"(?:{reference}|-)"
    return f"(?:{reference})?" if "" in values else reference


def _unique(name: str, used: Counter[str]) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "field"
    used[plain] += 1
    return plain if used[plain] == 1 else f"{plain}{used[plain]}"


def _literal(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", text)


# Lines that only begin alike


def _beginnings(cuts: Sequence[Cut], typing: Typing) -> Iterator[str]:
    """The longest beginning that most lines share, and the whole rest of the line as one text."""
    group = list(cuts)
    length = 0
    while True:
        steps = Counter(
            (each.tokens[length].before, each.tokens[length].key) for each in group if len(each.tokens) > length
        )
        if not steps or steps.most_common(1)[0][1] < COMMON * len(cuts):
            break
        step = steps.most_common(1)[0][0]
        group = [each for each in group if len(each.tokens) > length and _step(each, length) == step]
        length += 1
    for count in sorted({length, length - 1} & set(range(1, length + 1))):
        yield _pattern([each.tokens[:count] for each in group], typing, TAIL + "$")


def _step(each: Cut, position: int) -> tuple[str, str | None]:
    return (each.tokens[position].before, each.tokens[position].key)


# Patterns that exist already


def _known(lines: Sequence[str], library: Library) -> Iterator[str]:
    """Names in the library that match some of the lines as a whole, and fill several fields in each of them."""
    sample = _sample(lines)
    for name in library:
        if not _makes_fields(name, library):
            continue
        grok = library.compile(f"^%{{{name}}}$")
        filled = [_leaves(fields) for line in sample if (fields := grok.match(line)) is not None]
        if filled and min(filled) >= FEWEST_COLUMNS:
            yield name


def _makes_fields(name: str, library: Library) -> bool:
    """Whether a definition, or one that it refers to, names fields; compiling all would take long."""
    body = library[name].body
    return "(?<" in body or any(
        each.field is not None or (each.name in library and ":" in library[each.name].body) for each in references(body)
    )
