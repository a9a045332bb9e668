"""What was done since the agent started: plain numbers that are added to once per chunk, receipt or commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shipper.operate.reminders import Standstill
from shipper.records import Chunk, OutcomeKind, Parsed, Receipt, Tally


@dataclass(slots=True)
class Totals:
    """What an agent did since it started."""

    lines: int = 0
    documents: int = 0
    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    filtered: Counter[str] = field(default_factory=Counter)
    """Lines by rule."""
    refused: int = 0
    """Documents refused before they were sent."""
    unparsed: int = 0

    def took(self, chunk: Chunk, parsed: Parsed) -> int:
        """Count what was read and parsed; the chunk's lines."""
        lines = sum(event.tally.lines for event in chunk.events)
        self.lines += lines
        self.documents += len(parsed.documents)
        self.refused += len(parsed.refused)
        self.unparsed += parsed.unparsed
        for _, rule, tally in parsed.filtered:
            self.filtered[rule] += tally.lines
        return lines

    def settled(self, receipt: Receipt) -> None:
        """Count what the output said."""
        self.outcomes.update(receipt.kinds)


@dataclass(slots=True)
class InputFigures:
    """The figures of one input. They only grow, so that whoever reads them meanwhile is never wrong by much."""

    lines: int = 0
    """Read."""
    bytes: int = 0
    """Read, uncompressed."""
    documents: int = 0
    """Made, for sending."""
    unparsed: int = 0
    """Of them those that no pattern matched."""
    settled_lines: Counter[str] = field(default_factory=Counter)
    """By fate, below the checkpoints: `stored`, `filtered:<rule>`, `dead:<category>`."""
    settled_bytes: Counter[str] = field(default_factory=Counter)

    def took(self, lines: int, chunk: Chunk, parsed: Parsed) -> None:
        """A chunk of so many lines was read and parsed."""
        self.lines += lines
        self.bytes += chunk.end - chunk.start
        self.documents += len(parsed.documents)
        self.unparsed += parsed.unparsed

    def settled(self, fates: Mapping[tuple[int, str], Tally]) -> None:
        """A checkpoint moved over lines with these fates, by bucket and fate."""
        for (_, fate), tally in fates.items():
            self.settled_lines[fate] += tally.lines
            self.settled_bytes[fate] += tally.bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An agent as it is now. Sizes in bytes, times in seconds."""

    inputs: Mapping[str, InputFigures]
    unread: Mapping[str, int]
    """Bytes of open files beyond what was read, by input."""
    outcomes: Mapping[str, int]
    """Documents by what the output said of them; one that is sent again is counted again."""
    files: Mapping[str, int]
    """Files by what the agent does with them."""
    matching: int
    standstills: Sequence[Standstill]
    request_limits: Sequence[float]
    request_counts: Sequence[int]
    """Of each limit those requests that took no longer, and longer than the one before; at last those beyond all."""
    request_seconds: float
    documents_in_flight: int
    bytes_in_flight: int
    memory: int
    dead_letter_bytes: int
    dead_letter_limit: int
    committed_at: float
    """Since the epoch; 0 before the first commit."""
