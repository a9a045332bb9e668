"""A definition for one input, compiled: what framing, parsing and outputs need to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shipper.grok.timeout import MatchTimeout
from shipper.parse.anchors import anchor, name_date
from shipper.parse.counting import Counting, first_day, later_day
from shipper.parse.documents import Target, index_of
from shipper.parse.event_times import undated
from shipper.parse.fields import Fields
from shipper.parse.file_parser import FileParser
from shipper.parse.guard import Guard
from shipper.parse.memory import recalled
from shipper.parse.rules import Rules
from shipper.parse.text import lines_of, text_of
from shipper.parse.walls import Wall
from shipper.records import FileRow, Framing, Mark, MarkKind, Source


class Pipeline:
    """A definition for one input, compiled; constant."""

    def __init__(
        self,
        name: str,
        definition: str,
        target: Target,
        framing: Framing,
        rules: Rules,
        field_types: Mapping[str, str],
        guard: Guard | None = None,
    ) -> None:
        self.name = name
        self.dataset = target.dataset
        self.version = target.pipeline
        self.definition = definition
        self.needs_date = rules.needs_date
        self.framing = replace(framing, whole_archives=self.needs_date)
        self.field_types = field_types
        self.takes_timezone = rules.takes_timezone
        self._target = target
        self._rules = rules
        self.guard = guard or Guard()
        """Limits the time that an event may take."""

    def header_of(self, head: bytes) -> bytes:
        """The header lines at the beginning of a file, of which `head` are the first bytes."""
        is_header, size = self._rules.header, 0
        for line in head.split(b"\n")[:-1]:
            if is_header is None or not is_header.match(text_of(line, (), self._rules.encoding)):
                break
            size += len(line) + 1
        return head[:size]

    def index_of(self, body: Mapping[str, Any]) -> str:
        """The index, as in `Document.index`, that a document which was stored names by its own time."""
        return index_of(self._target, body)

    def date_mark(self, blocks: Iterable[bytes], *, path: str, modified: float) -> Mark:
        """The date of a file's first event, for a file that has no mark.

        `blocks` are its raw content from the beginning, `modified` its modification time (seconds since the epoch):
        a date in the file's name, else the modification time dates the last event, and days are counted back.
        """
        known = anchor(path, modified, self._rules.zone)
        if self._rules.by_modification:
            return Mark(0, MarkKind.DATE, (known.day or known.limit.date()).isoformat())
        walls = (wall for line in lines_of(blocks) if (wall := self._wall_of_line(line)) is not None)
        return Mark(0, MarkKind.DATE, first_day(walls, known).isoformat())

    def missed_dates(self, blocks: Iterable[bytes], row: FileRow, modified: float) -> list[Mark]:
        """The date marks of what was written to a file while nobody read it, which may be more than one read takes.

        `blocks` are its raw content from the row's checkpoint on, `modified` its modification time now. Dates that were
        taken from the output hold as far as it does; where that is not known, all of them hold.
        """
        clock, known = recalled(row.carry)[1], anchor(row.path, modified, self._rules.zone)
        settled = max((mark.offset for mark in row.marks if mark.kind is MarkKind.CUT), default=-1)
        if name_date(row.path) is not None or (row.carry is None and settled < 0):
            return []
        since = clock.mark.offset if clock.mark else -1
        marks = sorted(mark for mark in row.marks if mark.kind is MarkKind.DATE and mark.offset > since)
        if self._rules.by_modification:
            return [] if marks else later_day(clock, known, row.offset)
        counting, offset = Counting(clock, marks, settled), row.offset
        for line in lines_of(blocks):
            wall = self._wall_of_line(line)
            if wall is not None:
                counting.add(offset, wall)
            offset += len(line) + 1
        return counting.corrections(known)

    def parser(self, source: Source, marks: Sequence[Mark], carry: str | None) -> FileParser:
        """A parser for a file, at its beginning (`carry` None) or where `Parsed.carry` was given."""
        return FileParser(self._rules, self._target, self.framing, source, marks, carry, self.guard)

    def _wall_of_line(self, line: bytes) -> Wall | None:
        fields: Fields = {"message": text_of(line, (), self._rules.encoding)}
        try:
            self.guard.watched = iter(())
            self._rules.steps.apply(fields, "")
            self.guard.watched = None
        except MatchTimeout:
            self.guard.watched = None
            return None
        return undated(self._rules.times, fields)
