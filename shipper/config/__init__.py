"""Reading a configuration: `load` gives checked `Settings`, or one error that holds every mistake with its line.

Three steps: `tree` turns YAML into plain text values that know their line, `models` says what is allowed,
`checks` finds what contradicts itself across keys. Values stay text until the model says what they are,
so that `0304` and `no` are what they look like.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shipper.config.checks import contradictions
from shipper.config.models import Document, settings_from
from shipper.config.problems import problems_of
from shipper.config.tree import Place, Tree, read_tree
from shipper.config.values import usable_host
from shipper.errors import ConfigurationError, Problem
from shipper.hostname import full_host_name
from shipper.settings import Settings

__all__ = ["DEFAULT_PATH", "Loaded", "load", "load_with_origins"]

DEFAULT_PATH = Path("/etc/shipper/shipper.yml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings together with where each value was written."""

    settings: Settings
    document: Document
    places: Mapping[tuple[str | int, ...], Place]
    """Path of a key, for example `("inputs", 0, "paths")` -> file, line and key as its file has it."""


def load(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    host_name: Callable[[], str] = full_host_name,
    leave_out: Sequence[tuple[str, ...]] = (),
    model: type[Document] = Document,
) -> Settings:
    """The settings of a configuration file and of `inputs.d/*.yml` beside it; raises ConfigurationError.

    `leave_out` names keys whose values are not looked at, by their paths; `model` says which keys there must be.
    """
    return load_with_origins(
        path, environment=environment, host_name=host_name, leave_out=leave_out, model=model
    ).settings


def load_with_origins(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    host_name: Callable[[], str] = full_host_name,
    leave_out: Sequence[tuple[str, ...]] = (),
    model: type[Document] = Document,
) -> Loaded:
    """As `load`, and where each value was written."""
    origin = path or DEFAULT_PATH
    tree = read_tree(origin, os.environ if environment is None else environment)
    for key in leave_out:
        _remove(tree.data, key)
    base = origin.absolute().parent
    problems = [*tree.problems, *contradictions(tree)]
    document = None
    try:
        document = model.model_validate(tree.data, context={"base": base})
    except ValidationError as error:
        problems += problems_of(error, tree)
    if document is not None and not document.host:
        document, missing = _with_host(document, host_name(), tree)
        problems += missing if document.inputs else []
    if problems or document is None:
        raise ConfigurationError(sorted(dict.fromkeys(problems), key=_by_place(str(origin))))
    return Loaded(settings_from(document, origin), document, tree.places)


def _remove(data: Any, key: Sequence[str]) -> None:
    """Take a value out of nested mappings, if it is there."""
    *parents, last = key
    for name in parents:
        data = data.get(name) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(last, None)


def _with_host(document: Document, name: str, tree: Tree) -> tuple[Document, list[Problem]]:
    if usable_host(name):
        return document.model_copy(update={"host": name}), []
    message = f"The name of this machine is '{name}', which names no machine in particular; write `host: NAME`."
    return document.model_copy(update={"host": name}), [tree.problem((), message, key="host")]


def _by_place(main_file: str) -> Callable[[Problem], tuple[bool, str, int]]:
    return lambda problem: (problem.file != main_file, problem.file or "", problem.line or 0)
