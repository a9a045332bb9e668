"""What is written in a definition or in samples, as a model; or every mistake, in a sentence and with its line."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from shipper.errors import ConfigurationError
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


Model = TypeVar("Model")


def validated(model: type[Model], written: MarkedYAML) -> Model:
    """The data of a file as a model (also `tuple[SampleModel, ...]`); raises ConfigurationError with every mistake."""
    try:
        return TypeAdapter(model).validate_python(written.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigurationError(
            [written.problem(d["loc"], _sentence(d["type"], d["msg"], d["loc"])) for d in found]
        ) from None


def _sentence(kind: str, message: str, path: tuple[int | str, ...]) -> str:
    """A mistake in a sentence of ours."""
    if kind == "missing":
        return "This key is required and not there."
    if kind == "extra_forbidden":
        parents = [part for part in path[:-1] if part in _MODELS]
        model = _MODELS[str(parents[-1])] if parents else PipelineModel if isinstance(path[0], str) else SampleModel
        allowed = sorted(field.alias or name for name, field in model.model_fields.items())
        near = get_close_matches(str(path[-1]), allowed, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"The key '{path[-1]}' is unknown.{hint} Allowed are {', '.join(allowed)}."
    sentence = message.removeprefix("Value error, ")
    return sentence if sentence.endswith(".") else f"{sentence}."
