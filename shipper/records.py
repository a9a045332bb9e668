r"""What flows between the stages, and nothing else: no input, no output, no decisions.

Offsets and lengths are in bytes of the **uncompressed** file. A line is its raw bytes up to and with `\\n`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from operator import itemgetter
from typing import NamedTuple

BUCKET_BITS = 24
"""A bucket of the ledger is 16 MiB of a file: at most 2^24 lines, so that sums of 28-bit hashes stay below 2^53."""


def bucket_of(offset: int) -> int:
    """The ledger bucket that an event belongs to, by the offset of its first line."""
    return offset >> BUCKET_BITS


class Tally(NamedTuple):
    """What is compared between disk, ledger and index: lines, bytes and the sums of two 28-bit hashes of each line."""

    lines: int = 0
    bytes: int = 0
    h0: int = 0
    h1: int = 0

    def plus(self, other: Tally) -> Tally:
        """The tally of both."""
        return Tally(self.lines + other.lines, self.bytes + other.bytes, self.h0 + other.h0, self.h1 + other.h1)

    def minus(self, other: Tally) -> Tally:
        """What this tally holds beyond the other; parts may be negative."""
        return Tally(self.lines - other.lines, self.bytes - other.bytes, self.h0 - other.h0, self.h1 - other.h1)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of many tallies."""
    lines = size = h0 = h1 = 0
    for tally in tallies:
        lines += tally.lines
        size += tally.bytes
        h0 += tally.h0
        h1 += tally.h1
    return Tally(lines, size, h0, h1)


@dataclass(frozen=True, slots=True)
class Source:
    """Where events come from: constant for the life of a file's row in the state."""

    host: str
    input: str
    path: str
    """The path under which the file was first seen."""
    fingerprint: str
    """16 hex digits; groups the documents of a file and of its copies."""
    file: int = 0
    """Row of the file in the state; 0 where there is no state."""


class Event(NamedTuple):
    """One or more lines that belong together, as read from the file."""

    offset: int
    tally: Tally
    chain: int
    """Hash chain after the event's first line, or what it has of it: this content and that of all lines before it."""
    raw: bytes
    """All its lines with their newlines (the last may lack one, see `tags`)."""
    tags: tuple[str, ...] = ()
    """What reading did to it: `_line_{incomplete,truncated,split}`, `_nul_stripped`, `_event_truncated`."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How lines become events; a property of the pipeline, carried out while reading.

    With neither `starts` nor `continues` each line is an event. Limits end one early, always in the same place.
    """

    starts: re.Pattern[bytes] | None = None
    """A line that matches at its beginning starts an event; others continue the previous one."""
    continues: re.Pattern[bytes] | None = None
    """A line that matches at its beginning continues the previous event; others start one."""
    splits: re.Pattern[bytes] | None = None
    """Where this is found within a line, but not at its beginning, an event begins there."""
    max_lines: int = 500
    max_bytes: int = 1 << 20
    quiet: float = 5.0
    """Seconds without growth after which an open event at the end of a live file is closed by a `cut` mark."""
    incomplete: str = "ship"
    """What becomes of a last line without newline that can never be completed: `ship` or `refuse`."""
    whole_archives: bool = False
    """Read an archive only when it is finished: before, its modification time does not date its last line."""

    @property
    def multiline(self) -> bool:
        """Whether events can have more than one line."""
        return self.starts is not None or self.continues is not None

    @property
    def line_by_line(self) -> bool:
        """Whether each line is an event, and nothing else is."""
        return not self.multiline and self.splits is None


class MarkKind(StrEnum):
    """The recorded decisions that parsing depends on."""

    DATE = "date"
    CUT = "cut"
    HEADER = "header"
    PIPELINE = "pipeline"
    GAP = "gap"
    START = "start"
    """The events before it were there before their input was first read, and are not shipped."""


class Mark(NamedTuple):
    """A recorded decision: holds for the file from `offset` on (date, pipeline) or at `offset` (cut, gap)."""

    offset: int
    kind: MarkKind
    value: str

    @property
    def lost(self) -> int:
        """Bytes that a gap speaks of: its value is `<what happened>:<bytes>`."""
        digits = self.value.rpartition(":")[2]
        return int(digits) if digits.isdigit() else 0


@dataclass(slots=True)
class FileRow:
    """What the state knows of one file for the output at hand."""

    id: int
    input: str
    path: str
    """First seen under this path."""
    current_path: str
    device: int
    inode: int
    fingerprint: str
    size: int
    """Bytes on disk when last looked at (compressed size for archives)."""
    offset: int
    """The checkpoint."""
    chain: int
    guard: int
    carry: str | None
    finished: str = ""
    marks: list[Mark] = field(default_factory=list)
    heir_of: int = 0
    """Row of the file whose lines it goes on after; 0 if it began by itself."""


