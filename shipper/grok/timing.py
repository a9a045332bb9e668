"""How long lines took, in bounded memory: percentiles without keeping every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

FINE = 100
"""Nanoseconds of a step below `COARSE_FROM`."""
COARSE_FROM = 1_000_000
COARSE = 100_000


class Timing:
    """Counts times in steps of 0.1 µs up to a millisecond, and of 0.1 ms beyond; the longest is kept exactly."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0
        """Nanoseconds."""
        self._steps: Counter[int] = Counter()

    def add(self, times: Iterable[int]) -> None:
        """Count some times in nanoseconds."""
        for time in times:
            step = FINE if time < COARSE_FROM else COARSE
            self._steps[time - time % step] += 1
            self.count += 1
            self.longest = max(self.longest, time)

    def percentile(self, share: float) -> float | None:
        """Microseconds that this share (0 to 1) of the lines did not exceed, to the step; None without lines."""
        wanted = share * self.count
        passed = 0
        for time, count in sorted(self._steps.items()):
            passed += count
            if passed >= wanted:
                return time / 1000
        return None
