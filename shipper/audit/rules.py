"""Which pipeline ruled where in a file, and the file's events and documents as they were made then."""

from __future__ import annotations

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

    def knows(self, input_name: str, version: str) -> bool:
        """Whether the documents of a version can be made again."""
        return version == self.configured(input_name).version or version in self._definitions

    def _version(self, input_name: str, version: str) -> Pipeline:
        current = self.configured(input_name)
        if version == current.version or version not in self._definitions:
            return current
        if version not in self._restored:
            self._restored[version] = restore_pipeline(self._definitions[version])
        return self._restored[version]


@dataclass(slots=True)
class Reading:
    """One pass over a file's events."""

    file: DiskFile
    rules: Rules
    limit: int | None = None
    end: int = 0
    """Offset after the last event so far."""
    tail: Tally = field(default_factory=Tally)
    """The lines of an open event that follow the last one when the pass is over."""
    partial: Tally = field(default_factory=Tally)
    """A last line without end."""

    def events(self) -> Iterator[tuple[Pipeline, list[Event]]]:
        """The file's events from its beginning with the pipeline that rules them. Raises SourceError."""
        chain = chain_start(self.rules.source.host, self.rules.source.input)
        data = b""
        for block in self._blocks():
            data += block
            while True:
                pipeline, piece, cuts = self._piece(data)
                final = self.rules.whole and not block
                frames = frame(piece, self.end, chain, pipeline.framing, cuts, final=final)
                if not frames.events:
                    break
                data, chain = data[frames.consumed :], frames.chain
                self.end += frames.consumed
                yield pipeline, frames.events
        lines = data.split(b"\n")
        rest = lines.pop()
        self.tail = tally_of([line + b"\n" for line in lines])
        self.partial = tally_of([rest]) if rest else Tally()

    def _blocks(self) -> Iterator[bytes]:
        yield from self.file.blocks(self.limit)
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


def replay(file: DiskFile, rules: Rules, limit: int | None = None) -> Iterator[Parse]:
    """Read and parse a file from its beginning as it was done when it was shipped. Raises SourceError."""
    ruling: Pipeline | None = None
    carry: str | None = None
    parser = None
    for pipeline, events in Reading(file, rules, limit).events():
        if parser is None or pipeline is not ruling:
            ruling, parser = pipeline, pipeline.parser(rules.source, rules.marks, carry)
        parsed = parser.parse(events, modified=file.modified, at_end=False)
        carry = parsed.carry
        yield Parse(events, parsed)
