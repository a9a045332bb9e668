"""What is wrong or dangerous in definitions and expressions, found without any line: each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shipper.errors import PatternError
from shipper.grok.ambiguity import is_exponential
from shipper.grok.compile import Compiled, compile_expression, references
from shipper.grok.definitions import Definition, Shadowing
from shipper.grok.library import Library
from shipper.grok.match import CONVERSIONS
from shipper.grok.structure import Node, can_be_empty, everywhere, flattened, is_wildcard, read
from shipper.grok.translate import Start

PROBES = ("", "x", " ", '[1.2.3.4] - "é"', "\x00", "a\nb")
"""An expression that matches all of these matches every line."""


EXPONENTIAL = (
    "May take exponential time on lines that fail: a loop can match the same text in several ways. Let what is "
    "repeated begin or end with a character that the rest of it cannot be, or make it atomic: (?>…)."
)
UNANCHORED = (
    "May begin anywhere: lines that fail are tried at every character, and a match in the middle of a line counts. "
    "Begin it with ^ (a line) or \\A (the text)."
)
WILDCARDS = (
    "Has two wildcards without anything between them: how they share the text is arbitrary, and lines that fail take "
    "quadratic time. Put what separates them in between, or make one of them specific."
)
LAZY_END = "Ends with a lazy wildcard (as %{DATA} is), which matches nothing there. Write %{GREEDYDATA}, or $ after it."
NEVER_TAKEN = (
    "Ends with alternatives of which an earlier one is the beginning of a later one, which is never taken. Put the "
    "longer one first, or $ at the end."
)
NEVER_TRIED = (
    "Is never tried: {earlier} before it matches every line that this one could match. Put this one first, or "
    "delete it."
)


class Finding(NamedTuple):
    """Something to look at."""

    file: str | None
    line: int | None
    name: str
    """The definition, or the expression itself."""
    rule: str
    message: str
    """What it is and what to do."""
    is_note: bool = False
    """Worth knowing, but perhaps meant."""


class Tried(NamedTuple):
    """An expression that is tried on whole lines, and where it is written."""

    pattern: str
    file: str | None
    step: str
    """Expressions of one step are alternatives, tried in their order."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: definitions of some files, and the expressions that are tried on lines."""

    library: Library
    files: frozenset[str]
    """Definitions of other files are only what these build on."""
    tried: tuple[Tried, ...] = ()

    @property
    def definitions(self) -> list[Definition]:
        """The definitions that are looked at."""
        return [self.library[name] for name in self.library if self.library[name].file in self.files]


def lint(subject: Subject) -> list[Finding]:
    """All findings, in the order of files and lines. Wrong definitions are findings, too."""
    found: list[Finding] = []
    compiled: dict[str, Compiled] = {}
    for definition in subject.definitions:
        try:
            compiled[definition.name] = _compiled(definition, subject.library)
        except PatternError as error:
            found.extend(_wrong(definition, error))
    found.extend(_in_definitions(subject, compiled))
    found.extend(_unused(subject, compiled))
    found.extend(_shadowed(subject))
    for step in _steps(subject.tried):
        found.extend(_in_step(step, subject.library))
    return sorted(dict.fromkeys(found), key=lambda each: (each.file or "", each.line or 0, each.rule))


def _compiled(definition: Definition, library: Library) -> Compiled:
    definitions = {name: library[name] for name in library}
    return compile_expression(f"%{{{definition.name}}}", definitions, definition.file, definition.line)


def _wrong(definition: Definition, error: PatternError) -> Iterator[Finding]:
    for problem in error.problems:
        yield Finding(problem.file, problem.line, definition.name, "wrong", problem.message)


# Definitions


def _in_definitions(subject: Subject, compiled: Mapping[str, Compiled]) -> Iterator[Finding]:
    exponential = {name for name, each in compiled.items() if is_exponential(each.regex.pattern)}
    referred = _referred(subject.library)
    for name, each in compiled.items():
        definition = subject.library[name]
        inner = set(each.used) - {name}
        here = _finding(definition)
        if (
            name in exponential
            and not inner & exponential
            and not _any_exponential(inner - set(compiled), subject.library)
        ):
            yield here("exponential", EXPONENTIAL)
        yield from _structural(read(each.regex.pattern), here, whole=name not in referred)
        yield from _types(definition, here)
        if name not in referred and not subject.tried and each.captures:
            yield from _unanchored(each, here)


def _any_exponential(names: Collection[str], library: Library) -> bool:
    """Whether a definition that is built on, and not looked at itself, is the one to blame."""
    return any(is_exponential(library.compile(f"%{{{name}}}").regex.pattern) for name in names)


def _referred(library: Library) -> set[str]:
    return {reference.name for name in library for reference in references(library[name].body)}


Report = Callable[[str, str], Finding]


def _finding(definition: Definition) -> Report:
    def finding(rule: str, message: str) -> Finding:
        return Finding(definition.file, definition.line, definition.name, rule, message)

    return finding


