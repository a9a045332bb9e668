"""When to look for new, renamed and vanished files: pure, `now` is passed in."""

from __future__ import annotations

BREATH = 0.25
"""Least seconds between two looks: a busy writer must not make a busy reader."""
SHARE = 0.05
"""Of the time at most that looking may take: with 20,000 files one look takes a quarter of a second."""


class Rescans:
    """Looks at regular intervals, earlier when names changed, never more often than looking is worth."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._earliest = 0.0
        self.due = 0.0
        """Monotonic time of the next look."""

    def looked(self, started: float, ended: float) -> None:
        """A look was taken between these times."""
        self._earliest = ended + max(BREATH, (ended - started) / SHARE)
        self.due = max(ended + self._interval, self._earliest)

    def names_changed(self) -> None:
        """A file appeared, vanished or was renamed."""
        self.due = min(self.due, self._earliest)
