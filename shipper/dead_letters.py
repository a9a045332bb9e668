"""Dead letters: where their lines are now, and sending them again after the cause of the refusal is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.clock import Bell, Clock
from shipper.commit.dead_letters import DeadLetter
from shipper.commit.state import State
from shipper.errors import SourceError
from shipper.read.files import Content, open_content
from shipper.read.framing import PART, holds
from shipper.records import Batch, Document, FileRow, OutcomeKind, Receipt
from shipper.send.batches import Batches
from shipper.send.output import Output
from shipper.send.retry import Random, again
from shipper.settings import Settings

ATTEMPTS = 4
"""So often a document is sent before an output that does not take it counts as away."""

_BLOCK = 1 << 20


class Located(NamedTuple):
    """A dead letter, and where its line is now."""

    letter: DeadLetter
    path: str
    """Where the file was last seen."""
    line: int | None
    """1-based number of its first line; None where the file is gone or holds other bytes there now."""


@dataclass(slots=True)
class Retried:
    """What became of dead letters that were sent again."""

    stored: list[str] = field(default_factory=list)
    """Ids that the output holds now; they are dead letters no more."""
    refused: dict[str, str] = field(default_factory=dict)
    """Ids and reasons: refused again, kept."""
    undelivered: dict[str, str] = field(default_factory=dict)
    """Ids and reasons: the output was away or paused; kept."""
    given_up: list[str] = field(default_factory=list)
    """Ids of what was discarded, and is not in the output: there is nothing left to send."""


def located(letters: Sequence[DeadLetter], rows: Iterable[FileRow]) -> list[Located]:
    """Each letter with the place of its line, in the order given. Reads each file once, up to its last letter."""
    paths = {row.id: row.current_path for row in rows}
    by_file: dict[int, list[Document]] = defaultdict(list)
    for letter in letters:
        document = letter.refusal.document
        by_file[document.source.file].append(document)
    numbers: dict[str, int] = {}
    for file, documents in by_file.items():
        if file in paths:
            numbers |= _line_numbers(paths[file], documents)
    return [
        Located(letter, paths.get(document.source.file, document.source.path), numbers.get(document.id))
        for letter in letters
        for document in (letter.refusal.document,)
    ]


def retry(
    letters: Sequence[DeadLetter], state: State, output: Output, settings: Settings, clock: Clock, random: Random
) -> Retried:
    """Send the letters' documents again; those that are stored now leave the list in one transaction per batch.

    What was discarded cannot be sent; it leaves the list if the output holds it all the same.
    """
    found = Retried()
    batches = Batches(settings.batch_bytes, settings.batch_documents, settings.batch_age)
    documents = [letter.refusal.document for letter in letters]
    _look_for([document for document in documents if not document.body], state, output, found)
    documents = [document for document in documents if document.body]
    for batch in [*batches.add(documents, clock.monotonic()), *batches.flush()]:
        for receipt in _receipts(batch, output, clock, random):
            _settle(receipt, state, found)
    return found


def _look_for(discarded: Sequence[Document], state: State, output: Output, found: Retried) -> None:
    if not discarded:
        return
    output.refresh()
    by_fingerprint: dict[str, list[str]] = defaultdict(list)
    for document in discarded:
        by_fingerprint[document.source.fingerprint].append(document.id)
    for fingerprint, names in by_fingerprint.items():
        held = output.bodies(names, fingerprint=fingerprint)
        state.dead_letters.revive(held)
        found.stored += held
        found.given_up += [name for name in names if name not in held]


def _receipts(batch: Batch, output: Output, clock: Clock, random: Random) -> Iterator[Receipt]:
    waiting, bell = [batch], Bell()
    while waiting:
        receipt = output.send(waiting.pop(0))
        yield receipt
        for wait, piece, _ in again(receipt, random):
            if piece.attempt < ATTEMPTS:
                clock.wait(bell, wait)
                waiting.append(piece)


def _settle(receipt: Receipt, state: State, found: Retried) -> None:
    stored = []
    for document, outcome in zip(receipt.batch.documents, receipt.outcomes, strict=True):
        found.undelivered.pop(document.id, None)
        match outcome.kind:
            case OutcomeKind.STORED | OutcomeKind.ALREADY_STORED:
                stored.append(document.id)
            case OutcomeKind.REFUSED:
                found.refused[document.id] = outcome.reason
            case OutcomeKind.RETRY | OutcomeKind.PAUSED | OutcomeKind.LEFT:
                found.undelivered[document.id] = outcome.reason
    state.dead_letters.revive(stored)
    found.stored += stored


def _line_numbers(path: str, documents: Iterable[Document]) -> Mapping[str, int]:
    try:
        with closing(open_content(path)) as content:
            return dict(_numbered(content, sorted(documents, key=lambda document: document.offset)))
    except (SourceError, OSError):
        return {}  # the file is gone or unreadable: the letters are shown without line numbers


def _numbered(content: Content, documents: Sequence[Document]) -> Iterator[tuple[str, int]]:
    position, newlines = 0, 0
    before = b""  # of the line in which the position is
    for document in documents:
        while position < document.offset:
            block = content.pread(min(_BLOCK, document.offset - position), position)
            if not block:
                return
            position += len(block)
            newlines += block.count(b"\n")
            before = (before + block).rpartition(b"\n")[2]
            before = before[len(before) // PART * PART :]
        if holds(content.pread(document.tally.bytes, document.offset), before, document.tally):
            yield document.id, newlines + 1