@dataclass(slots=True)
class Chunk:
    """Events of one file that were read in one go."""

    source: Source
    start: int
    end: int
    """Offset after the last event."""
    chain: int
    """Hash chain after the last line."""
    guard: int
    """Hash of the up to 1 KiB before `end`: proves, when reading resumes, that the file is still the same."""
    events: list[Event]
    modified: float
    """Modification time of the file (seconds since the epoch) when this was read."""
    at_end: bool
    """Whether the chunk reaches the end of the file as it was then."""
    marks: list[Mark] = field(default_factory=list)
    """Cuts that reading decided on; committed before any document of the chunk is sent."""
    finished: str = ""
    """Set on the last chunk of a file that can grow no more: its size and modification time, to know it again."""


@dataclass(slots=True)
class Document:
    """What is stored for one event."""

    id: str
    """24 characters: a function of content and position, see `shipper.hashes`."""
    source: Source
    dataset: str
    index: str
    """`<dataset>-<namespace>-<period>`: by event time, for example `gridftp.transfer-default-2026.11`."""
    timestamp: int
    """Event time in nanoseconds since the epoch, UTC."""
    offset: int
    tally: Tally
    pipeline: str
    """Version of the pipeline that made it: 16 hex digits."""
    body: bytes
    """One line of JSON, without newline."""


class Filtered(NamedTuple):
    """An event that a named rule keeps from being shipped."""

    offset: int
    rule: str
    tally: Tally


class Refusal(NamedTuple):
    """An event or document that is refused for good."""

    document: Document
    category: str
    """Short and stable, part of the ledger's fate `dead:<category>`: `mapping`, `too_large`, `incomplete` …"""
    reason: str
    """The whole explanation, in the output's own words where there are any."""


@dataclass(slots=True)
class Parsed:
    """What parsing makes of a chunk. Every event is in exactly one of documents, filtered and refused."""

    documents: list[Document]
    filtered: list[Filtered]
    refused: list[Refusal]
    marks: list[Mark]
    """Dates that were decided here; committed before any document of the chunk is sent."""
    carry: str
    """The parser's memory after the last event, as JSON: what is needed to resume here (header, last time, date)."""
    unparsed: int = 0
    """Documents that no pattern matched, shipped raw."""
    runaways: list[str] = field(default_factory=list)
    """For each event that took too long and is shipped raw: the pattern that did not come to an end."""
    notices: list[str] = field(default_factory=list)
    """Fields that the definition does not declare and whose type was inferred here, from their first values."""


class OutcomeKind(Enum):
    """What an output did with one document."""

    STORED = "stored"
    ALREADY_STORED = "already stored"
    REFUSED = "refused"
    RETRY = "retry"
    PAUSED = "paused"
    """The cluster's or the configuration's fault, not the document's: hold the dataset, alarm, try again later."""
    LEFT = "left"
    """It is not there, and was only asked for: nobody sends it now, and no checkpoint moves over it."""


class Outcome(NamedTuple):
    """The fate of one document of a batch."""

    kind: OutcomeKind
    category: str = ""
    reason: str = ""


BUSY = "busy"
"""Category of RETRY where the output cannot take so much at once: smaller batches may pass."""

STORED = Outcome(OutcomeKind.STORED)
ALREADY_STORED = Outcome(OutcomeKind.ALREADY_STORED)


@dataclass(slots=True, frozen=True)
class Batch:
    """Documents of one request; immutable once closed."""

    number: int
    documents: Sequence[Document]
    bytes: int
    """Sum of the bodies' lengths."""
    attempt: int = 0
    """How often these documents were sent before."""


@dataclass(slots=True, frozen=True)
class Receipt:
    """One outcome per document of a batch, in its order."""

    batch: Batch
    outcomes: Sequence[Outcome]

    @property
    def kinds(self) -> Counter[OutcomeKind]:
        """How many documents had which outcome."""
        return Counter(map(itemgetter(0), self.outcomes))


class BucketTally(NamedTuple):
    """What an index holds of one bucket of one fingerprint."""

    host: str
    input: str
    fingerprint: str
    bucket: int
    documents: int
    tally: Tally
    first: int
    """Smallest `log.offset` in the bucket."""


class Stored(NamedTuple):
    """One document as the index holds it, without its content."""

    id: str
    offset: int
    tally: Tally
    pipeline: str
    place: str
    """Where it lies: the concrete index of Elasticsearch, or the table of SQLite."""
    path: str
    ignored: tuple[str, ...] = ()
    """Fields that the index did not take (`_ignored`)."""
    tags: tuple[str, ...] = ()
