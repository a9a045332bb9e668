"""YAML 1.2 as plain values that know the lines they stand on, for messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from shipper.errors import ConfigurationError, Problem

Place = tuple[str | int, ...]
"""Keys and positions from the root."""


@dataclass(frozen=True, slots=True)
class MarkedYAML:
    """A file's data and where its keys are."""

    file: str
    data: Any
    lines: dict[Place, int]
    """1-based."""

    def line(self, path: Sequence[str | int]) -> int | None:
        """The line of a key, or of the nearest one around it; the position of an only item may be left out."""
        place: Place = ()
        for part in path:
            if (*place, part) in self.lines:
                place = (*place, part)
            elif not isinstance(part, int):
                break
        return self.lines.get(place)

    def problem(self, path: Sequence[str | int], message: str) -> Problem:
        """A mistake at a key."""
        return Problem(message, self.file, self.line(path), ".".join(map(str, path)) or None)


def read_marked(path: Path) -> MarkedYAML:
    """Read a file; raises ConfigurationError with the place of what is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(str(path), error) from None
    return marked(text, str(path))


def marked(text: str, file: str) -> MarkedYAML:
    """The text of a file; raises ConfigurationError with the place of what is no YAML."""
    lines: dict[Place, int] = {}
    try:
        data = _plain(YAML().load(text), (), lines)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        message = f"This is no valid YAML: {' '.join(str(error.problem or error).split())}."
        raise ConfigurationError([Problem(message, file, line)]) from None
    except YAMLError as error:
        raise _unreadable(file, error) from None
    except RecursionError:
        raise ConfigurationError([Problem("This is nested too deeply.", file)]) from None
    return MarkedYAML(file, data, lines)


def _unreadable(file: str, error: Exception) -> ConfigurationError:
    return ConfigurationError([Problem(f"The file cannot be read: {' '.join(str(error).split())}.", file)])


def _plain(value: Any, place: Place, lines: dict[Place, int]) -> Any:
    """The value without ruamel's own types, noting the line of each key."""
    if isinstance(value, CommentedMap):
        for key in value:
            lines[(*place, key)] = value.lc.key(key)[0] + 1
        return {key: _plain(inner, (*place, key), lines) for key, inner in value.items()}
    if isinstance(value, CommentedSeq):
        for position in range(len(value)):
            lines[(*place, position)] = value.lc.item(position)[0] + 1
        return [_plain(inner, (*place, position), lines) for position, inner in enumerate(value)]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
