"""Records on disk against documents of an index that others filled: by natural keys, each once. No input, no output.

A document may answer to one record, and a record is there if one document answers to it. A second document that says
the same is a duplicate, and hides no record that is missing. What cannot be compared, because it lacks the fields of
the key, is counted, and called neither there nor missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_64_intdigest

from shipper.correlate.assignment import Edge, assign
from shipper.correlate.entries import Entry
from shipper.correlate.keys import Key, Values
from shipper.correlate.quantities import DATE, quantity
from shipper.errors import UsageError

INGESTION = ("@timestamp", "@version")
"""Fields that tell when a document came in, not what it says."""
_NOTHING: Mapping[str, Any] = {}


class Row(NamedTuple):
    """A record or document, without its content."""

    entry: Entry
    values: tuple[Values | None, ...]
    """By each of the keys."""
    content: int = 0
    """Hash of what a document says, but for the fields of its arrival."""
    skipped: bool = False
    """Whether it is one that the sender leaves out by intention."""
    inside: bool = True
    """Whether it may have happened in the span of time that is told of."""


class Span(NamedTuple):
    """A span of time, in seconds since the epoch, both ends within it; None is without end."""

    since: float | None = None
    until: float | None = None

    def holds(self, at: float | None) -> bool:
        """Whether something of that time is in it; where nobody knows the time, it may be."""
        if at is None:
            return True
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


EVERYTHING = Span()


@dataclass(slots=True)
class Side:
    """One of the two sides, as it was read."""

    rows: list[Row] = field(default_factory=list)
    unkeyed: list[Entry] = field(default_factory=list)
    """Without content: those that lack a field of the key."""
    copies: int = 0
    """Records that stand in a copy of their file, too."""


class Duplicates(NamedTuple):
    """Documents that say the same."""

    rows: tuple[Row, ...]
    identical: bool
    """In all but the fields of their arrival."""


@dataclass(slots=True)
class Against:
    """What came of a comparison."""

    keys: Sequence[Key]
    disk: Side
    index: Side
    matched: int
    missing: list[Row]
    filtered: list[Row]
    """Not in the index, and left out by intention."""
    unexpected: list[Row]
    """Documents to which no record belongs, with their duplicates."""
    duplicates: list[Duplicates]
    index_read_at: float
    """Seconds since the epoch."""
    span: Span = EVERYTHING
    """Everything else here is limited to it."""
    covered: tuple[float, float] | None = None
    """When the first and the last of all records on disk happened, as far as the key tells."""

    @property
    def unexpected_distinct(self) -> int:
        """Of the unexpected documents those that differ in their keys."""
        return len({_first(row) for row in self.unexpected})

    @property
    def duplicate_documents(self) -> int:
        """Documents beyond the first of each key."""
        return sum(len(group.rows) - 1 for group in self.duplicates)

    def time(self, row: Row) -> float | None:
        """When a record or document happened; None if the key holds no time."""
        return _time(self.keys, row.values)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is told of all that is compared."""

    span: Span = EVERYTHING
    zone: tzinfo = UTC
    """Of times that name none."""
    skips: Callable[[Entry], bool] = lambda entry: False  # noqa: ARG005
    """Which records the sender leaves out by intention."""


def compare_keys(
    records: Iterable[Entry],
    documents: Iterable[Entry],
    keys: Sequence[Key],
    now: Callable[[], float],
    wanted: Wanted | None = None,
) -> Against:
    """Compare. Raises UsageError where a key fits nothing at all, or nothing is of the time that is wanted.

    All is compared with all, whatever span is wanted: what lies at its ends may belong to what lies beyond them.
    """
    wanted = wanted or Wanted()
    disk = _read_disk(records, keys, wanted)
    _require_some(disk, keys, "record on disk")
    read_at = now()
    index = _read_index(documents, keys, wanted)
    _require_some(index, keys, "document of the index")
    pairs = _pairs(disk.rows, index.rows, keys)
    for document, record in pairs.items():
        index.rows[document] = index.rows[document]._replace(inside=disk.rows[record].inside)
    answered, used = set(pairs.values()), set(pairs)
    groups = _same(index.rows)
    repeats = {number for group in groups for number in group if number not in used and used & set(group)}
    absent = [row for number, row in enumerate(disk.rows) if number not in answered and row.inside]
    found = Against(
        keys=keys,
        disk=_inside(disk),
        index=_inside(index),
        matched=sum(disk.rows[number].inside for number in answered),
        missing=[row for row in absent if not row.skipped],
        filtered=[row for row in absent if row.skipped],
        unexpected=[
            row for number, row in enumerate(index.rows) if number not in used and number not in repeats and row.inside
        ],
        duplicates=[group for group in _duplicates(groups, index.rows, pairs) if any(row.inside for row in group.rows)],
        index_read_at=read_at,
        span=wanted.span,
        covered=_covered(disk.rows, keys),
    )
    if (disk.rows or index.rows) and not (found.disk.rows or found.disk.unkeyed or found.index.rows):
        raise UsageError("--since and --until: neither a record on disk nor a document is of that time.")
    return found


