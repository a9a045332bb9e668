"""Holds inputs to the rate that they are given."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.clock import Clock
from shipper.settings import InputSettings


class Pace:
    """After so many bytes an input waits for as long as they may take; what it did not read is not saved up."""

    def __init__(self, inputs: Sequence[InputSettings], clock: Clock) -> None:
        self._rates = {item.name: item.rate for item in inputs if item.rate is not None}
        self._clock = clock
        self._ready_at: dict[str, float] = {}

    def took(self, input_name: str, size: int) -> None:
        """So many bytes were read."""
        rate = self._rates.get(input_name)
        if rate is not None:
            now = self._clock.monotonic()
            self._ready_at[input_name] = max(now, self._ready_at.get(input_name, now)) + size / rate

    def waits(self, input_name: str) -> bool:
        """Whether the input must not be read now."""
        return input_name in self._ready_at and self._clock.monotonic() < self._ready_at[input_name]

    def due(self) -> float | None:
        """Seconds until the next of the inputs that wait may be read; None if none does."""
        now = self._clock.monotonic()
        return min((at - now for at in self._ready_at.values() if at > now), default=None)