def _types(definition: Definition, here: Report) -> Iterator[Finding]:
    for reference in references(definition.body):
        field, _, kind = (reference.field or "").partition(":")
        if kind and kind not in CONVERSIONS:
            yield here(
                "type", f"'{kind}' is no type, the field {field} stays text; types are {', '.join(CONVERSIONS)}."
            )


def _unused(subject: Subject, compiled: Mapping[str, Compiled]) -> Iterator[Finding]:
    """Nobody refers to it; without any expressions that are tried, what makes fields is taken for an entrance."""
    referred = _referred(subject.library)
    referred.update(reference.name for each in subject.tried for reference in references(each.pattern))
    for definition in subject.definitions:
        if definition.name not in compiled or definition.name in referred:
            continue
        if subject.tried or not compiled[definition.name].captures:
            here = _finding(definition)
            yield here("unused", "No pattern and no pipeline uses it: delete it, or use it.")._replace(is_note=True)


def _shadowed(subject: Subject) -> Iterator[Finding]:
    for shadowing in subject.library.shadowed:
        hidden, by = shadowing.hidden, shadowing.by
        if by.file in subject.files and (hidden.file, hidden.line) != (by.file, by.line):
            yield _shadowing(shadowing, is_note=shadowing.hidden.file not in subject.files)


def _shadowing(shadowing: Shadowing, *, is_note: bool) -> Finding:
    hidden, by = shadowing.hidden, shadowing.by
    same = " with the same expression" if hidden.body == by.body else ""
    message = (
        f"Hides the definition{same} in {hidden.file}:{hidden.line}. Give it a name of its own unless that is meant."
    )
    return Finding(by.file, by.line, by.name, "shadows", message, is_note)


# Expressions that are tried on lines


def _steps(tried: Sequence[Tried]) -> Iterable[list[Tried]]:
    steps: dict[tuple[str | None, str], list[Tried]] = {}
    for each in tried:
        steps.setdefault((each.file, each.step), []).append(each)
    return steps.values()


def _in_step(step: Sequence[Tried], library: Library) -> Iterator[Finding]:
    definitions = {name: library[name] for name in library}
    before: list[tuple[Tried, Compiled]] = []
    for tried in step:
        here = _finding(Definition(tried.pattern, tried.pattern, tried.file))
        try:
            compiled = compile_expression(tried.pattern, definitions, tried.file)
        except PatternError as error:
            yield from _wrong(Definition(tried.pattern, tried.pattern, tried.file), error)
            continue
        yield from _unanchored(compiled, here)
        yield from _structural(read(compiled.regex.pattern), here, whole=True)
        for earlier, other in before:
            if other.regex.pattern == compiled.regex.pattern or all(map(other.regex.search, PROBES)):
                yield here("unreachable", NEVER_TRIED.format(earlier=earlier.pattern))
        before.append((tried, compiled))


def _unanchored(compiled: Compiled, here: Report) -> Iterator[Finding]:
    if compiled.start is Start.ANYWHERE:
        yield here("unanchored", UNANCHORED)


# The structure


def _structural(sequence: tuple[Node, ...], here: Report, *, whole: bool) -> Iterator[Finding]:
    """What is in the sequence and all that are inside of it; `whole`: nothing is known to follow."""
    if any(_has_adjacent_wildcards(each) for each in everywhere(sequence)):
        yield here("wildcards", WILDCARDS)
    if any(_has_equal_alternatives(each) for each in everywhere(sequence)):
        yield here("unreachable", "Has an alternative that stands there twice: delete the second.")
    last = tuple(flattened(sequence))[-1:]
    if whole and last and _takes_nothing_at_the_end(sequence):
        yield here("lazy-end", LAZY_END)
    if whole and last and last[0].kind == "BRANCH" and _shadows_longer(last[0]):
        yield here("unreachable", NEVER_TAKEN)


def _has_adjacent_wildcards(sequence: tuple[Node, ...]) -> bool:
    pending = False
    for node in flattened(sequence):
        wildcard = is_wildcard(node)
        if wildcard and pending:
            return True
        pending = wildcard or (pending and can_be_empty(node) and node.kind not in ("AT", "ASSERT", "ASSERT_NOT"))
    return False


def _has_equal_alternatives(sequence: tuple[Node, ...]) -> bool:
    return any(node.kind == "BRANCH" and len(set(node.parts)) < len(node.parts) for node in sequence)


def _takes_nothing_at_the_end(sequence: tuple[Node, ...]) -> bool:
    nodes = tuple(flattened(sequence))
    return len(nodes) > 1 and nodes[-1].kind == "MIN_REPEAT" and nodes[-1].bounds[0] == 0 and is_wildcard(nodes[-1])


def _shadows_longer(branch: Node) -> bool:
    """Whether an alternative but the last is empty: `re` takes what alternatives have in common out of them."""
    return () in branch.parts[:-1]
