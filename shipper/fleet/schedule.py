"""What an input is expected to bring in which period, and what of it did not come. No input, no output; UTC alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import NamedTuple

from shipper.audit.findings import Cause, Kind
from shipper.settings import Band, Expectation

LEARNED_FROM = 100
"""Periods at most from which a band is learned,"""
LEAST = 5
"""and at least: of fewer nobody knows what is usual."""
LOOK_BACK = 7 * 86_400.0
"""Seconds, but never less than"""
LEAST_PERIODS = 24
"""so many periods, that are looked at."""
_DEVIATIONS = 5
_FACTOR = 2


class Amount(NamedTuple):
    """What came in one period of event time."""

    lines: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Deviation:
    """Adjacent periods of which the same is to be said. Times are in seconds since the epoch."""

    kind: Kind
    cause: Cause
    first: int
    """Start of the first period."""
    last: int
    """Start of the last one."""
    found: Amount
    """What came in all of them."""
    band: str = ""
    """What was expected of the last one, and how that is known."""


def looked_at_from(expect: Expectation, now: float) -> int:
    """The start of the first period of which anything needs to be known."""
    span = max(LOOK_BACK, LEAST_PERIODS * expect.every) + LEARNED_FROM * expect.every
    return max(0, _start_of(now - span, expect))


def deviations(expect: Expectation, came: Mapping[int, Amount], since: float, now: float) -> list[Deviation]:
    """What is late, missing or unusual among the periods that are due.

    `came` has what came from `looked_at_from` on, by start of the period. `since`: when the agent was started, from
    which on something is expected also of an input that brought nothing before. The period in which an input begins,
    or that was looked at first, may be a part of one, and is not judged.
    """
    looked_at = looked_at_from(expect, now) + LEARNED_FROM * int(expect.every)
    known = [start for start, amount in came.items() if amount.lines]
    begins = min([*known, _start_of(since, expect)])
    first = max(begins + int(expect.every), looked_at)
    judged = (_judged(expect, came, start, now) for start in _due(expect, first, now))
    return list(_together(expect, [found for found in judged if found is not None]))


def learned(before: Sequence[int]) -> Band | None:
    """What is usual after these amounts; None if they are too few to tell."""
    if len(before) < LEAST:
        return None
    middle = median(before)
    spread = _DEVIATIONS * median(abs(amount - middle) for amount in before)
    least = min(middle / _FACTOR, middle - spread)
    return max(0, math.floor(least)), math.ceil(max(middle * _FACTOR, middle + spread))


def _start_of(moment: float, expect: Expectation) -> int:
    return int(moment // expect.every * expect.every)


def _due(expect: Expectation, first: int, now: float) -> Iterator[int]:
    """The starts of periods whose lines are due."""
    every = int(expect.every)
    return iter(range(first, math.floor(now - expect.by) - every + 1, every))


def _judged(expect: Expectation, came: Mapping[int, Amount], start: int, now: float) -> Deviation | None:
    found = came.get(start, Amount())
    if not found.lines:
        if _may_be_empty(expect):
            return None
        latest = now < start + 2 * expect.every + expect.by
        return Deviation(Kind.LATE, Cause.OVERDUE if latest else Cause.NEVER_CAME, start, start, found)
    for unit, wanted in (("lines", expect.lines), ("bytes", expect.bytes)):
        band, how = _band(wanted, unit, expect, came, start)
        if band is None:
            continue
        amount = getattr(found, unit)
        if not band[0] <= amount <= band[1]:
            cause = Cause.FEWER if amount < band[0] else Cause.MORE
            return Deviation(Kind.UNUSUAL, cause, start, start, found, f"{band[0]:,} to {band[1]:,} {unit} {how}")
    return None


def _may_be_empty(expect: Expectation) -> bool:
    return isinstance(expect.lines, tuple) and expect.lines[0] == 0


def _band(
    wanted: Band | str | None, unit: str, expect: Expectation, came: Mapping[int, Amount], start: int
) -> tuple[Band | None, str]:
    """The band for one period, and in words where it comes from."""
    if not isinstance(wanted, str):
        return wanted, "are configured"
    earlier = (came.get(start - number * int(expect.every), Amount()) for number in range(1, LEARNED_FROM + 1))
    amounts = [getattr(amount, unit) for amount in earlier if amount.lines]
    middle = median(amounts) if amounts else 0
    return learned(amounts), f"are usual after {len(amounts)} periods with a median of {middle:,.0f}"


def _together(expect: Expectation, found: Sequence[Deviation]) -> Iterator[Deviation]:
    """Adjacent ones of the same kind and cause as one."""

    def run(numbered: tuple[int, Deviation]) -> tuple[Kind, Cause, int]:
        number, one = numbered
        return one.kind, one.cause, one.first - number * int(expect.every)

    for _, members in groupby(enumerate(found), run):
        ones = [one for _, one in members]
        whole = Amount(sum(one.found.lines for one in ones), sum(one.found.bytes for one in ones))
        last = ones[-1]
        yield Deviation(last.kind, last.cause, ones[0].first, last.first, whole, last.band)
