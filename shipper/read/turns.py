"""Whose turn it is to be read: files that follow their writer go before what is read up on. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Files that may have something to read, in two queues, and files that are at their end.

    A file that was at its end once is live: what comes is new, and somebody may wait for it. Between two rounds of the
    live ones one other has a turn, so that neither a backlog of 100 GB nor a tireless writer starves the rest.
    """

    def __init__(self) -> None:
        self._live: deque[Item] = deque()
        self._backlog: deque[Item] = deque()
        self._at_end: dict[Item, None] = {}
        self._left = 0
        """Turns of live files before the next one of the backlog."""

    @property
    def has_backlog(self) -> bool:
        """Whether some file was not at its end yet."""
        return bool(self._backlog)

    def add(self, item: Item, *, live: bool) -> None:
        """A file that is open now."""
        (self._live if live else self._backlog).append(item)

    def next(self) -> tuple[Item, bool] | None:
        """The file to read, and whether it is live; it is in no queue until `add` or `rest`. None: all are at rest."""
        if self._live and (self._left > 0 or not self._backlog):
            self._left -= 1
            return self._live.popleft(), True
        self._left = len(self._live)
        return (self._backlog.popleft(), False) if self._backlog else None

    def rest(self, item: Item) -> None:
        """The file is at its end for now."""
        self._at_end[item] = None

    def begin(self) -> None:
        """A new pass: files that were at their end come first, for what replaced a file comes after its last lines."""
        self.look_again()
        self._left = len(self._live)

    @property
    def all_looked_at(self) -> bool:
        """Whether every live file had its turn: only now the order of those at their end tells who grew last."""
        return self._left <= 0 or not self._live

    def look_again(self, grew: Callable[[Item], bool] = lambda _: True) -> None:
        """Give every file at its end a turn that grew."""
        for item in [item for item in self._at_end if grew(item)]:
            del self._at_end[item]
            self._live.append(item)

    def at_end(self) -> Iterator[Item]:
        """The files at their end, first the one that has been there longest."""
        return iter(self._at_end)

    def remove(self, item: Item) -> None:
        """The file is closed."""
        self._at_end.pop(item, None)
