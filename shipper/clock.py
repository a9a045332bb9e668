"""Time and waiting, passed in wherever they are needed: tests live through an hour in a moment."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Bell:
    """Wakes the one who waits: rung by the watcher and by senders, waited for by the agent."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait until rung, at most so long; whether it was rung. Silences the bell."""
        rung = self._event.wait(seconds)
        self._event.clear()
        return rung


class Clock(Protocol):
    """The only source of time."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds from some fixed point, never set back."""

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Wait for the bell, at most so long."""

    def wait_for(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait on a condition that the caller holds, at most so long."""


class SystemClock:
    """The real time."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from some fixed point, never set back."""
        return time.monotonic()

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Wait for the bell, at most so long."""
        return bell.wait(seconds)

    def wait_for(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait on a condition that the caller holds, at most so long."""
        condition.wait(seconds)
