"""What sending takes and gives: batches of documents, and one outcome for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import NamedTuple

from shipper.records.documents import Document


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
    failures: int = 0
    """How often in a row none of them was taken."""


@dataclass(slots=True, frozen=True)
class Receipt:
    """One outcome per document of a batch, in its order."""

    batch: Batch
    outcomes: Sequence[Outcome]

    @property
    def kinds(self) -> Counter[OutcomeKind]:
        """How many documents had which outcome."""
        return Counter(map(itemgetter(0), self.outcomes))
