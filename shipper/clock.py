"""Time and waiting, passed in wherever they are needed: tests live through an hour in a moment."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Bell:
    """Wakes the one who waits: rung by the watcher, by senders and by signal handlers, waited for by the agent."""

    def __init__(self) -> None:
        # Its lock is reentrant: a signal's handler may ring in the very thread that is about to wait.
        self._condition = threading.Condition()
        self._rung = False

    def ring(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        with self._condition:
            self._rung = True
            self._condition.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until rung, at most so long; whether it was rung. Silences the bell."""
        with self._condition:
            if not self._rung:
                self._condition.wait(seconds)
            rung, self._rung = self._rung, False
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
