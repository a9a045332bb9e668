"""A limit on the time that one event may take, which costs nothing per event.

While events are parsed, the iterator over them is left where a timer's handler sees it: if it has not moved for as
many ticks as make up the limit, the event is a runaway, and parsing it is interrupted. The timer counts the processor
time of this process, so that neither a busy machine nor a suspended one makes runaways of innocent lines, and it does
not tick while nothing is done.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from operator import length_hint
from typing import Any

from shipper.grok.timeout import MatchTimeout, can_interrupt

TICKS = 4
"""Ticks of the timer per limit: a runaway is interrupted after three to four quarters of it."""


class Guard:
    """Watches over the parsing of all files of an agent; without `on`, or with a limit of 0 seconds, it does not."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.watched: Iterator[Any] | None = None
        """The list iterator whose current item is being dealt with; MatchTimeout may come up while it is set."""
        self._seen: Iterator[Any] | None = None
        self._left = 0
        self._ticks = 0

    @contextmanager
    def on(self) -> Iterator[None]:
        """Let the timer run meanwhile. Python interrupts its main thread alone; elsewhere there is no limit."""
        if self.seconds <= 0 or not can_interrupt():
            yield
            return
        previous = signal.signal(signal.SIGVTALRM, self._tick)
        tick = self.seconds / TICKS
        outer = signal.setitimer(signal.ITIMER_VIRTUAL, tick, tick)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, *outer)
            signal.signal(signal.SIGVTALRM, previous)

    def _tick(self, *_: object) -> None:
        watched = self.watched
        if watched is None:
            self._seen = None
            return
        left = length_hint(watched)
        if watched is not self._seen or left != self._left:
            self._seen, self._left, self._ticks = watched, left, 1
            return
        self._ticks += 1
        if self._ticks >= TICKS:
            self._ticks = 0
            raise MatchTimeout
