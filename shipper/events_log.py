"""Named events: each is one structured log line and one counter, born together, so that neither can be forgotten."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TextIO

Value = str | int | float | None
Write = Callable[[str, str, dict[str, Value]], None]
"""Called with level (`info`, `warning`, `error`), event name and fields."""


class EventsLog:
    """Where a program's facts go. Thread-safe as far as the writer is."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.counts: Counter[str] = Counter()
        """How often each named event happened since the start."""

    def info(self, event: str, /, **fields: Value) -> None:
        """A fact worth a line."""
        self._emit("info", event, fields)

    def warning(self, event: str, /, **fields: Value) -> None:
        """A fact that someone should look at."""
        self._emit("warning", event, fields)

    def error(self, event: str, /, **fields: Value) -> None:
        """A fact that keeps lines from being shipped."""
        self._emit("error", event, fields)

    def _emit(self, level: str, event: str, fields: dict[str, Value]) -> None:
        self.counts[event] += 1
        self._write(level, event, fields)


def silent(level: str, event: str, fields: dict[str, Value]) -> None:
    """A writer that keeps nothing: for commands whose report says it all."""


def text_writer(stream: TextIO) -> Write:
    """A writer of one readable line per event; control characters are escaped."""

    def write(level: str, event: str, fields: dict[str, Value]) -> None:
        values = " ".join(f"{key}={json.dumps(value)}" for key, value in fields.items())
        stream.write(f"shipper: {level}: {event.replace('_', ' ')} {values}".rstrip() + "\n")
        stream.flush()

    return write
