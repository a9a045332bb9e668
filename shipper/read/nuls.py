"""NULs in a log: bytes that a crash or a network file system has not filled in yet, or a hole that will stay."""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

SETTLE = 5.0
"""Seconds after which bytes are taken as final: NULs of a crash, the end of a file without a name."""


class NulHold:
    """Keeps lines with NULs from being read until they, and what was seen after them, stayed unchanged for a while.

    A file that grows on behind a hole is held no longer for that.
    """

    def __init__(self) -> None:
        self._settled = 0
        """Offset in the file; NULs before it are content."""
        self._first = self._end = -1
        """Offsets of the first NUL that is held, and of the end of what was seen with it."""
        self._digest = 0
        self._since = 0.0

    def readable(self, data: bytes, position: int, now: float, *, at_end: bool) -> int:
        """How many bytes of `data`, which stands at `position`, may be read now: all, or the lines before the NULs."""
        while (nul := data.find(b"\0", max(0, self._settled - position))) >= 0:
            if self._is_held(data, position, position + nul, now, at_end=at_end):
                return data.rfind(b"\n", 0, nul) + 1
            self._settled = self._end
        return len(data)

    def _is_held(self, data: bytes, position: int, first: int, now: float, *, at_end: bool) -> bool:
        end = position + len(data)
        if first == self._first and now > self._since:
            if end < self._end and not at_end:
                return True  # a wider look will tell
            if xxh3_64_intdigest(data[first - position : self._end - position]) == self._digest:
                return now - self._since < SETTLE
        self._first, self._end, self._since = first, end, now
        self._digest = xxh3_64_intdigest(data[first - position :])
        return True
