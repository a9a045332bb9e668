"""Why an expression does not match: how far it gets, the piece that fails, and what stands there in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from shipper.grok.compile import compile_expression, references
from shipper.grok.definitions import Definition

SHOWN = 60
"""Characters of a piece or of the text that a sentence shows."""
LITERAL = re.compile(r"[^\\([.^$]|\\[^a-zA-Z0-9]")
"""A character that stands for itself."""
PLAIN = re.compile(r"(?:[^\\\[\](){}.^$|*+?%]|\\[^a-zA-Z0-9])+")
"""Characters that stand for themselves."""
ESCAPE = re.compile(
    r"\\(?:[pPxu]\{[^}]*\}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|[0-7]{1,3}|k<[^>]*>|k'[^']*'|c.|.)", re.DOTALL
)
EXTENDED = re.compile(r"\(\?[im]*x")
OPTIONAL = re.compile(r"(?:[?*]|\{0?,\d*\})[?+]?\Z")
"""The end of a piece that matches nothing, too."""
REPEATED = re.compile(r"(?:[*+]|\{\d+,\d*\})[?+]?\Z")
"""The end of a piece that may stand there once more."""
COUNTED = re.compile(r"\{\d+(?:,\d*)?\}[?+]?\Z")
"""The end of a piece that has to stand there more than once."""
GROUPED = re.compile(r"[(|]|^$")
NAMED = re.compile(r"\(\?P?<[^=!]")
BACKREFERENCE = re.compile(r"\\[1-9k]|\(\?P=")
GROUP = re.compile(r"\((?:\?:|\?P?<[^=!>][^>]*>|(?!\?))")
"""The beginning of a group that can be looked into: it does not look around and is not atomic."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far an expression matches a text."""

    matched: str
    """The longest beginning of the expression, in whole pieces, that matches somewhere in the text."""
    start: int
    """Where in the text that matches: characters, from 0."""
    end: int
    """Where it ends: there the rest of the expression fails."""
    failing: str | None
    """The piece that fails there; None when the whole expression matches."""
    expansion: str | None
    """The failing piece with its references replaced, in Oniguruma's syntax."""
    inside: tuple[str, ...]
    """The pieces that contain the failing one, from the outermost: references and groups that matched in part."""
    found: str
    """The text from `end` on."""
    suspect: str | None = None
    """The piece before the failing one, where it ended within a word: perhaps that is the one that does not fit."""

    @property
    def place(self) -> int:
        """Where the first character stands that is not as expected: of plain text, a part may be there."""
        if self.failing is None or not PLAIN.fullmatch(self.failing):
            return self.end
        expected = re.sub(r"\\(.)", r"\1", self.failing)
        return self.end + sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(expected, self.found, strict=False))
        )

    @property
    def progress(self) -> int:
        """Characters that the beginning of the expression matches."""
        return self.end - self.start

    def __str__(self) -> str:
        if self.failing is None:
            return "The expression matches."
        there = repr(_shortened(self.found)) if self.found else "the end of the text"
        before = f"`{_shortened(self.matched)}` matches up to character {self.end}, then " if self.matched else ""
        inside = "".join(f", part of `{_shortened(piece)}`," for piece in self.inside[-1:])
        suspect = f" Perhaps `{_shortened(self.suspect)}` is wrong: it ends within a word." if self.suspect else ""
        return f"{before}`{_shortened(self.failing)}`{inside} does not match {there}.{suspect}"


def explain(pattern: str, definitions: Mapping[str, Definition], text: str) -> Explanation:
    """How far an expression of these definitions matches; of alternatives, the one that gets furthest is explained."""
    search = _Search(definitions, text)
    span = search.span(pattern)
    if span is not None:
        return Explanation(pattern, *span, None, None, (), text[span[1] :])
    explained = [search.follow("", pieces, ()) for pieces in alternatives(pattern)]
    failing = [each for each in explained if each.failing is not None]
    return max(failing, key=_progress, default=search.follow("", [pattern], ()))


