"""What is in flight, and how far each file is settled: pure decisions.

A chunk is open until each of its documents has a final outcome. Chunks of a file settle in any order, but leave in
order: only a file's leading run of settled chunks becomes an advance of its checkpoint.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from shipper.records import (
    Chunk,
    Document,
    Outcome,
    OutcomeKind,
    Parsed,
    Receipt,
    Refusal,
    Tally,
    bucket_of,
)

Fates = dict[tuple[int, str], Tally]
"""Tallies by bucket and fate: `stored`, `filtered:<rule>`, `dead:<category>`."""

STORED_FATE = "stored"
_UNSETTLED = frozenset({OutcomeKind.RETRY, OutcomeKind.PAUSED})


@dataclass(slots=True)
class Advance:
    """A checkpoint that may move, and what the ledger gains by it."""

    file: int
    offset: int
    chain: int
    guard: int
    carry: str
    finished: str
    fates: Fates
    dead: list[Refusal]


@dataclass(slots=True)
class _Open:
    """A chunk with documents that are not settled."""

    chunk: Chunk
    carry: str
    unsettled: int
    fates: Fates
    dead: list[Refusal] = field(default_factory=list)


class Ledger:
    """The chunks in flight."""

    def __init__(self) -> None:
        self._files: dict[int, deque[_Open]] = {}
        self.bytes_in_flight = 0
        """Of the bodies of documents without a final outcome."""
        self.documents_in_flight = 0

    def open(self, chunk: Chunk, parsed: Parsed) -> None:
        """Take note of a chunk whose documents are about to be sent."""
        fates: Fates = {}
        for document in parsed.documents:
            _add(fates, document.offset, STORED_FATE, document.tally)
        for offset, rule, tally in parsed.filtered:
            _add(fates, offset, f"filtered:{rule}", tally)
        for refusal in parsed.refused:
            _add(fates, refusal.document.offset, _dead_fate(refusal), refusal.document.tally)
        self.documents_in_flight += len(parsed.documents)
        self.bytes_in_flight += sum(len(document.body) for document in parsed.documents)
        queue = self._files.setdefault(chunk.source.file, deque())
        queue.append(_Open(chunk, parsed.carry, len(parsed.documents), fates, list(parsed.refused)))

    def settle(self, receipt: Receipt) -> None:
        """Enter the final outcomes of a receipt; documents that are to be sent again stay in flight."""
        opened: _Open | None = None
        for document, outcome in zip(receipt.batch.documents, receipt.outcomes, strict=True):
            if outcome.kind in _UNSETTLED:
                continue
            if opened is None or not _holds(opened, document):
                opened = self._find(document)
            opened.unsettled -= 1
            self.documents_in_flight -= 1
            self.bytes_in_flight -= len(document.body)
            if outcome.kind is OutcomeKind.REFUSED:
                _bury(opened, document, outcome)

    def advances(self, room: int) -> list[Advance]:
        """The leading settled chunks of each file, merged, removed from here. Call once per commit.

        `room` is how many bytes of dead letters may still be kept: a chunk with more than that waits.
        """
        found = []
        for file, queue in list(self._files.items()):
            settled, room = _leading(queue, room)
            if settled:
                found.append(_merged(file, settled))
            if not queue:
                del self._files[file]
        return found

    @property
    def waits_for_room(self) -> bool:
        """Whether a file stands still because no more dead letters may be kept (asked after `advances`)."""
        return any(queue[0].unsettled == 0 for queue in self._files.values())

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._files

    def _find(self, document: Document) -> _Open:
        queue = self._files[document.source.file]
        return queue[bisect_right(queue, document.offset, key=lambda opened: opened.chunk.start) - 1]


def size_of(refusals: Iterable[Refusal]) -> int:
    """Bytes that dead letters take in the state."""
    return sum(len(refusal.document.body) + len(refusal.reason) for refusal in refusals)


def _leading(queue: deque[_Open], room: int) -> tuple[list[_Open], int]:
    settled = []
    while queue and queue[0].unsettled == 0:
        size = size_of(queue[0].dead)
        if size > room:
            break
        room -= size
        settled.append(queue.popleft())
    return settled, room


def _merged(file: int, settled: list[_Open]) -> Advance:
    last = settled[-1]
    fates: Fates = {}
    for opened in settled:
        for key, tally in opened.fates.items():
            fates[key] = fates[key].plus(tally) if key in fates else tally
    return Advance(
        file=file,
        offset=last.chunk.end,
        chain=last.chunk.chain,
        guard=last.chunk.guard,
        carry=last.carry,
        finished=last.chunk.finished,
        fates={key: tally for key, tally in fates.items() if tally.lines},
        dead=[refusal for opened in settled for refusal in opened.dead],
    )


def _holds(opened: _Open, document: Document) -> bool:
    chunk = opened.chunk
    return document.source.file == chunk.source.file and chunk.start <= document.offset < chunk.end


def _bury(opened: _Open, document: Document, outcome: Outcome) -> None:
    refusal = Refusal(document, outcome.category, outcome.reason)
    stored = (bucket_of(document.offset), STORED_FATE)
    opened.fates[stored] = opened.fates[stored].minus(document.tally)
    _add(opened.fates, document.offset, _dead_fate(refusal), document.tally)
    opened.dead.append(refusal)


def _dead_fate(refusal: Refusal) -> str:
    return f"dead:{refusal.category}"


def _add(fates: Fates, offset: int, fate: str, tally: Tally) -> None:
    key = (bucket_of(offset), fate)
    held = fates.get(key)
    fates[key] = tally if held is None else held.plus(tally)
