r"""What reading gives: events of a file in chunks, and the marks that their parsing depends on.

Offsets and lengths are in bytes of the **uncompressed** file. A line is its raw bytes up to and with `\n`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shipper.records.tallies import Tally


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

    @property
    def unread(self) -> int:
        """Bytes that were seen beyond the checkpoint, as far as they are not recorded as lost."""
        told = any(mark.kind is MarkKind.GAP and mark.offset == self.offset for mark in self.marks)
        return 0 if self.finished or told else max(0, self.size - self.offset)


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
