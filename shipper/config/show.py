"""What is in force and where it was written: for `shipper check --show`. Secrets stay hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from shipper.config import units
from shipper.config.models import SECRETS, Document
from shipper.config.tree import Path as KeyPath
from shipper.config.tree import Place
from shipper.settings import Settings, SQLiteSettings

DEFAULT = "default"
_SIZES = frozenset({"memory", "batch_bytes", "dead_letters", "rate"})


class Shown(NamedTuple):
    """One value in force."""

    key: str
    """Dotted path."""
    value: str
    origin: str
    """`file:line`, or `default`."""


def shown(document: Document, settings: Settings, places: Mapping[KeyPath, Place]) -> list[Shown]:
    """Every value in force, in the order of the reference in docs/operating.md."""
    rows = list(_below(document, (), places))
    if document.output is None and document.outputs is None:
        assert isinstance(settings.output, SQLiteSettings)
        rows.append(Shown("output.sqlite.path", str(settings.output.path), DEFAULT))
    return rows


def _below(model: BaseModel, path: KeyPath, places: Mapping[KeyPath, Place]) -> Iterator[Shown]:
    for name in type(model).model_fields:
        value, inner = getattr(model, name), (*path, name)
        match value:
            case None:
                continue
            case BaseModel():
                yield from _below(value, inner, places)
            case dict():
                for key, item in value.items():
                    yield from _below(item, (*inner, key), places)
            case (BaseModel(), *_):
                for position, item in enumerate(value):
                    yield from _below(item, (*inner, position), places)
            case _:
                yield Shown(".".join(map(str, inner)), _text(name, value), _origin(places.get(inner)))


def _origin(place: Place | None) -> str:
    return DEFAULT if place is None else f"{place.file}:{place.line}"


def _text(name: str, value: Any) -> str:
    if name in SECRETS:
        return "(hidden)"
    match value:
        case bool():
            return "true" if value else "false"
        case int() if name in _SIZES:
            return units.size_text(value) + ("/s" if name == "rate" else "")
        case float():
            return units.duration_text(value)
        case tuple():
            return "[" + ", ".join(str(item) for item in value) + "]"
        case str() | int() | Path():
            return str(value)
    raise TypeError(f"{name} has a value of a form that cannot be shown: {type(value).__name__}")
