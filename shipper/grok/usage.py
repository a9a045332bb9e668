"""Who uses a definition, what it stands for, which fields it makes and where the type of each is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shipper.errors import UsageError
from shipper.grok.compile import references
from shipper.grok.definitions import Definition
from shipper.grok.library import Library
from shipper.grok.match import CONVERSIONS


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a definition makes, and the place that says so."""

    path: tuple[str, ...]
    type: str | None
    """As written after the second colon; None: text."""
    pattern: str | None
    """The definition that its text matches; None for a group that has its own expression."""
    written: Definition
    """The definition in which the field is named."""

    @property
    def name(self) -> str:
        """The path as users write it."""
        return self.path[0] if len(self.path) == 1 else "".join(f"[{key}]" for key in self.path)

    @property
    def origin(self) -> str:
        """How the value's type comes about, as a sentence's end."""
        if self.type is None:
            return "text: nothing is said after a second colon"
        if self.type not in CONVERSIONS:
            return f"text: '{self.type}' is no type"
        return f"{self.type}: written as :{self.type}"


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about a name."""

    definition: Definition
    expansion: str
    """In Oniguruma's syntax, without references."""
    fields: tuple[Field, ...]
    uses: tuple[str, ...]
    """Names that it refers to."""
    used_by: tuple[Definition, ...]
    hides: tuple[Definition, ...]
    """Earlier definitions of the same name, in reading order."""


def shown(library: Library, name: str) -> Shown:
    """What there is to know about a name. Raises UsageError for an unknown one, PatternError for a wrong one."""
    if name not in library:
        raise UsageError(f"There is no pattern '{name}'.{_suggestion(library, name)}")
    grok = library.compile(f"%{{{name}}}")
    definition = library[name]
    return Shown(
        definition,
        grok.expanded.removeprefix("(?:").removesuffix(")"),
        tuple(_field(capture.path, capture.type, capture.name, grok.used) for capture in grok.captures),
        tuple(dict.fromkeys(reference.name for reference in references(definition.body))),
        tuple(users(library, name)),
        tuple(shadowing.hidden for shadowing in library.shadowed if shadowing.hidden.name == name),
    )


def users(library: Library, name: str) -> list[Definition]:
    """The definitions that refer to a name directly."""
    return [library[other] for other in library if any(each.name == name for each in references(library[other].body))]


def _field(path: tuple[str, ...], kind: str | None, group: str, used: Mapping[str, Definition]) -> Field:
    """Where the group of a field is written: as a reference, or as a group of its own."""
    for definition in used.values():
        for reference in references(definition.body):
            if reference.field is not None and f"{reference.name}:{reference.field}" == group:
                return Field(path, kind, reference.name, definition)
    opening = f"<{group}>"
    written = next(definition for definition in used.values() if opening in definition.body)
    return Field(path, kind, None, written)


def _suggestion(library: Library, name: str) -> str:
    """Names that were perhaps meant."""
    plain = name.upper()
    near = [other for other in library if plain in other.upper() or other.upper() in plain]
    return f" Perhaps you mean {', '.join(sorted(near)[:5])}." if near else " See `shipper grok list`."
