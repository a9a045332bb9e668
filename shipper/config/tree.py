"""YAML as plain data whose every value knows its file and line.

Scalars stay the text that was written: the model, not YAML, decides what a number is.
`${NAME}` is replaced by the environment after parsing, so that no value can change the structure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipper.errors import ConfigurationError, Problem

Path = tuple[str | int, ...]
"""Where a value is: keys and positions from the root."""

_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_USER_OF_URL = re.compile(r"(://?)[^@\s]*@")
"""User and password in an address, which no message repeats."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NULL_TAG = "tag:yaml.org,2002:null"
_STANDARD_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written."""

    file: str
    line: int
    """1-based."""
    key: str
    """Dotted path of the key inside that file."""


@dataclass(slots=True)
class Tree:
    """The merged data of all configuration files."""

    data: dict[str, Any]
    places: dict[Path, Place]
    substituted: set[Path] = field(default_factory=set)
    """Values that came, at least in part, from the environment."""
    unresolved: set[Path] = field(default_factory=set)
    """Values that could not be completed: already reported, so no other mistake in them is worth a line."""
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """The place of the value, or of the nearest one around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def problem(self, path: Path, message: str, *, key: str | None = None) -> Problem:
        """A mistake at a value; `key` names one that was not written."""
        place = self.place(path)
        name = ".".join(part for part in (place.key, key) if part)
        return Problem(_USER_OF_URL.sub(r"\1…@", message), place.file, place.line, name or None)


def read_tree(path: FilePath, environment: Mapping[str, str]) -> Tree:
    """The data of a configuration file and of `inputs.d/*.yml` beside it.

    Raises ConfigurationError where a file cannot be read as YAML at all.
    """
    main = _Reader(str(path), environment)
    data = main.read(_text(path))
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigurationError([Problem("A configuration is a mapping of keys, such as `inputs:`.", str(path), 1)])
    tree = Tree(data, main.places, main.substituted, main.unresolved, main.problems)
    for extra in sorted((path.parent / "inputs.d").glob("*.yml")):
        _merge_inputs(tree, extra, environment)
    return tree


def _merge_inputs(tree: Tree, path: FilePath, environment: Mapping[str, str]) -> None:
    reader = _Reader(str(path), environment)
    inputs = reader.read(_text(path))
    tree.problems += reader.problems
    if inputs is None:
        return
    if not isinstance(inputs, list):
        tree.problems.append(
            Problem("A file in inputs.d is a list of inputs: `- {name: …, paths: […]}`.", str(path), 1)
        )
        return
    present = tree.data.setdefault("inputs", [])
    if not isinstance(present, list):
        return  # the model reports what stands there instead
    shift = len(present)
    present.extend(inputs)
    for inner, place in reader.places.items():
        if inner:
            tree.places["inputs", shift + int(inner[0]), *inner[1:]] = place
    tree.substituted |= {("inputs", shift + int(inner[0]), *inner[1:]) for inner in reader.substituted if inner}
    tree.unresolved |= {("inputs", shift + int(inner[0]), *inner[1:]) for inner in reader.unresolved if inner}


def _text(path: FilePath) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = "There is no such configuration file; name another one with -c FILE."
        raise ConfigurationError([Problem(message, str(path))]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Problem("The file is not UTF-8 text.", str(path), line)]) from None
    except OSError as error:
        raise ConfigurationError([Problem(f"The file cannot be read: {error.strerror}.", str(path))]) from None


class _Reader:
    """Walks the nodes of one file and notes places and mistakes."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._open: list[Node] = []
        self.places: dict[Path, Place] = {(): Place(file, 1, "")}
        self.substituted: set[Path] = set()
        self.unresolved: set[Path] = set()
        self.problems: list[Problem] = []

    def read(self, text: str) -> Any:
        """The plain data of the text."""
        try:
            root = YAML().compose(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark is not None else None
            reason = "; ".join(part for part in (error.context, error.problem) if part)
            raise ConfigurationError([Problem(f"This is not YAML: {reason}.", self._file, line)]) from None
        except YAMLError as error:
            reason = str(error).splitlines()[0]
            raise ConfigurationError([Problem(f"This is not YAML: {reason}.", self._file)]) from None
        return None if root is None else self._value(root, ())

    def _value(self, node: Node, path: Path) -> Any:
        if not str(node.tag).startswith(_STANDARD_TAG):
            self._mistake(node, path, f"The tag '{node.tag}' has no meaning here.")
        if any(node is outer for outer in self._open):
            self._mistake(node, path, "An alias must not refer to what it is part of.")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._open.append(node)
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._mistake(key_node, path, "A key must be plain text.")
                continue
            key = str(key_node.value)
            inner = (*path, key)
            if key in result:
                first = self.places[inner].line
                self._mistake(key_node, inner, f"The key '{key}' is written twice, first in line {first}.")
                continue
            self.places[inner] = self._place(key_node, inner)
            result[key] = self._value(value_node, inner)
        return result

    def _sequence(self, node: Node, path: Path) -> list[Any]:
        assert isinstance(node, SequenceNode)
        result = []
        for position, item in enumerate(node.value):
            inner = (*path, position)
            self.places[inner] = self._place(item, inner)
            result.append(self._value(item, inner))
        return result

    def _scalar(self, node: ScalarNode, path: Path) -> str | None:
        if node.tag == _NULL_TAG:
            # An empty value has its mark where the next thing begins: the place of its key is the true one.
            place = self.places[path]
            message = "There is no value; write one, or leave the key out."
            self.problems.append(Problem(message, place.file, place.line, place.key or None))
            self.unresolved.add(path)
            return None
        return _VARIABLE.sub(lambda match: self._variable(match, node, path), str(node.value))

    def _variable(self, match: re.Match[str], node: Node, path: Path) -> str:
        written, name = match[0], match[1]
        if name is None:
            return "${"
        self.substituted.add(path)
        if not written.endswith("}") or not _NAME.fullmatch(name):
            self._mistake(node, path, f"'{written}' is no variable; write ${{NAME}}, or $${{ for the characters ${{.")
        elif name not in self._environment:
            self._mistake(node, path, f"The environment variable {name} is not set.")
        else:
            return self._environment[name]
        self.unresolved.add(path)
        return written

    def _place(self, node: Node, path: Path) -> Place:
        return Place(self._file, node.start_mark.line + 1, ".".join(map(str, path)))

    def _mistake(self, node: Node, path: Path, message: str) -> None:
        place = self._place(node, path)
        self.problems.append(Problem(message, place.file, place.line, place.key or None))
