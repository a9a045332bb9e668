"""Patterns that did not come to an end on some lines: named in the log, and in `status` until they are replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shipper.events_log import EventsLog


class Runaways:
    """The events of an agent that took too long, by pipeline."""

    def __init__(self, events: EventsLog, seconds: float) -> None:
        self._events = events
        self._seconds = seconds
        self._counts: dict[str, Counter[str]] = {}

    def note(self, pipeline: str, path: str, patterns: Sequence[str]) -> None:
        """Events of a file were shipped raw because these patterns did not come to an end in time."""
        counts = self._counts.setdefault(pipeline, Counter())
        for pattern in patterns:
            counts[pattern] += 1
            self._events.warning(
                "pattern_ran_away", pipeline=pipeline, pattern=pattern, path=path, seconds=self._seconds
            )

    def forget(self, pipeline: str) -> None:
        """The pipeline was replaced."""
        self._counts.pop(pipeline, None)

    def troubles(self) -> dict[str, str]:
        """Scope and reason, for `status`."""
        return {f"pipeline {name}": self._reason(counts) for name, counts in self._counts.items()}

    def _reason(self, counts: Counter[str]) -> str:
        patterns = ", ".join(f"'{pattern}' ({count} times)" if pattern else f"a step ({count} times)"
                             for pattern, count in counts.most_common())  # fmt: skip
        return f"lines were shipped raw because they took longer than {self._seconds:g} s: {patterns}"
