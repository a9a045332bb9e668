"""Fields that no definition declares: each is announced once, so that somebody can declare its type."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.events_log import EventsLog

LIMIT = 1000
"""Fields that are remembered for a pipeline; a log whose names come from its content could have any number."""


class Notices:
    """What an agent has announced, by pipeline."""

    def __init__(self, events: EventsLog) -> None:
        self._events = events
        self._told: dict[str, set[str]] = {}

    def note(self, pipeline: str, path: str, fields: Sequence[str]) -> None:
        """In this file, these fields got a type by their first values."""
        told = self._told.setdefault(pipeline, set())
        for name in fields:
            if name not in told and len(told) < LIMIT:
                told.add(name)
                self._events.info("type_inferred", pipeline=pipeline, field=name, path=path)
