"""Long runs of buckets, cut where file and index surely agree, so that each slice is compared in bounded memory.

After a place where a file was edited nothing agrees any more by its id, so all that follows is one run, and may be very
many lines. It is cut before documents that stand on disk one after the other as they do in the index, all by the same
distance further on. From both sides of such a border the alignment finds what it finds in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from shipper.audit.context import Context
from shipper.audit.extents import Run, Slice
from shipper.audit.families import Family, Part
from shipper.audit.rules import Reading, Rules
from shipper.hashes import document_ids
from shipper.records import Stored, Tally

MOST = 30_000
"""Documents of a slice, more or less."""
_AGREEING = 32
"""Documents that agree behind a border."""
_DISTINCT = 8
"""Different ones among them: a log that repeats itself agrees with itself anywhere."""
_TRIES = 8
"""Places where a border is looked for, from the end of a slice on towards its beginning."""
_STEP = 4 << 20
"""Bytes of a file whose documents are asked for at once."""
_SLACK = 1 << 20
"""Bytes by which a file may have grown within a slice; more, where no border is found."""


class _Border(NamedTuple):
    held: int
    """Offset in the index of the first document behind it."""
    disk: int
    """Where that document stands on disk."""
    edited: bool
    """Whether the file was edited before it."""


class _Place(NamedTuple):
    """What stands somewhere on disk."""

    tally: Tally
    chain: int


def sliced(context: Context, family: Family, part: Part, rules: Rules, run: Run, most: int) -> list[Slice]:
    """A run of buckets in slices of about so many documents. Raises SourceError and OutputError."""
    first = _Border(run.begin, run.begin, edited=False)
    borders = [first, *_Borders(family, part, rules, run, most).found(_documents(context, family, run))]
    ends: list[_Border | None] = [*borders[1:], None]
    return [
        Slice(
            run,
            begin.held,
            run.end if end is None else end.held,
            begin.disk,
            run.end if end is None else end.disk,
            is_last=end is None,
            edited_before=begin.edited,
        )
        for begin, end in zip(borders, ends, strict=True)
    ]


def _documents(context: Context, family: Family, run: Run) -> Iterator[Stored]:
    """The documents of a run, by offset."""
    last = max(family.held.values(), key=lambda held: held.bucket, default=None)
    end = min(run.end, 0 if last is None else Run(last.bucket, last.bucket).end)
    for begin, until in pairwise([*range(run.begin, end, _STEP), end]):
        yield from context.spans_between(family, begin, until)


class _Borders:
    """Looks for places where file and index agree, from the beginning of a run on."""

    def __init__(self, family: Family, part: Part, rules: Rules, run: Run, most: int) -> None:
        self._family = family
        self._most = most
        self._shift = 0
        """By how much further on than in the index it stood on disk, at the last border."""
        self._places: dict[int, _Place] = {}
        """By offset on disk, from the last border on."""
        self._read = 0
        """Up to where."""
        self._run = run
        self._events = self._passed(part, rules)

    def found(self, documents: Iterator[Stored]) -> Iterator[_Border]:
        """The borders, one after about so many documents."""
        page: list[Stored] = []
        wanted, slack = self._most, _SLACK
        for document in documents:
            page.append(document)
            if len(page) < wanted:
                continue
            self._read_to(document.offset + self._shift + slack)
            place = self._agreeing(page)
            if place is None:
                wanted, slack = wanted + self._most, slack * 4
                continue
            border = self._border(page[place])
            yield border
            page = page[place:]
            self._places = {offset: what for offset, what in self._places.items() if offset >= border.disk}
            wanted, slack = self._most, _SLACK

    def _passed(self, part: Part, rules: Rules) -> Iterator[None]:
        reading = Reading(part.branch.file, rules, part.read.before(self._run.begin))
        for _, events in reading.events():
            self._places.update((event.offset, _Place(event.tally, event.chain)) for event in events)
            part.read.put(reading.place)
            self._read = reading.end
            yield

    def _read_to(self, offset: int) -> None:
        while self._read < offset and next(self._events, self) is not self:
            pass

    def _agreeing(self, page: Sequence[Stored]) -> int | None:
        """The number of a document from which on some stand on disk as in the index; sets the shift."""
        for turn in range(1, _TRIES + 1):
            begin = len(page) - turn * _AGREEING
            some = page[begin : begin + _AGREEING] if begin > 0 else []
            if len({document.tally for document in some}) < _DISTINCT:
                continue
            shifts = {offset - some[0].offset for offset, what in self._places.items() if what.tally == some[0].tally}
            for shift in sorted(shifts, key=lambda shift: abs(shift - self._shift)):
                if all(self._holds(document, shift) for document in some):
                    self._shift = shift
                    return begin
        return None

    def _holds(self, document: Stored, shift: int) -> bool:
        place = self._places.get(document.offset + shift)
        return place is not None and place.tally == document.tally

    def _border(self, document: Stored) -> _Border:
        disk = document.offset + self._shift
        (name,) = document_ids(self._family.fingerprint, [(disk, self._places[disk].chain)])
        return _Border(document.offset, disk, edited=name != document.id)
