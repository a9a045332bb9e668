"""Pattern files: reading definitions, one `NAME expression` a line, and keeping what the last one shadows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shipper.errors import ConfigurationError, PatternError, Problem, UsageError

BACKUP_SUFFIXES = ("~", ".bak", ".swp")


@dataclass(frozen=True, slots=True)
class Definition:
    """A named expression and where it is written."""

    name: str
    body: str
    file: str | None = None
    line: int | None = None
    """1-based."""


@dataclass(frozen=True, slots=True)
class Shadowing:
    """A definition that another one of the same name hides, because it was read later."""

    hidden: Definition
    by: Definition


@dataclass(frozen=True, slots=True)
class Definitions:
    """Definitions by name; the last of a name wins, as in Logstash."""

    by_name: Mapping[str, Definition]
    shadowed: tuple[Shadowing, ...] = ()

    def followed_by(self, others: Iterable[Definition]) -> Definitions:
        """These, and others that win over them."""
        by_name = dict(self.by_name)
        shadowed = list(self.shadowed)
        for definition in others:
            if (hidden := by_name.get(definition.name)) is not None:
                shadowed.append(Shadowing(hidden, definition))
            by_name[definition.name] = definition
        return Definitions(by_name, tuple(shadowed))


def definitions_for(directory: str | None, definitions: Mapping[str, str] | None) -> Mapping[str, Definition]:
    """The bundled definitions, then a directory's, then these: name -> expression."""
    known = Definitions({}).followed_by(read_definitions([bundled_directory()]))
    known = known.followed_by(read_definitions([Path(directory)] if directory else []))
    return known.followed_by(Definition(name, body) for name, body in (definitions or {}).items()).by_name


def bundled_directory() -> Path:
    """Where the pygrok package keeps its pattern files; the package itself is not executed."""
    spec = find_spec("pygrok")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("The base patterns are missing: the package pygrok is not installed.")
    return Path(spec.submodule_search_locations[0]) / "patterns"


def pattern_files(directory: Path, glob: str = "*") -> list[Path]:
    """The files of a directory in the order of their names, without hidden ones and editors' backups."""
    if directory.is_file():
        return [directory]
    if not directory.is_dir():
        raise UsageError(f"The pattern directory {directory} does not exist.")
    return sorted(
        path
        for path in directory.glob(glob)
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(BACKUP_SUFFIXES)
    )


def read_definitions(directories: Iterable[Path], glob: str = "*") -> list[Definition]:
    """All definitions of pattern directories in reading order; raises ConfigurationError with every bad line."""
    definitions: list[Definition] = []
    problems: list[Problem] = []
    for directory in directories:
        for path in pattern_files(directory, glob):
            _read_file(path, definitions, problems)
    if problems:
        raise ConfigurationError(problems)
    return definitions


def _read_file(path: Path, definitions: list[Definition], problems: list[Problem]) -> None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PatternError(f"This is not UTF-8 ({error.reason} at byte {error.start}).", str(path)) from None
    except OSError as error:
        raise PatternError(f"The pattern file cannot be read: {error.strerror}.", str(path)) from None
    for number, line in enumerate(text.split("\n"), 1):
        # Only the line's end is removed: blanks at the end belong to the expression.
        stripped = line.removesuffix("\r").lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        name, *rest = stripped.split(None, 1)
        if rest:
            definitions.append(Definition(name, stripped[len(name) :].lstrip(), str(path), number))
        else:
            problems.append(
                Problem(f"The pattern {name} has no expression; write NAME, a blank, expression.", str(path), number)
            )
