"""Metrics in a file, for the textfile collector of node_exporter: a host without one more open port."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from shipper.events_log import EventsLog


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file so that whoever reads it sees the old content or the new one. Raises OSError."""
    # Collectors take `*.prom` only: the unfinished file must have another suffix.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


class TextfileWriter:
    """Writes the metrics now and then, and a last time when it is closed."""

    def __init__(self, path: Path, every: float, metrics: Callable[[], bytes], events: EventsLog) -> None:
        """`every`: seconds between two writes."""
        self._path = path
        self._every = every
        self._metrics = metrics
        self._events = events
        self._problem = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write once more and stop."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        self._write()
        while not self._closing.wait(self._every):
            self._write()
        self._write()

    def _write(self) -> None:
        """Write; what stands against it is said once, and shipping goes on."""
        try:
            write_whole(self._path, self._metrics())
        except OSError as error:
            problem = error.strerror or str(error)
            if problem != self._problem:
                self._events.warning("metrics_unwritable", path=str(self._path), problem=problem)
            self._problem = problem
        else:
            self._problem = ""
