"""Finds inputs that are read more slowly than they are written: their unread part grows and does not shrink again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shipper.settings import MIB

LEAST = MIB
"""Bytes by which it must have grown: a writer that has just filled its buffer is no slowdown."""
_STEPS = 30
"""Samples that are kept of a whole period."""


class Slowdown(NamedTuple):
    """An input whose unread part grew."""

    began: int
    """Bytes unread at the beginning,"""
    ended: int
    """and at the end"""
    seconds: float
    """of so many seconds."""

    def sentence(self, *, output_is_slow: bool) -> str:
        """What is wrong."""
        cause = "the output takes less than is written" if output_is_slow else "it is read more slowly than written"
        minutes = f"{self.seconds / 60:.0f} minutes" if self.seconds >= 120 else f"{self.seconds:.0f} seconds"
        return f"its unread part grew by {(self.ended - self.began) / MIB:.0f} MiB within {minutes}: {cause}"


class Slowdowns:
    """The unread bytes of each input over the last minutes."""

    def __init__(self, period: float) -> None:
        """`period`: seconds for which the unread part of an input must grow before that is a slowdown."""
        self._period = period
        self._samples: dict[str, deque[tuple[float, int]]] = {}
        self._due = -math.inf
        self._found: dict[str, Slowdown] = {}

    def is_due(self, now: float) -> bool:
        """Whether it is time for another look."""
        return now >= self._due

    def look(self, unread: Mapping[str, int], now: float) -> None:
        """The unread bytes of each input at a monotonic time."""
        self._due = now + self._period / _STEPS
        for name, size in unread.items():
            samples = self._samples.setdefault(name, deque())
            # Where less is unread than then, it did not grow since then.
            while samples and samples[-1][1] >= size:
                samples.pop()
            samples.append((now, size))
            while len(samples) > 1 and now - samples[1][0] >= self._period:
                samples.popleft()
        self._found = {name: found for name, each in self._samples.items() if (found := self._judge(each))}

    def found(self) -> Mapping[str, Slowdown]:
        """By input: those that are slowed down, as of the last look."""
        return self._found

    def _judge(self, samples: Sequence[tuple[float, int]]) -> Slowdown | None:
        (began, least), (ended, most) = samples[0], samples[-1]
        grew = ended - began >= self._period and most - least >= LEAST
        return Slowdown(least, most, ended - began) if grew else None
