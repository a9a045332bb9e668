"""A limit on the time that matching may take: the only way out of an expression that backtracks without end.

`re` looks for pending signals while it matches, so an interval timer interrupts it. Python delivers signals to the
main thread alone; elsewhere there is no limit, and `can_interrupt` says so.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class MatchTimeout(Exception):  # noqa: N818 - an outcome of matching, answered by a tag
    """Matching took longer than it may."""

    pattern: str = ""
    """The expression that was tried, where it is known."""


def can_interrupt() -> bool:
    """Whether a limit has an effect in this thread."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise MatchTimeout in the block when it takes longer; 0 means no limit. An outer timer goes on afterwards."""
    if seconds <= 0 or not can_interrupt():
        yield
        return

    def interrupt(*_: object) -> None:
        raise MatchTimeout

    previous = signal.signal(signal.SIGALRM, interrupt)
    started = time.monotonic()
    outer, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - started), 1e-6), interval)
