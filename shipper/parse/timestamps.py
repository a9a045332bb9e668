"""Reads times exactly: decimal digits stay text, local times become UTC, what is missing is asked of the file's clock.

A moment is never a float: epoch milliseconds with six decimals keep all nineteen digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from shipper.parse.directives import ISO8601, Translation, translate
from shipper.parse.walls import Wall, naive_of, seconds_of, wall_of
from shipper.parse.zones import candidates

NS = 1_000_000_000
_MEMORY = 4096
_TO_NS = tuple(10 ** (9 - digits) for digits in range(10))
_EARLIEST = -(1 << 63) // NS + 1
_LATEST = (1 << 63) // NS - 1


class Moment(NamedTuple):
    """A point in time and its RFC 3339 text, in UTC with the digits of the log."""

    ns: int
    """Nanoseconds since the epoch."""
    text: str


class Clock(Protocol):
    """What a file knows about time: needed where a text does not say it all."""

    def complete(self, wall: Wall) -> datetime | None:
        """Date and time of a wall-clock reading that lacks year or date; None if there is no such day."""

    def choose(self, seconds: tuple[int, ...], *, exists: bool) -> int:
        """One of the times that a local time can mean (seconds since the epoch)."""


class Format(Protocol):
    """One way in which a log writes times."""

    needs_zone: bool
    takes_zone: bool
    """Whether a zone makes a difference, needed or not."""
    has_year: bool
    has_date: bool

    def read(self, text: str, clock: Clock) -> Moment | None:
        """The moment that the text means, None if it is not of this format."""

    def wall(self, text: str) -> Wall | None:
        """What the text says, None if it is not of this format."""


def time_format(text: str, zone: ZoneInfo | None) -> Format:
    """The format for its name or directives; raises UnknownDirective."""
    if text == "epoch_s":
        return EpochFormat(0)
    if text == "epoch_ms":
        return EpochFormat(3)
    if text == "iso8601":
        return WallFormat(Translation(ISO8601), zone, needs_zone=False)
    return WallFormat(translate(text), zone, needs_zone="%z" not in text)


class EpochFormat:
    """Decimal seconds since the epoch, or a thousandth of them (`shift` 3)."""

    needs_zone = False
    takes_zone = False
    has_year = True
    has_date = True
    _decimal = re.compile(r"([0-9]{1,16})(?:\.([0-9]+))?")

    def __init__(self, shift: int) -> None:
        self._shift = shift

    def read(self, text: str, clock: Clock) -> Moment | None:  # noqa: ARG002 - the text says it all
        """The moment, exactly."""
        found = self._decimal.fullmatch(text)
        if not found:
            return None
        whole, fraction = found[1], found[2] or ""
        if self._shift:
            whole = whole.zfill(self._shift + 1)
            fraction = whole[-self._shift :] + fraction
            whole = whole[: -self._shift]
        return moment(int(whole), fraction)

    def wall(self, text: str) -> Wall | None:  # noqa: ARG002 - part of the protocol
        """Never asked: nothing is missing."""
        return None


class WallFormat:
    """Calendar and clock readings, in a zone of their own or in the given one."""

    def __init__(self, translation: Translation, zone: ZoneInfo | None, *, needs_zone: bool) -> None:
        self._regex = re.compile(translation.pattern)
        self._padded = translation.padded
        self._zone = zone
        self.needs_zone = needs_zone
        self.takes_zone = needs_zone or translation.pattern == ISO8601
        groups = self._regex.groupindex
        self.has_year = "year" in groups
        self.has_date = "day" in groups and "month" in groups
        self._has_fraction = "fraction" in groups
        self._width = translation.width
        self._digits = translation.padded or 9
        self._walls: dict[str, Wall | None] = {}
        self._seconds: dict[str, tuple[int, str]] = {}

    def read(self, text: str, clock: Clock) -> Moment | None:
        """The moment; where the text leaves a choice, the clock decides."""
        if self._width:
            known = self._seconds.get(text[: self._width])
            fraction = text[self._width :]
            if known is not None and fraction.isdecimal() and fraction.isascii() and len(fraction) <= self._digits:
                if self._padded:
                    fraction = fraction.zfill(self._padded)
                return _moment_of(known, fraction)
        found = self._regex.fullmatch(text)
        if not found:
            return None
        head, fraction = self._split(text, found)
        known = self._seconds.get(head)
        if known is None:
            second, final = self._resolve(head, found, clock)
            if second is None:
                return None
            known = second, rfc3339_second(second)
            if final:
                _remember(self._seconds, head, known)
        if not fraction:
            return Moment(known[0] * NS, known[1] + "Z")
        return _moment_of(known, fraction) if len(fraction) <= 9 else moment(known[0], fraction)

    def together(self, texts: Sequence[str], clock: Clock) -> list[str] | None:
        """The RFC 3339 texts of many, or None: where one is of another length, or of a second that takes thought."""
        width, seconds = self._width, self._seconds
        fractions = [text[width:] for text in texts]
        digits = "".join(fractions)
        longest, shortest = max(map(len, fractions)), min(map(len, fractions))
        if not width or not (digits.isascii() and digits.isdecimal()) or shortest == 0 or longest > self._digits:
            return None
        if shortest < self._padded:
            fractions = [fraction.zfill(self._padded) for fraction in fractions]
        heads = [text[:width] for text in texts]
        for text, head in zip(texts, heads, strict=True):
            if head not in seconds and (self.read(text, clock) is None or head not in seconds):
                return None
        try:
            return [f"{seconds[head][1]}.{fraction}Z" for head, fraction in zip(heads, fractions, strict=True)]
        except KeyError:  # the memory was full, and was cleared in between
            return None

    def wall(self, text: str) -> Wall | None:
        """What the text says."""
        found = self._regex.fullmatch(text)
        return self._wall(self._split(text, found)[0], found) if found else None

    def _split(self, text: str, found: re.Match[str]) -> tuple[str, str]:
        if not self._has_fraction:
            return text, ""
        start, end = found.span("fraction")
        if start < 0:
            return text, ""
        return text[:start] + text[end:], text[start:end].zfill(self._padded)

    def _resolve(self, head: str, found: re.Match[str], clock: Clock) -> tuple[int | None, bool]:
        """Seconds since the epoch, and whether this text always means them."""
        wall = self._wall(head, found)
        if wall is None or (wall.offset is None and self._zone is None):
            return None, False
        complete = wall.year is not None and wall.day is not None
        naive = naive_of(wall) if complete else clock.complete(wall)
        if naive is None or not 1680 < naive.year < 2260:
            return None, False
        if wall.offset is not None:
            return seconds_of(naive) - wall.offset, complete
        assert self._zone is not None
        seconds, exists = candidates(naive, self._zone)
        if len(seconds) == 1 and exists:
            return seconds[0], complete
        return clock.choose(seconds, exists=exists), False

    def _wall(self, head: str, found: re.Match[str]) -> Wall | None:
        if head not in self._walls:
            _remember(self._walls, head, wall_of(found.groupdict()))
        return self._walls[head]


class TimeReader:
    """Reads the times of one field: the first format that fits."""

    def __init__(self, field: str, formats: Sequence[Format]) -> None:
        self.field = field
        self.formats = tuple(formats)
        self.read: Callable[[str, Clock], Moment | None] = self.formats[0].read if len(formats) == 1 else self._first
        """The moment that a text means, or None."""
        self.needs_date = any(not (known.has_year and known.has_date) for known in self.formats)
        """Whether a format lacks year or date."""

    def _first(self, text: str, clock: Clock) -> Moment | None:
        for known in self.formats:
            found = known.read(text, clock)
            if found is not None:
                return found
        return None

    def together(self, texts: Sequence[str], clock: Clock) -> list[str] | None:
        """The RFC 3339 texts that many mean, if the first format reads all of them without looking at each."""
        first = self.formats[0]
        return first.together(texts, clock) if isinstance(first, WallFormat) else None

    def wall(self, text: str) -> Wall | None:
        """What the text says, by the first format that fits."""
        for known in self.formats:
            found = known.wall(text)
            if found is not None:
                return found
        return None


def moment(second: int, fraction: str) -> Moment | None:
    """A moment of whole seconds and decimal digits, rounded to nanoseconds; None beyond what 64 bits of them hold."""
    if len(fraction) > 9:
        ns = int(fraction[:9]) + (fraction[9] >= "5")
        second, ns = (second + 1, 0) if ns == NS else (second, ns)
        fraction = f"{ns:09d}"
    if not _EARLIEST < second < _LATEST:
        return None
    text = f"{rfc3339_second(second)}.{fraction}Z" if fraction else f"{rfc3339_second(second)}Z"
    return Moment(second * NS + int(fraction.ljust(9, "0") if fraction else 0), text)


def rfc3339_second(second: int) -> str:
    """`2026-11-22T02:16:21` for seconds since the epoch."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _moment_of(known: tuple[int, str], fraction: str) -> Moment:
    """A moment of a second, with its text, and at most nine digits."""
    new = tuple.__new__  # half the price of Moment(…), and there is one for each line
    return new(Moment, (known[0] * NS + int(fraction) * _TO_NS[len(fraction)], f"{known[1]}.{fraction}Z"))


def _remember(memory: dict[str, Any], key: str, value: Any) -> None:
    if len(memory) >= _MEMORY:
        memory.clear()
    memory[key] = value
