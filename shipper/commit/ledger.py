"""What is in flight, and how far each file is settled: pure decisions.

A chunk is open until each of its documents has a final outcome. Chunks of a file settle in any order, but leave in
order: only a file's leading run of settled chunks becomes an advance of its checkpoint.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

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
    total,
)

Fates = dict[tuple[int, str], Tally]
"""Tallies by bucket and fate: `stored`, `filtered:<rule>`, `dead:<category>`."""

STORED_FATE = "stored"
SHARE_BESIDE_HELD = 4
"""What flows has at least this part of what is left of twice the memory, however much is held beside it."""
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
    input: str = ""


@dataclass(slots=True)
class _Open:
    """A chunk with documents that are not settled: what its advance will say, without its lines."""

    start: int
    advance: Advance
    unsettled: int


class Ledger:
    """The chunks in flight."""

    def __init__(self) -> None:
        self._files: dict[int, deque[_Open]] = {}
        self._bytes: Counter[str] = Counter()
        """By input."""
        self.documents_in_flight = 0
        self.waits_for_room: set[str] = set()
        """Inputs of which a file stood still at the last `advances`, because no more dead letters may be kept."""

    @property
    def bytes_in_flight(self) -> int:
        """Of documents without a final outcome, and of dead letters that are not committed yet."""
        return sum(tuple(self._bytes.values()))  # another thread may ask

    def is_full(self, memory: int, held: Collection[str]) -> bool:
        """Whether so many bytes have no room for more of an input that is not held.

        What is held stays until somebody does something: it must not keep out the others, which always have room for
        a chunk. All together stay below twice as many bytes, and a chunk of each input.
        """
        kept = sum(self._bytes[name] for name in held)
        return self.bytes_in_flight - kept > max(memory - kept, (2 * memory - kept) // SHARE_BESIDE_HELD, 0)

    def open(self, chunk: Chunk, parsed: Parsed) -> None:
        """Take note of a chunk whose documents are about to be sent."""
        fates = _all_stored(parsed.documents)
        for offset, rule, tally in parsed.filtered:
            _add(fates, offset, f"filtered:{rule}", tally)
        for refusal in parsed.refused:
            _add(fates, refusal.document.offset, _dead_fate(refusal), refusal.document.tally)
        self.documents_in_flight += len(parsed.documents)
        self._bytes[chunk.source.input] += sum(len(document.body) for document in parsed.documents)
        self._bytes[chunk.source.input] += size_of(parsed.refused)
        advance = Advance(
            file=chunk.source.file,
            offset=chunk.end,
            chain=chunk.chain,
            guard=chunk.guard,
            carry=parsed.carry,
            finished=chunk.finished,
            fates=fates,
            dead=list(parsed.refused),
            input=chunk.source.input,
        )
        self._files.setdefault(advance.file, deque()).append(_Open(chunk.start, advance, len(parsed.documents)))

    def settle(self, receipt: Receipt) -> None:
        """Enter the final outcomes of a receipt; documents that are to be sent again stay in flight.

        What is left is in flight no more, and its chunk never settles.
        """
        file, start, end = 0, 0, 0
        for document, outcome in zip(receipt.batch.documents, receipt.outcomes, strict=True):
            kind = outcome.kind
            if kind in _UNSETTLED:
                continue
            # Documents come in the order of their lines, hundreds of one chunk after another.
            if document.source.file != file or not start <= document.offset < end:
                opened = self._find(document)
                file, start, end = document.source.file, opened.start, opened.advance.offset
            opened.unsettled -= kind is not OutcomeKind.LEFT
            self.documents_in_flight -= 1
            self._bytes[opened.advance.input] -= len(document.body)
            if kind is OutcomeKind.REFUSED:
                self._bytes[opened.advance.input] += _bury(opened.advance, document, outcome)

    def advances(self, room: int) -> list[Advance]:
        """The leading settled chunks of each file, merged, removed from here. Call once per commit.

        `room` is how many bytes of dead letters may still be kept: a chunk with more than that waits.
        """
        found, waiting = [], set()
        for file, queue in list(self._files.items()):
            settled, room = _leading(queue, room)
            if settled:
                found.append(_merged(settled))
                self._bytes[found[-1].input] -= size_of(found[-1].dead)
            if not queue:
                del self._files[file]
            elif queue[0].unsettled == 0:
                waiting.add(queue[0].advance.input)
        self.waits_for_room = waiting
        return found

    def holds(self, file: int) -> bool:
        """Whether something of a file is in flight."""
        return file in self._files

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._files

    def _find(self, document: Document) -> _Open:
        queue = self._files[document.source.file]
        return queue[bisect_right(queue, document.offset, key=lambda opened: opened.start) - 1]


def size_of(refusals: Iterable[Refusal]) -> int:
    """Bytes that dead letters take in the state."""
    return sum(len(refusal.document.body) + len(refusal.reason) for refusal in refusals)


def _leading(queue: deque[_Open], room: int) -> tuple[list[Advance], int]:
    settled = []
    while queue and queue[0].unsettled == 0:
        size = size_of(queue[0].advance.dead)
        if size > room:
            break
        room -= size
        settled.append(queue.popleft().advance)
    return settled, room


def _merged(advances: list[Advance]) -> Advance:
    """The last of them, with what all of them bring."""
    fates: Fates = {}
    for advance in advances:
        for key, tally in advance.fates.items():
            fates[key] = fates[key].plus(tally) if key in fates else tally
    fates = {key: tally for key, tally in fates.items() if tally.bytes}
    return replace(advances[-1], fates=fates, dead=[refusal for advance in advances for refusal in advance.dead])


def _all_stored(documents: Sequence[Document]) -> Fates:
    """The fates if each is stored, as most will be; by offset, so that first and last tell the buckets."""
    if not documents:
        return {}
    first = bucket_of(documents[0].offset)
    if first == bucket_of(documents[-1].offset):
        return {(first, STORED_FATE): total(document.tally for document in documents)}
    fates: Fates = {}
    for document in documents:
        _add(fates, document.offset, STORED_FATE, document.tally)
    return fates


def _bury(advance: Advance, document: Document, outcome: Outcome) -> int:
    """Make the document a dead letter of the advance; its size."""
    refusal = Refusal(document, outcome.category, outcome.reason)
    stored = (bucket_of(document.offset), STORED_FATE)
    advance.fates[stored] = advance.fates[stored].minus(document.tally)
    _add(advance.fates, document.offset, _dead_fate(refusal), document.tally)
    advance.dead.append(refusal)
    return size_of([refusal])


def _dead_fate(refusal: Refusal) -> str:
    return f"dead:{refusal.category}"


def _add(fates: Fates, offset: int, fate: str, tally: Tally) -> None:
    key = (bucket_of(offset), fate)
    held = fates.get(key)
    fates[key] = tally if held is None else held.plus(tally)
