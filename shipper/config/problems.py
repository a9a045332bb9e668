"""From the model's errors to problems with file, line, key and what is allowed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shipper.config.models import rules_at
from shipper.config.tree import Path, Tree
from shipper.errors import Problem


def problems_of(error: ValidationError, tree: Tree) -> list[Problem]:
    """All mistakes of a validation, each at its place."""
    found = error.errors(include_url=False, include_context=False)
    return [_problem(details, tree) for details in found if details["loc"] not in tree.unresolved]


def _problem(details: ErrorDetails, tree: Tree) -> Problem:
    path: Path = details["loc"]
    if details["type"] == "missing":
        return tree.problem(path[:-1], "This key is required and not there.", key=str(path[-1]))
    return tree.problem(path, _sentence(details, path))


def _sentence(details: ErrorDetails, path: Path) -> str:
    match details["type"]:
        case "mistake":
            return details["msg"]
        case "extra_forbidden":
            return _unknown(path)
        case "tuple_type":
            return f"A list belongs here, not {shown(details['input'])}."
        case "dict_type":
            return f"A mapping from names to outputs belongs here, not {shown(details['input'])}."
        case "model_type":
            keys = ", ".join(sorted(_allowed(path)))
            return f"A mapping belongs here, not {shown(details['input'])}; its keys are {keys}."
        case other:
            return f"{details['msg']} ({other})."


def _unknown(path: Path) -> str:
    key = str(path[-1])
    allowed = sorted(_allowed(path[:-1]))
    near = get_close_matches(key, allowed, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"The key '{key}' is unknown.{hint} Allowed are {', '.join(allowed)}."


def _allowed(path: Path) -> set[str]:
    model = rules_at(path)
    return set() if model is None else set(model.model_fields)


def shown(value: Any) -> str:
    """What is written somewhere, in a sentence."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "an empty value"
        case _:
            return f"'{value}'"
