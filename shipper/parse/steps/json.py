"""The step `json`: an object, its inner objects as dotted names. Values that an index could not take stay text."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NoReturn

from shipper.parse.fields import Fields, as_text
from shipper.parse.steps import MATCHED, joined

FAILURE = "_jsonparsefailure"
DEPTH = 20
"""Deeper objects are a failure: indices have limits of their own, and a document should not meet them."""


class JSONStep:
    """Reads one JSON object."""

    def __init__(self, field: str, into: str, only: Collection[str] | None) -> None:
        self._field = field
        self._into = into
        self._only = None if only is None else frozenset(only)
        self._decoder = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_refuse)

    def apply(self, fields: Fields, header: str) -> str:  # noqa: ARG002 - part of the protocol
        """Add the object's values, or none of them."""
        text = fields.get(self._field)
        if text is None:
            return FAILURE
        try:
            found = self._decoder.decode(as_text(text).strip())
            flat = _flat(found, self._into, self._only) if isinstance(found, dict) else None
        except (ValueError, RecursionError):
            return FAILURE
        if flat is None:
            return FAILURE
        fields.update(flat)
        return MATCHED


def _flat(found: dict[str, Any], into: str, only: frozenset[str] | None) -> Fields:
    flat: Fields = {}
    for key, value in found.items():
        if only is None or key in only:
            _flatten(flat, joined(into, _clean(key)), value, DEPTH)
    return flat


def _flatten(flat: Fields, name: str, value: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError(name)
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(flat, joined(name, _clean(key)), inner, depth - 1)
    elif value is not None:
        flat[name] = _plain(value, depth)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError(value)
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _plain(inner, depth - 1) for key, inner in value.items()}
    return value


def _clean(text: str) -> str:
    """Text without half surrogate pairs, which are valid in JSON's escapes and nowhere else."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _integer(text: str) -> int | str:
    if len(text) > 20:
        return text
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else text


def _number(text: str) -> float | str:
    value = float(text)
    return text if value in (float("inf"), float("-inf")) else value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
