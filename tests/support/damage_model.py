"""What became of a log, as plain lists: what was written, what stands on disk, what is held and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.audit.findings import Cause, Kind
from shipper.records import Tally, total
from support.damage_world import Fate, Log, Move


class Cell(NamedTuple):
    """What stands on disk at one place."""

    text: bytes
    origin: int | None
    """The entry that was written there; None if it was put in later."""
    gone: bool = False
    """Whether the entry is not there any more."""


@dataclass
class Held:
    """A document in the index."""

    copies: int = 1
    tally: bool = False
    """Whether what it says of its lines was changed."""
    fields: bool = False
    """Whether another field was changed."""


@dataclass
class Counted:
    """What the state says of a log."""

    reach: int
    """Entries below the checkpoint."""
    stored: Tally
    filtered: Tally
    dead: Tally
    """What was refused."""
    letters: set[int]
    """Entries that are kept as dead letters."""

    @property
    def unshipped(self) -> Tally:
        """What has no document."""
        return self.filtered.plus(self.dead)


class Expected(NamedTuple):
    """A finding, as far as it is determined."""

    kind: Kind
    cause: Cause
    place: str
    first: int | None
    last: int | None
    lines: int


@dataclass
class Answer:
    """What an audit says of one log."""

    findings: list[Expected] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    resent: set[int] = field(default_factory=set)
    """Entries that a repair sends again."""
    deleted: set[int] = field(default_factory=set)
    """Entries of whose documents a repair deletes all but one."""

    def report(self, kind: Kind, cause: Cause, place: str, first: int | None, lines: int) -> None:
        """A finding, and its lines in the totals."""
        last = None if first is None else first + max(lines, 1) - 1
        self.findings.append(Expected(kind, cause, place, first, last, lines))
        self.totals[kind.value] += lines

    def add(self, other: Answer) -> None:
        """That of another log."""
        self.findings += other.findings
        self.totals.update(other.totals)


@dataclass
class Now:
    """A log after all damage."""

    log: Log
    cells: list[Cell]
    held: dict[int, Held]
    """Documents by entry."""
    foreign: set[int] = field(default_factory=set)
    """Entries behind whose first byte a document stands that nobody shipped."""
    counted: Counted | None = None
    """None where the state has no row of it."""
    readable: bool = True
    adds_up: bool = True
    """Whether all that the state counts reaches to its checkpoints."""
    older_rows: bool = False
    """Whether the state has another row, of the file as it was when the agent first looked."""

    @property
    def on_disk(self) -> bool:
        """Whether its file is there and can be read."""
        return self.readable and self.log.move is not Move.DELETE

    @property
    def index(self) -> Tally:
        """What the index holds, added up."""
        return total(self._index(range(len(self.log.written))))

    def index_below(self, reach: int) -> Tally:
        """What of it lies below a checkpoint."""
        return total(self._index(range(reach)))

    def _index(self, numbers: Sequence[int]) -> Iterator[Tally]:
        for number in numbers:
            tally = self.log.tallies[number]
            if number in self.held:
                one = self.held[number]
                yield tally._replace(h1=tally.h1 + 1) if one.tally else tally
                yield from [tally] * (one.copies - 1)
            if number in self.foreign:
                yield tally._replace(h0=7)


def untouched(log: Log) -> Now:
    """A log as the agent left it."""
    cells = [Cell(entry.text, number) for number, entry in enumerate(log.written)]
    held = {number: Held() for number in range(log.shipped) if log.written[number].fate is Fate.STORED}
    return Now(log, cells, held, counted=counted(log, log.shipped))


def counted(log: Log, reach: int) -> Counted:
    """What an honest state says of a log at a checkpoint."""
    fates: dict[Fate, list[Tally]] = {fate: [] for fate in Fate}
    for entry, tally in zip(log.written[:reach], log.tallies, strict=False):
        fates[entry.fate].append(tally)
    letters = {number for number in range(reach) if log.written[number].fate is Fate.DEAD}
    return Counted(reach, total(fates[Fate.STORED]), total(fates[Fate.FILTERED]), total(fates[Fate.DEAD]), letters)


def repair(now: Now, said: Answer) -> None:
    """What becomes of a log when what was said of it is repaired; the output still refuses what it refused."""
    for number in said.resent:
        if now.log.written[number].fate is Fate.STORED:
            now.held[number] = Held()
    for number in said.deleted:
        now.held[number].copies = 1


def in_order(findings: Sequence[Expected]) -> list[tuple[object, ...]]:
    """Findings in an order that both sides share."""
    return sorted(tuple(str(value) for value in finding) for finding in findings)
