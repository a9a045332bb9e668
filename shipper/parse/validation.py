"""What is written in a definition or in samples, as a model; or every mistake, in a sentence and with its line."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shipper.config.problems import shown
from shipper.errors import ConfigurationError, Problem
from shipper.parse.marked_yaml import MarkedYAML
from shipper.parse.models import (
    AboutModel,
    ColumnsModel,
    CopyModel,
    DamageModel,
    DropModel,
    FieldAboutModel,
    FormulaModel,
    JSONModel,
    KeyValueModel,
    LinesModel,
    PipelineModel,
    RedactModel,
    SampleModel,
    StepModel,
    TimeModel,
)

_MODELS: Mapping[str, type[BaseModel]] = {
    "lines": LinesModel,
    "columns": ColumnsModel,
    "key_value": KeyValueModel,
    "json": JSONModel,
    "parse": StepModel,
    "first": StepModel,
    "redact": RedactModel,
    "ecs": CopyModel,
    "derive": FormulaModel,
    "timestamp": TimeModel,
    "drop": DropModel,
    "about": AboutModel,
    "fields": FieldAboutModel,
    "damage": DamageModel,
}
"""Which mapping stands below a key, for messages."""


_KINDS: Mapping[str, str] = {
    "tuple_type": "A list",
    "dict_type": "A mapping",
    "string_type": "Text (in quotes if need be)",
    "bool_type": "true or false",
    "int_type": "A whole number",
    "int_parsing": "A whole number",
    "float_type": "A number",
    "float_parsing": "A number",
    "invalid_key": "Text as a key",
}
"""What belongs where something else was found, by pydantic's name of the mistake."""
_ALTERNATIVES = frozenset({"str", "bool", "int", "float"})
"""At the end of a place: the kind of value that was tried there, one after the other."""

Model = TypeVar("Model")
Place = tuple[int | str, ...]


def validated(model: type[Model], written: MarkedYAML) -> Model:
    """The data of a file as a model (also `tuple[SampleModel, ...]`); raises ConfigurationError with every mistake."""
    try:
        return TypeAdapter(model).validate_python(written.data)
    except ValidationError as error:
        found = [_problem(details, written) for details in error.errors(include_url=False)]
        raise ConfigurationError(list(dict.fromkeys(found))) from None


def _problem(details: ErrorDetails, written: MarkedYAML) -> Problem:
    path = details["loc"]
    if details["type"] in _KINDS and path[-1:] and path[-1] in _ALTERNATIVES:
        return written.problem(path[:-1], f"A single value belongs here, not {shown(details['input'])}.")
    return written.problem(path, _sentence(details, path))


def _sentence(details: ErrorDetails, path: Place) -> str:
    """A mistake in a sentence of ours."""
    match details["type"]:
        case "missing":
            return "This key is required and not there."
        case "extra_forbidden":
            return _unknown(path)
        case "model_type":
            keys = ", ".join(_keys(path))
            return f"A mapping belongs here, not {shown(details['input'])}; its keys are {keys}."
        case "literal_error":
            return f"{shown(details['input'])} is not allowed here; allowed are {details['ctx']['expected']}."
        case kind if kind in _KINDS:
            return f"{_KINDS[kind]} belongs here, not {shown(details['input'])}."
    sentence = details["msg"].removeprefix("Value error, ")
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _unknown(path: Place) -> str:
    allowed = _keys(path[:-1])
    near = get_close_matches(str(path[-1]), allowed, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"The key '{path[-1]}' is unknown.{hint} Allowed are {', '.join(allowed)}."


def _keys(path: Place) -> list[str]:
    """The keys of the mapping at a place."""
    known = [part for part in path if part in _MODELS]
    model = _MODELS[str(known[-1])] if known else SampleModel if path and isinstance(path[0], int) else PipelineModel
    return sorted(field.alias or name for name, field in model.model_fields.items())
