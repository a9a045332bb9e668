"""Which pipeline ruled where in a file, and the file's events and documents as they were made then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.audit.claims import Claim
from shipper.audit.disk import DiskFile
from shipper.hashes import chain_start, tally_of
from shipper.parse.definition import restore_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.read.framing import frame
from shipper.records import Event, Mark, MarkKind, Parsed, Source, Tally


class Segment(NamedTuple):
    """A pipeline and the offset from which on it ruled."""

    offset: int
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the events and documents of a file depend on besides its bytes."""

    source: Source
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    cuts: frozenset[int]
    whole: bool
    """Whether the file ends for good, so that a last line without newline is a line."""


class Rulebook:
    """Finds the pipelines: those configured now, and those of the state's definitions."""

    def __init__(self, pipelines: Mapping[str, Pipeline], definitions: Mapping[str, str]) -> None:
        self._pipelines = pipelines
        self._definitions = definitions
        self._restored: dict[str, Pipeline] = {}

    def configured(self, input_name: str) -> Pipeline:
        """The pipeline of an input as it is configured now."""
        return self._pipelines[input_name]

    def segments(self, input_name: str, claim: Claim | None) -> tuple[Segment, ...]:
        """Who ruled where. Versions without a definition are left to the configured pipeline, and `knows` tells."""
        marks = [mark for mark in claim.row.marks if mark.kind is MarkKind.PIPELINE] if claim else []
        found = [Segment(mark.offset, self._version(input_name, mark.value)) for mark in marks]
        if not found or found[0].offset:
            found.insert(0, Segment(0, self.configured(input_name)))
        return tuple(found)

    def pipeline(self, input_name: str, version: str) -> Pipeline:
        """The pipeline of a version that is known; else the one that is configured."""
        return self._version(input_name, version)

    def knows(self, input_name: str, version: str) -> bool:
        """Whether the documents of a version can be made again."""
        return version == self.configured(input_name).version or version in self._definitions

    def _version(self, input_name: str, version: str) -> Pipeline:
        current = self.configured(input_name)
        if version == current.version or version not in self._definitions:
            return current
        if version not in self._restored:
            self._restored[version] = restore_pipeline(self._definitions[version], current.guard)
        return self._restored[version]


class Bookmark(NamedTuple):
    """A place between two events where reading can begin."""

    offset: int
    chain: int
    line: int
    """Number of the next line."""
    carry: str | None = None
    """The parser's memory there."""


@dataclass(slots=True)
class Bookmarks:
    """Places of a file that were passed, so that a later run of buckets need not begin at the beginning."""

    places: list[Bookmark] = field(default_factory=list)
    """By offset."""

    def before(self, offset: int) -> Bookmark | None:
        """The last place that is not after an offset."""
        number = bisect_right(self.places, offset, key=lambda place: place.offset)
        return self.places[number - 1] if number else None

    def put(self, place: Bookmark) -> None:
        """Remember a place that is further than all others."""
        if not self.places or place.offset > self.places[-1].offset:
            self.places.append(place)


@dataclass(slots=True)
class Reading:
    """One pass over a file's events."""

    file: DiskFile
    rules: Rules
    start: Bookmark | None = None
    end: int = 0
    """Offset after the last event so far."""
    chain: int = 0
    """Hash chain there."""
    line: int = 1
    """Number of the next line."""
    tail: Tally = field(default_factory=Tally)
    """The lines of an open event that follow the last one when the pass is over."""
    partial: Tally = field(default_factory=Tally)
    """A last line without end."""

    @property
    def place(self) -> Bookmark:
        """Where the pass is."""
        return Bookmark(self.end, self.chain, self.line)

    def events(self) -> Iterator[tuple[Pipeline, list[Event]]]:
        """The file's events from the start on with the pipeline that rules them. Raises SourceError."""
        source = self.rules.source
        start = self.start or Bookmark(0, chain_start(source.host, source.input), 1)
        self.end, self.chain, self.line = start.offset, start.chain, start.line
        data = b""
        for block in self._blocks():
            data += block
            while True:
                pipeline, piece, cuts = self._piece(data)
                final = self.rules.whole and not block
                frames = frame(piece, self.end, self.chain, pipeline.framing, cuts, final=final)
                if not frames.events:
                    break
                data = data[frames.consumed :]
                self.end, self.chain = self.end + frames.consumed, frames.chain
                self.line += sum(event.tally.lines for event in frames.events)
                yield pipeline, frames.events
        lines = data.split(b"\n")
        rest = lines.pop()
        self.tail = tally_of([line + b"\n" for line in lines])
        self.partial = tally_of([rest]) if rest else Tally()

    def _blocks(self) -> Iterator[bytes]:
        yield from self.file.blocks(start=self.end)
        yield b""

    def _piece(self, data: bytes) -> tuple[Pipeline, bytes, Collection[int]]:
        """As much of the data as one pipeline rules; to the end of a line, also where the file was edited."""
        ruling = max((s for s in self.rules.segments if s.offset <= self.end), key=lambda s: s.offset)
        border = min((s.offset for s in self.rules.segments if s.offset > self.end), default=None)
        length = data.find(b"\n", border - self.end - 1) + 1 if border is not None else 0
        if not length:
            return ruling.pipeline, data, self.rules.cuts
        return ruling.pipeline, data[:length], {*self.rules.cuts, self.end + length}


class Parse(NamedTuple):
    """Events and what parsing makes of them."""

    events: Sequence[Event]
    parsed: Parsed
    pipeline: Pipeline
    """The one that ruled."""
    before: str | None
    """Its parser's memory before the first event."""


def replay(file: DiskFile, rules: Rules, passed: Bookmarks, begin: int) -> Iterator[Parse]:
    """Read and parse a file as it was done when it was shipped, from some place before `begin` on.

    `passed` are places with the parser's memory; more are put there. Raises SourceError.
    """
    start = passed.before(begin)
    reading = Reading(file, rules, start)
    carry = start.carry if start else None
    ruling: Pipeline | None = None
    parser = None
    for pipeline, events in reading.events():
        if parser is None or pipeline is not ruling:
            ruling, parser = pipeline, pipeline.parser(rules.source, rules.marks, carry)
        parsed = parser.parse(events, modified=file.modified, at_end=False)
        before, carry = carry, parsed.carry
        passed.put(reading.place._replace(carry=carry))
        yield Parse(events, parsed, pipeline, before)


def remade(
    parse: Parse, rules: Rules, modified: float, wanted: Mapping[int, Pipeline]
) -> Iterator[tuple[Event, Parsed]]:
    """Single events as other pipelines make them where they stand: after all that the ruling one remembers there.

    `wanted` gives the pipelines by offset, `modified` is the file's modification time (seconds since the epoch).
    """
    ruling = parse.pipeline.parser(rules.source, rules.marks, parse.before)
    carry, done = parse.before, 0
    for number, event in enumerate(parse.events):
        if event.offset not in wanted:
            continue
        if number > done:
            carry = ruling.parse(parse.events[done:number], modified=modified, at_end=False).carry
            done = number
        other = wanted[event.offset].parser(rules.source, rules.marks, carry)
        yield event, other.parse([event], modified=modified, at_end=False)
