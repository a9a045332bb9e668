"""Files that are to be opened: oldest first, but those with a writer before a backlog that takes long."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from shipper.read.discover import Found
from shipper.settings import InputSettings

HEAD_START = 1.0
"""Seconds for which files are opened oldest first; if more are waiting then, those that changed recently go before."""
RECENT = 60.0
"""A file that changed within so many seconds has a writer, who may have readers waiting."""

Item = tuple[InputSettings, Found]


class ToOpen:
    """A queue. Files of inputs that must not be read for now stand aside until the next pass."""

    def __init__(self) -> None:
        self._queue: deque[Item] = deque()
        self._aside: list[Item] = []

    def __len__(self) -> int:
        return len(self._queue) + len(self._aside)

    def replace(self, items: Iterable[Item]) -> None:
        """Take the files of a new look instead of all others."""
        self._queue = deque(sorted(items, key=lambda item: item[1].status.st_mtime_ns))
        self._aside.clear()

    def add(self, settings: InputSettings, found: Found, *, first: bool = False) -> None:
        """One more file."""
        (self._queue.appendleft if first else self._queue.append)((settings, found))

    def put_aside(self, settings: InputSettings, found: Found) -> None:
        """A file whose input must not be read for now."""
        self._aside.append((settings, found))

    def begin(self) -> None:
        """Another pass: what stood aside may have its turn now."""
        self._queue.extend(self._aside)
        self._aside.clear()

    def ready(self, waits: Callable[[str], bool]) -> bool:
        """Whether there is a file whose input may be read."""
        while self._queue and waits(self._queue[0][0].name):
            self._aside.append(self._queue.popleft())
        return bool(self._queue)

    def take_aside(self) -> bool:
        """Let one of the files that stand aside have its turn all the same; whether there is one."""
        if self._aside:
            self._queue.append(self._aside.pop(0))
        return bool(self._queue)

    def next(self, recent_since: float | None) -> Item:
        """The file to open. One that changed since a moment (seconds since the epoch) goes before, if one is given."""
        if recent_since is not None and self._queue[-1][1].status.st_mtime > recent_since:
            return self._queue.pop()
        return self._queue.popleft()
