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
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_64_intdigest

from shipper.correlate.assignment import Edge, assign
from shipper.correlate.entries import Entry
from shipper.correlate.keys import Key, Values
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
        times = (key.time(values) for key, values in zip(self.keys, row.values, strict=True) if values is not None)
        return next(times, None)


def compare_keys(
    records: Iterable[Entry],
    documents: Iterable[Entry],
    keys: Sequence[Key],
    now: Callable[[], float],
    skips: Callable[[Entry], bool] = lambda entry: False,  # noqa: ARG005
) -> Against:
    """Compare; `skips` tells which records the sender leaves out. Raises UsageError where a key fits nothing at all."""
    disk = _read_disk(records, keys, skips)
    _require_some(disk, keys, "record on disk")
    read_at = now()
    index = _read_index(documents, keys)
    _require_some(index, keys, "document of the index")
    pairs = _pairs(disk.rows, index.rows, keys)
    answered, used = set(pairs.values()), set(pairs)
    groups = _same(index.rows)
    repeats = {number for group in groups for number in group if number not in used and used & set(group)}
    absent = [row for number, row in enumerate(disk.rows) if number not in answered]
    return Against(
        keys=keys,
        disk=disk,
        index=index,
        matched=len(answered),
        missing=[row for row in absent if not row.skipped],
        filtered=[row for row in absent if row.skipped],
        unexpected=[row for number, row in enumerate(index.rows) if number not in used and number not in repeats],
        duplicates=list(_duplicates(groups, index.rows, pairs)),
        index_read_at=read_at,
    )


def _read_disk(records: Iterable[Entry], keys: Sequence[Key], skips: Callable[[Entry], bool]) -> Side:
    side, seen = Side(), set[str]()
    for entry in records:
        if entry.id in seen:
            side.copies += 1
            continue
        seen.add(entry.id)
        values = tuple(key.on_disk(entry) for key in keys)
        bare = entry._replace(fields=_NOTHING)
        if any(values):
            side.rows.append(Row(bare, values, skipped=skips(entry)))
        else:
            side.unkeyed.append(bare)
    return side


def _read_index(documents: Iterable[Entry], keys: Sequence[Key]) -> Side:
    side = Side()
    for entry in documents:
        values = tuple(key.in_index(entry) for key in keys)
        bare = entry._replace(fields=_NOTHING)
        if any(values):
            side.rows.append(Row(bare, values, _content(entry)))
        else:
            side.unkeyed.append(bare)
    return side


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
