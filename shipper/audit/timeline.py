"""What became of lines by their event time: per host and input, how many were shipped, are missing, dead or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shipper.audit.findings import Finding, Kind, Outcome
from shipper.records import bucket_of
from shipper.send.output import Period, Scope

_HOUR = 3600
_FINER = ((6 * _HOUR, 60), (24 * _HOUR, 900))
"""What took no longer is shown in shorter steps; both in seconds."""
_FEW = 0.01
"""Such a share of the lines at each end may be left out,"""
_SQUEEZED = 8
"""if the others take this part of the time, or less, and are further from them than they take, or than a day."""
_DAY = 86_400
STEPS = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400, 28 * 86_400, 364 * 86_400)
"""Seconds that one step of a timeline may take."""


class Fate(StrEnum):
    """What became of a line."""

    SHIPPED = "shipped"
    MISSING = "missing"
    DEAD = "dead"
    LOST = "lost"
    OTHER = "other"
    """Altered, unexpected, twice, or not proved."""


_FATES = {Kind.MISSING: Fate.MISSING, Kind.LOST_AT_SOURCE: Fate.LOST}

Origin = tuple[str, str]
"""Host and input."""
Row = dict[Fate, Counter[int]]
"""Lines by fate and by the beginning of their step (seconds since the epoch)."""


@dataclass(slots=True)
class Timeline:
    """Lines by event time."""

    step: int
    """Seconds."""
    rows: dict[Origin, Row] = field(default_factory=dict)
    undated: int = 0
    """Findings whose time nobody knows."""
    far_away: int = 0
    """Lines that `focused` left out."""

    def count(self, origin: Origin, fate: Fate, moment: int, lines: int) -> None:
        """Count lines at a moment (seconds since the epoch)."""
        self.rows.setdefault(origin, {}).setdefault(fate, Counter())[moment // self.step * self.step] += lines

    @property
    def span(self) -> tuple[int, int] | None:
        """Where the first step begins and where the last one ends; None if nothing is in it."""
        moments = [moment for row in self.rows.values() for counts in row.values() for moment in counts]
        return (min(moments), max(moments) + self.step) if moments else None

    def focused(self) -> Timeline:
        """Less the few lines at both ends whose times, wrong ones mostly, would squeeze all others into a corner."""
        weights: Counter[int] = Counter()
        for row in self.rows.values():
            for counts in row.values():
                weights.update(counts)
        first, last = _middle(weights)
        if not weights or (last - first) * _SQUEEZED > max(weights) - min(weights):
            return self
        near = max(last - first, _DAY)
        kept = Timeline(self.step, undated=self.undated)
        for origin, row in self.rows.items():
            for fate, counts in row.items():
                for moment, lines in counts.items():
                    if first - near <= moment <= last + near:
                        kept.count(origin, fate, moment, lines)
                    else:
                        kept.far_away += lines
        return kept

    def coarser(self, step: int) -> Timeline:
        """The same in steps of so many seconds: a multiple of its own."""
        found = Timeline(step, undated=self.undated, far_away=self.far_away)
        found.take(self)
        return found

    def take(self, other: Timeline) -> None:
        """Count the lines of a timeline whose steps are not longer here, too."""
        for origin, row in other.rows.items():
            for fate, counts in row.items():
                for moment, lines in counts.items():
                    self.count(origin, fate, moment, lines)

    def fitting(self, most: int) -> Timeline:
        """The same in at most so many steps, as far as there are steps so long."""
        span = self.span
        longer = [step for step in STEPS if step >= self.step and step % self.step == 0] or [self.step]
        fit = [step for step in longer if span is None or (span[1] - span[0]) / step <= most - 1]
        return self.coarser(fit[0] if fit else longer[-1])


def drawn(
    history: Callable[[int], Iterable[Period]],
    dead: Mapping[str, Mapping[int, int]],
    outcome: Outcome,
    scope: Scope,
) -> Timeline:
    """The timeline of one host's audit; `history` gives what the index holds in steps of so many seconds.

    A finding without a time of its own is placed after what the index holds of the same file before it.
    """
    periods, step = list(history(_HOUR)), _HOUR
    weights: Counter[int] = Counter()
    for period in periods:
        weights[period.start] += period.lines
    first, last = _middle(weights)
    finer = next((short for most, short in _FINER if last - first < most), None)
    if finer is not None:
        periods, step = list(history(finer)), finer
    found = Timeline(step)
    for period in periods:
        found.count((period.host, period.input), Fate.SHIPPED, period.start, period.lines)
    for name, minutes in dead.items():
        if not scope.inputs or name in scope.inputs:
            for minute, lines in minutes.items():
                found.count((scope.host or "", name), Fate.DEAD, minute * 60, lines)
    for finding in outcome.findings:
        _place(found, finding, periods)
    return found


def merged(timelines: Sequence[Timeline]) -> Timeline:
    """Several timelines as one, in the longest of their steps."""
    whole = Timeline(max((timeline.step for timeline in timelines), default=_HOUR))
    for timeline in timelines:
        whole.take(timeline)
        whole.undated += timeline.undated
    return whole


def _middle(weights: Mapping[int, int]) -> tuple[int, int]:
    """Between which moments all but very few lines are."""
    few = sum(weights.values()) * _FEW
    moments = sorted(weights)
    return _passed(moments, weights, few), _passed(moments[::-1], weights, few)


def _passed(moments: Iterable[int], weights: Mapping[int, int], few: float) -> int:
    """The first moment up to which, with it, there are more than a few lines."""
    before = 0
    for moment in moments:
        before += weights[moment]
        if before > few:
            return moment
    return 0


def _place(timeline: Timeline, finding: Finding, periods: Sequence[Period]) -> None:
    origin, fate = (finding.host, finding.input), _FATES.get(finding.kind, Fate.OTHER)
    for minute, lines in finding.minutes.items():
        timeline.count(origin, fate, minute * 60, lines)
    if finding.minutes:
        return
    bucket = bucket_of(finding.offset or 0)
    same = [p for p in periods if (p.input, p.fingerprint) == (finding.input, finding.fingerprint)]
    before = [period.start for period in same if period.bucket <= bucket]
    if before:
        timeline.count(origin, fate, max(before), finding.lines)
    else:
        timeline.undated += 1
