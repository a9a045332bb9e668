"""Natural keys: by which fields a record on disk and a document of an index are known to be the same.

`tstat.c_port=meta.src_port` is one part of a key. Values are compared as text, or with a unit as what they are::

    FIELD[:UNIT][=FIELD_OF_THE_INDEX[:UNIT]][~TOLERANCE]

Times (`s ms us ns date`) may differ by the general tolerance, or by their own; amounts (`B kB MB … bit kbit …`) by
their own, as `~10kB` or `~0.1%`. With the unit `host` names and addresses of one host are equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import NamedTuple

import orjson
from xxhash import xxh3_128_intdigest

from shipper.config.units import duration, size
from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Hosts
from shipper.correlate.quantities import DATE, SIZES, TIMES, is_time, quantity
from shipper.errors import UsageError

HOST = "host"
_PART = re.compile(
    r"(?P<disk>[^:=~,]+)(?::(?P<disk_unit>\w+))?(?:=(?P<index>[^:=~,]+)(?::(?P<index_unit>\w+))?)?(?:~(?P<tolerance>[^,]+))?"
)
_SAME = 5e-7
"""Half a microsecond, or of a byte: no log tells less."""
_UNITS = (HOST, DATE, *TIMES, *SIZES)

KNOWN = {
    "tstat_send": tuple(
        f"tstat.{here}_ip:host=meta.src_ip:host,tstat.{here}_port=meta.src_port,"
        f"tstat.{there}_ip:host=meta.dst_ip:host,tstat.{there}_port=meta.dst_port,event.start:date=start:s"
        for here, there in ("cs", "sc")
    ),
    "filebeat": ("log.file.path,log.offset",),
    "message": ("message",),
}
"""Keys by name. A sender may write a document for each direction of a flow: any of several keys will do."""


class Values(NamedTuple):
    """What a key makes of a record or document."""

    exact: int
    """Hash of what must be equal: there may be millions."""
    measured: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A field with its unit, on one of the two sides."""

    field: str
    unit: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a key."""

    disk: Side
    index: Side
    tolerance: float = 0.0
    """Seconds or bytes."""
    relative: float = 0.0
    """Of the value on disk."""

    @property
    def is_measured(self) -> bool:
        """Whether values may differ a little."""
        return self.disk.unit not in ("", HOST)

    @property
    def is_time(self) -> bool:
        """Whether it is a time."""
        return is_time(self.disk.unit)

    def allowed(self, value: float) -> float:
        """How far another may be from a value; at least what doubles of that size cannot tell apart."""
        return self.tolerance + self.relative * abs(value) + max(_SAME, abs(value) * 1e-15)


@dataclass(frozen=True)
class Key:
    """All parts of a key; the first time among them tells when a record or document happened."""

    parts: tuple[Part, ...]
    hosts: Hosts
    zone: tzinfo = UTC
    """Of dates that name none."""

    def on_disk(self, entry: Entry) -> Values | None:
        """The values of a record; None if one is not there."""
        return self._values(entry, self._disk)

    def in_index(self, entry: Entry) -> Values | None:
        """The values of a document; None if one is not there."""
        return self._values(entry, self._index)

    @cached_property
    def measured(self) -> tuple[Part, ...]:
        """The parts in which values may differ a little."""
        return tuple(part for part in self.parts if part.is_measured)

    def bounds(self, disk: Values) -> tuple[float, float]:
        """Between what the first measured value of a document must lie to be near that of a record."""
        here = disk.measured[0]
        allowed = self.measured[0].allowed(here)
        return here - allowed, here + allowed

    def distance(self, disk: Values, index: Values) -> float | None:
        """How far the measured values of both are apart, in tolerances; None if one is too far."""
        total = 0.0
        for part, here, there in zip(self.measured, disk.measured, index.measured, strict=True):
            apart, allowed = abs(here - there), part.allowed(here)
            if apart > allowed:
                return None
            total += apart / allowed
        return total

    def time(self, values: Values) -> float | None:
        """When it happened, in seconds since the epoch; None if the key holds no time."""
        pairs = zip(self.measured, values.measured, strict=True)
        return next((value for part, value in pairs if part.is_time), None)

    def fields(self) -> str:
        """The fields on both sides, for messages."""
        return ", ".join(f"{part.disk.field}={part.index.field}" for part in self.parts)

    @cached_property
    def _disk(self) -> list[tuple[Part, Side, bool]]:
        return [(part, part.disk, part.is_measured) for part in self.parts]

    @cached_property
    def _index(self) -> list[tuple[Part, Side, bool]]:
        return [(part, part.index, part.is_measured) for part in self.parts]

    def _values(self, entry: Entry, sides: Sequence[tuple[Part, Side, bool]]) -> Values | None:
        exact: list[tuple[str, bool]] = []
        measured: list[float] = []
        at: float | None = None
        for part, side, is_measured in sides:
            value = entry.value(side.field)
            if value is None:
                return None
            if not is_measured:
                exact.append((_text(value), side.unit == HOST))
                continue
            amount = quantity(value, side.unit, self.zone)
            if amount is None:
                return None
            at = amount if at is None and part.is_time else at
            measured.append(amount)
        names = [self.hosts.of(text, at or 0.0) if is_host else text for text, is_host in exact]
        return Values(xxh3_128_intdigest(orjson.dumps(names)), tuple(measured))


def parse_keys(texts: Sequence[str], tolerance: float, hosts: Hosts, zone: tzinfo = UTC) -> list[Key]:
    """The keys of `--key`, any of which will do. Raises UsageError."""
    written = [key for text in texts for key in KNOWN.get(text, (text,))]
    return [Key(tuple(_part(word, tolerance) for word in text.split(",")), hosts, zone) for text in written]


def _part(word: str, tolerance: float) -> Part:
    match = _PART.fullmatch(word.strip())
    if match is None:
        raise UsageError(
            f"--key: {word!r} is neither one of {', '.join(KNOWN)} nor FIELD[:UNIT][=FIELD[:UNIT]][~TOLERANCE]."
        )
    disk = Side(match["disk"].strip(), match["disk_unit"] or "")
    index = Side((match["index"] or match["disk"]).strip(), match["index_unit"] or match["disk_unit"] or "")
    if match["index"] and match["index_unit"] and not match["disk_unit"]:
        raise UsageError(f"--key: {word}: both sides need a unit, or none.")
    for unit in (disk.unit, index.unit):
        if unit and unit not in _UNITS:
            raise UsageError(f"--key: {word}: {unit!r} is none of the units {', '.join(_UNITS)}.")
    if _kind(disk.unit) != _kind(index.unit):
        raise UsageError(f"--key: {word}: {disk.unit} and {index.unit} are units of different things.")
    return Part(disk, index, *_tolerance(match["tolerance"], disk.unit, tolerance, word))


def _kind(unit: str) -> str:
    return "time" if is_time(unit) else "size" if unit in SIZES else unit


def _tolerance(text: str | None, unit: str, general: float, word: str) -> tuple[float, float]:
    kind = _kind(unit)
    if text is None:
        return (general if kind == "time" else 0.0), 0.0
    try:
        if text.endswith("%"):
            return 0.0, float(text[:-1]) / 100
        if kind == "time":
            return duration(text), 0.0
        if kind == "size":
            return float(size(text)), 0.0
    except ValueError as error:
        raise UsageError(f"--key: {word}: {error}") from error
    raise UsageError(f"--key: {word}: only times and amounts can have a tolerance; give their units.")


def _text(value: object) -> str:
    """One text for a number, whether it is written as an integer, as a float or as text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
