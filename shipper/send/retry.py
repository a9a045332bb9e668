"""When and in which pieces documents are sent again: pure decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from shipper.records import BUSY, Batch, OutcomeKind, Receipt
from shipper.send.bulk import CREDENTIALS

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
BRIEF_WAIT = 0.05
"""Seconds for the first repetition where an output that is well put off some of a batch: checkpoints wait for them."""
PAUSED_WAIT = 5.0
"""Seconds between two looks at a paused dataset: shipping resumes well within 10 s of the cause's end."""
SPLIT_AFTER = 3
"""A batch that a busy output turned away whole so often is halved: it may be too large for the output's memory."""

Random = Callable[[], float]
"""A number from 0 to 1."""


class Again(NamedTuple):
    """Documents to send again, so many seconds from now."""

    wait: float
    batch: Batch
    kind: OutcomeKind
    """Why: `RETRY` or `PAUSED`."""


def again(receipt: Receipt, random: Random) -> list[Again]:
    """What of a batch must be sent again, and when."""
    pieces: list[Again] = []
    kinds = receipt.kinds
    for kind in (OutcomeKind.RETRY, OutcomeKind.PAUSED):
        if not kinds[kind]:
            continue
        pairs = zip(receipt.batch.documents, receipt.outcomes, strict=True)
        documents = tuple(document for document, outcome in pairs if outcome.kind is kind)
        size = sum(len(document.body) for document in documents)
        none_taken = kind is OutcomeKind.RETRY and len(documents) == len(receipt.batch.documents)
        failures = receipt.batch.failures + 1 if none_taken else 0
        batch = Batch(receipt.batch.number, documents, size, receipt.batch.attempt + 1, failures)
        wait = PAUSED_WAIT if kind is OutcomeKind.PAUSED else backoff(failures, random)
        if any(outcome.category == CREDENTIALS for outcome in receipt.outcomes):
            wait = min(wait, PAUSED_WAIT)  # a good key must not wait for the pauses of a bad one
        busy = all(outcome.category == BUSY for outcome in receipt.outcomes)
        pieces += [Again(wait, part, kind) for part in (_halves(batch) if busy else [batch])]
    return pieces


def backoff(failures: int, random: Random) -> float:
    """Seconds to wait after documents of which none was taken so many times in a row: full jitter.

    At most 50 ms where some of their batch were taken just now, otherwise 1 s, twice as much each time, up to 60 s.
    """
    ceiling = BRIEF_WAIT if failures == 0 else min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 10))
    return ceiling * random()


def _halves(batch: Batch) -> list[Batch]:
    if batch.failures < SPLIT_AFTER or len(batch.documents) < 2:
        return [batch]
    middle = len(batch.documents) // 2
    parts = (batch.documents[:middle], batch.documents[middle:])
    return [replace(batch, documents=part, bytes=sum(len(d.body) for d in part)) for part in parts]
