"""Signals become calls: SIGTERM and SIGINT ask for a stop, SIGHUP for a reload."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_signals(*, stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """Call `stop` or `reload` at their signals while the context lasts; must be entered in the main thread.

    A second request to stop by the keyboard interrupts at once: a user who asks twice does not want to wait.
    Without `reload`, SIGHUP is left as it was.
    """
    asked = False

    def stopping(number: int, *_: object) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True
        stop()

    handlers: dict[signal.Signals, Callable[..., None]] = {signal.SIGTERM: stopping, signal.SIGINT: stopping}
    if reload is not None:
        handlers[signal.SIGHUP] = lambda *_: reload()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