def _read_disk(records: Iterable[Entry], keys: Sequence[Key], wanted: Wanted) -> Side:
    side, seen = Side(), set[str]()
    for entry in records:
        if entry.id in seen:
            side.copies += 1
            continue
        seen.add(entry.id)
        values = tuple(key.on_disk(entry) for key in keys)
        bare = entry._replace(fields=_NOTHING)
        inside = _is_inside(entry, keys, values, wanted)
        if any(values):
            side.rows.append(Row(bare, values, skipped=wanted.skips(entry), inside=inside))
        elif inside:
            side.unkeyed.append(bare)
    return side


def _read_index(documents: Iterable[Entry], keys: Sequence[Key], wanted: Wanted) -> Side:
    side = Side()
    for entry in documents:
        values = tuple(key.in_index(entry) for key in keys)
        bare = entry._replace(fields=_NOTHING)
        inside = _is_inside(entry, keys, values, wanted)
        if any(values):
            side.rows.append(Row(bare, values, _content(entry), inside=inside))
        elif inside:
            side.unkeyed.append(bare)
    return side


def _is_inside(entry: Entry, keys: Sequence[Key], values: Sequence[Values | None], wanted: Wanted) -> bool:
    """By the time of the key; where it has none, by `@timestamp`."""
    if wanted.span == EVERYTHING:
        return True
    at = _time(keys, values)
    return wanted.span.holds(quantity(entry.value("@timestamp"), DATE, wanted.zone) if at is None else at)


def _time(keys: Sequence[Key], values: Sequence[Values | None]) -> float | None:
    times = (key.time(found) for key, found in zip(keys, values, strict=True) if found is not None)
    return next(times, None)


def _inside(side: Side) -> Side:
    return Side([row for row in side.rows if row.inside], side.unkeyed, side.copies)


def _covered(rows: Iterable[Row], keys: Sequence[Key]) -> tuple[float, float] | None:
    times = [at for row in rows if (at := _time(keys, row.values)) is not None]
    return (min(times), max(times)) if times else None


def _require_some(side: Side, keys: Sequence[Key], what: str) -> None:
    if side.unkeyed and not side.rows:
        wanted = "; or ".join(key.fields() for key in keys)
        raise UsageError(f"--key: not one of {len(side.unkeyed):,} has the fields of the key ({what}): {wanted}.")


def _pairs(disk: Sequence[Row], index: Sequence[Row], keys: Sequence[Key]) -> dict[int, int]:
    """Document -> record, by the first key that brings them together."""
    pairs: dict[int, int] = {}
    for number, key in enumerate(keys):
        told = {_first(index[place]) for place in pairs}
        fresh = [place for place, row in enumerate(index) if not told or _first(row) not in told]
        documents = _by_exact(index, fresh, number)
        for exact, records in _by_exact(disk, range(len(disk)), number).items():
            if exact in documents:
                here = [(place, _at(disk, place, number)) for place in records]
                there = [(place, _at(index, place, number)) for place in documents[exact]]
                pairs.update(assign(_edges(key, here, there), dict.fromkeys(records, 1)))
    return pairs


def _by_exact(rows: Sequence[Row], places: Iterable[int], number: int) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for place in places:
        values = rows[place].values[number]
        if values is not None:
            groups[values.exact].append(place)
    return groups


def _at(rows: Sequence[Row], place: int, number: int) -> Values:
    values = rows[place].values[number]
    assert values is not None
    return values


def _edges(key: Key, records: Sequence[tuple[int, Values]], documents: Sequence[tuple[int, Values]]) -> Iterator[Edge]:
    """Those whose measured values are near enough. All have the same exact values."""
    if not key.measured:
        # Which of them belong together makes no difference, and all with all would be very many.
        yield from (Edge(0.0, record, document) for (record, _), (document, _) in zip(records, documents, strict=False))
        return
    ordered = sorted(documents, key=lambda item: item[1].measured)
    firsts = [values.measured[0] for _, values in ordered]
    for record, here in records:
        low, high = key.bounds(here)
        for document, there in ordered[bisect_left(firsts, low) : bisect_right(firsts, high)]:
            distance = key.distance(here, there)
            if distance is not None:
                yield Edge(distance, record, document)


def _same(rows: Sequence[Row]) -> list[list[int]]:
    """Documents with equal keys, in groups of two or more."""
    groups: dict[Values, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[_first(row)].append(number)
    return [group for group in groups.values() if len(group) > 1]


def _duplicates(groups: Iterable[Sequence[int]], rows: Sequence[Row], pairs: Mapping[int, int]) -> Iterator[Duplicates]:
    """Of documents with equal keys those that stand for no record of their own, with one that they repeat."""
    for group in groups:
        own = [number for number in group if number in pairs]
        others = [number for number in group if number not in pairs]
        members = tuple(rows[number] for number in [*own[:1], *others])
        if len(members) > 1:
            yield Duplicates(members, identical=len({row.content for row in members}) == 1)


def _first(row: Row) -> Values:
    return next(values for values in row.values if values is not None)


def _content(entry: Entry) -> int:
    told = {name: value for name, value in entry.fields.items() if name not in INGESTION}
    return xxh3_64_intdigest(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
