"""What stands still is told at once, then ever rarer, and once more when it is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shipper.clock import Clock
from shipper.events_log import EventsLog

FIRST_REMINDER = 60.0
"""Seconds until the first reminder; each further one takes twice as long,"""
LONGEST_SILENCE = 3600.0
"""but not longer than this."""


class Standstill(NamedTuple):
    """Something that stands still."""

    scope: str
    """What: `output`, `dataset tstat.tcp`, `file /var/log/x` …"""
    reason: str
    since: float
    """Seconds since the epoch."""

    @property
    def kind(self) -> str:
        """The first word of the scope."""
        return self.scope.partition(" ")[0]


class Rarely:
    """When to say again what was said before: after a first pause, then after twice as long, up to the longest."""

    def __init__(self, now: float, first: float = FIRST_REMINDER) -> None:
        """`now` in seconds: it was said just then."""
        self._pause = first
        self._due = now + first

    def due(self, now: float) -> bool:
        """Whether it is time; if so, the next time is later."""
        if now < self._due:
            return False
        self._pause = min(2 * self._pause, LONGEST_SILENCE)
        self._due = now + self._pause
        return True


_BEGINNINGS_TOLD = frozenset({"output", "dataset", "file", "pipeline", "fleet"})
"""Kinds whose beginning is told where it is found, with more detail."""
_ENDS_TOLD = frozenset({"output", "dataset", "pipeline", "fleet"})


class Reminders:
    """Tells the log of what stands still and is told nowhere else, and reminds of everything that does.

    Of several files, or several datasets, it reminds in one line.
    """

    def __init__(self, clock: Clock, events: EventsLog) -> None:
        self._clock = clock
        self._events = events
        self._known: dict[str, Standstill] = {}
        self._kinds: dict[str, Rarely] = {}

    def look(self, standstills: Sequence[Standstill]) -> None:
        """These are all that stand still now."""
        if not standstills and not self._known:
            return
        before, self._known = self._known, {each.scope: each for each in standstills}
        self._tell_changes(before)
        kinds: dict[str, list[Standstill]] = defaultdict(list)
        for each in standstills:
            kinds[each.kind].append(each)
        now = self._clock.monotonic()
        self._kinds = {kind: self._kinds.get(kind) or Rarely(now) for kind in kinds}
        for kind, members in kinds.items():
            if self._kinds[kind].due(now):
                self._remind(members)

    def _tell_changes(self, before: Mapping[str, Standstill]) -> None:
        for scope in self._known.keys() - before.keys():
            if self._known[scope].kind not in _BEGINNINGS_TOLD:
                self._events.warning("stalled", scope=scope, reason=self._known[scope].reason)
        for scope in before.keys() - self._known.keys():
            if before[scope].kind not in _ENDS_TOLD:
                self._events.info("stall_over", scope=scope, stalled_seconds=self._seconds(before[scope]))

    def _remind(self, members: Sequence[Standstill]) -> None:
        first = min(members, key=lambda each: each.since)
        more = {"others": len(members) - 1} if len(members) > 1 else {}
        seconds = self._seconds(first)
        self._events.warning("still_stalled", scope=first.scope, reason=first.reason, stalled_seconds=seconds, **more)

    def _seconds(self, standstill: Standstill) -> float:
        return round(self._clock.time() - standstill.since, 3)