def _progress(explanation: Explanation) -> tuple[int, int]:
    return (explanation.progress, len(explanation.matched))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class _Search:
    """Tries beginnings of an expression on one text."""

    def __init__(self, definitions: Mapping[str, Definition], text: str) -> None:
        self.definitions = definitions
        self.text = text

    def span(self, beginning: str) -> tuple[int, int] | None:
        found = compile_expression(beginning, self.definitions).regex.search(self.text)
        return found.span() if found else None

    def follow(self, before: str, pieces: list[str], inside: tuple[str, ...]) -> Explanation:
        """How far the pieces match after what is known to match; into the failing piece if a part of it matches."""
        count = _largest(len(pieces), lambda number: self.span(before + "".join(pieces[:number])) is not None)
        matched = before + "".join(pieces[:count])
        start, end = self.span(matched) or (0, 0)
        if count == len(pieces):
            return Explanation(matched, start, end, None, None, inside, self.text[end:])
        failing = pieces[count]
        suspect = pieces[count - 1] if count and self.is_within_word(end) and pieces[count - 1][:2] == "%{" else None
        here = Explanation(
            matched, start, end, failing, self.expansion(matched, failing), inside, self.text[end:], suspect
        )
        least = here.progress + (not self.is_line(failing))
        deeper = self.within(matched, failing, (*inside, failing))
        further = [each for each in deeper if each.progress >= least or self.takes_more(each, matched)]
        further += [each for each in self.left_out(before, pieces[:count], end, inside) if each.progress >= least]
        return max((each for each in further if each.failing is not None), key=_progress, default=here)

    def within(self, matched: str, piece: str, inside: tuple[str, ...]) -> Iterator[Explanation]:
        """How far the alternatives inside a piece match, in the first repetition of it that fails."""
        for alternative in self.parts(piece):
            each = self.follow(matched, alternative, inside)
            if each.failing is None and COUNTED.search(piece) and self.takes_more(each, matched):
                yield from self.within(each.matched, piece, inside)
                return
            yield each

    def takes_more(self, each: Explanation, matched: str) -> bool:
        """Whether what an explanation found to match takes characters after what had matched before.

        A wildcard before it may have reached further alone, and then gives way.
        """
        inner = each.matched.removeprefix(matched)
        begin = self.span(f"{matched}(?={inner})") if inner else None
        return begin is not None and begin[1] < each.end

    def is_within_word(self, place: int) -> bool:
        return self.text[max(place - 1, 0) : place].isalnum() and self.text[place : place + 1].isalnum()

    def is_line(self, piece: str) -> bool:
        """Whether a piece is a whole format, with fields: that it fails at its very beginning says nothing."""
        inside = self.inside(piece)
        return "|" not in inside and any(reference.field is not None for reference in references(inside))

    def left_out(self, before: str, pieces: list[str], end: int, inside: tuple[str, ...]) -> Iterator[Explanation]:
        """How far pieces match that were left out at the end of what matches, as they may be: one may be meant."""
        while pieces:
            *pieces, piece = pieces
            earlier = before + "".join(pieces)
            parts = self.parts(piece)
            if not OPTIONAL.search(piece) or (self.span(earlier) or (0, 0))[1] != end:
                yield from self.left_out_within(earlier, piece, parts, end, inside)
                return
            for alternative in parts:
                yield self.follow(earlier, alternative, (*inside, piece))

    def left_out_within(
        self, earlier: str, piece: str, parts: list[list[str]], end: int, inside: tuple[str, ...]
    ) -> Iterator[Explanation]:
        """The same of the last piece that took part: at its end, and of one repetition more."""
        within = (*inside, piece)
        if len(parts) == 1:
            yield from self.left_out(earlier, parts[0], end, within)
        if REPEATED.search(piece):
            held = f"(?>{earlier}{piece})"  # or the repetition before would be given back for one more
            for alternative in parts:
                yield self.follow(held, alternative, within)

    def expansion(self, matched: str, piece: str) -> str:
        """What the piece stands for; a definition on the spot may stand in what is before it."""
        before = compile_expression(matched, self.definitions).expanded
        return compile_expression(matched + piece, self.definitions).expanded.removeprefix(before)

    def parts(self, piece: str) -> list[list[str]]:
        """The alternatives inside a group or a reference that can be looked into.

        What is made of unnamed groups is a word of the user's language, like %{IPV4}: its expression explains nothing.
        """
        inside = self.inside(piece)
        if next(references(inside), None) is None and not NAMED.search(inside) and GROUPED.search(inside):
            return []
        # What refers back to a group by name or number means nothing outside of the group.
        return alternatives(inside) if not BACKREFERENCE.search(inside) else []

    def inside(self, piece: str) -> str:
        reference = next(references(piece), None)
        if reference is not None and reference.start == 0:
            definition = self.definitions.get(reference.name)
            return definition.body if definition is not None and reference.body is None else ""
        opening = GROUP.match(piece)
        return piece[opening.end() : _end_of_atom(piece, 0) - 1] if opening is not None else ""


def _largest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which it holds; it holds for 0 and, if for a number, for all smaller ones."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def alternatives(pattern: str) -> list[list[str]]:
    """The alternatives on the highest level, each cut into pieces that are expressions by themselves."""
    if EXTENDED.search(pattern):
        return [[pattern]]  # blanks and comments have no meaning there, and what is in them is not balanced
    found: list[list[str]] = [[]]
    ends = {reference.start: reference.end for reference in references(pattern)}
    at = 0
    literal = False
    while at < len(pattern):
        if pattern[at] == "|":
            found.append([])
            at, literal = at + 1, False
            continue
        atom_end = ends[at] if at in ends else _end_of_atom(pattern, at)
        end = _end_of_quantifiers(pattern, atom_end)
        plain = end == atom_end and at not in ends and LITERAL.match(pattern, at) is not None
        if plain and literal:
            found[-1][-1] += pattern[at:end]
        else:
            found[-1].append(pattern[at:end])
        at, literal = end, plain
    return found


def _end_of_atom(pattern: str, at: int) -> int:
    """Where the group, class, escape or character ends that begins here."""
    escape = ESCAPE.match(pattern, at)
    if escape is not None:
        return escape.end()
    if pattern[at] == "[":
        return _end_of_class(pattern, at)
    if pattern[at] != "(":
        return at + 1
    end = at + 1
    if pattern.startswith(("(?<", "(?P<"), at) and not pattern.startswith(("(?<=", "(?<!"), at):
        end = pattern.find(">", at) + 1 or len(pattern)
    while end < len(pattern) and pattern[end] != ")":
        end = _end_of_atom(pattern, end)
    return end + 1


def _end_of_class(pattern: str, at: int) -> int:
    end = at + 1 + pattern.startswith("^", at + 1)
    end += pattern.startswith("]", end)
    while end < len(pattern) and pattern[end] != "]":
        end = _end_of_class(pattern, end) if pattern[end] == "[" else end + 1 + (pattern[end] == "\\")
    return end + 1


def _end_of_quantifiers(pattern: str, at: int) -> int:
    while at < len(pattern) and pattern[at] in "*+?{":
        closing = pattern.find("}", at)
        if pattern[at] != "{":
            at += 1
        elif closing > 0 and pattern[at + 1 : closing].replace(",", "", 1).isdigit():
            at = closing + 1
        else:
            break
    return at
