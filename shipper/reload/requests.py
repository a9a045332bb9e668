"""How `shipper reload` and the agent talk: a request file in the state folder, and the answer in the state."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from shipper.errors import StateError

FILE_NAME = "reload.json"
ANSWER = "reload"
"""Key of the last answer among the state's facts."""


class Request(NamedTuple):
    """Look at the definitions now."""

    id: str = ""
    """Of the one who asks; empty for a signal or a change that was noticed."""
    accept: str | None = None
    """A version that is to be taken whatever the canary says."""


class Verdict(StrEnum):
    """What became of an input's definition."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNCHANGED = "unchanged"


class Row(NamedTuple):
    """The answer for one input."""

    input: str
    pipeline: str
    old: str
    """The version in force before."""
    new: str | None
    """The version on disk; None if it could not be compiled."""
    verdict: Verdict
    reasons: tuple[str, ...] = ()


def leave_request(folder: Path, request: Request) -> None:
    """Leave a request where the agent finds it whole. Raises StateError."""
    path = folder / FILE_NAME
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(request._asdict()))
        os.replace(partial, path)  # noqa: PTH105  the one call whose atomicity is meant
    except OSError as error:
        raise StateError(f"{path}: the request cannot be left for the agent: {error.strerror}.") from error


def take_request(folder: Path) -> Request | None:
    """The request that was left, once; None if there is none or it is not readable."""
    path = folder / FILE_NAME
    try:
        text = path.read_text()
        path.unlink()
        content = json.loads(text)
        return Request(str(content["id"]), content["accept"])
    except (OSError, ValueError, KeyError):
        return None


def answer_text(request: Request, rows: Sequence[Row], now: float) -> str:
    """The answer as the state keeps it. `now` is seconds since the epoch."""
    return json.dumps({"id": request.id, "at": now, "inputs": [row._asdict() for row in rows]})


def answer_to(identifier: str, facts: Mapping[str, str]) -> list[Row] | None:
    """The rows of the answer to a request; None as long as it is not there."""
    content: dict[str, Any] = json.loads(facts.get(ANSWER, "{}"))
    if content.get("id") != identifier:
        return None
    return [
        Row(**{**row, "verdict": Verdict(row["verdict"]), "reasons": tuple(row["reasons"])})
        for row in content["inputs"]
    ]
