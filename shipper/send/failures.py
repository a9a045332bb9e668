"""What a question that was not answered means for the documents that wait for it. No input, no output."""

from __future__ import annotations

from shipper.records import Outcome, OutcomeKind
from shipper.send.bulk import CREDENTIALS, error_of
from shipper.send.connection import Answer


def failed(what: str, answer: Answer, category: str) -> Outcome:
    """Time may help where the cluster is away or busy; else someone has to do something."""
    if answer.status == 0:
        return Outcome(OutcomeKind.RETRY, answer.category, f"{what}: {answer.failure}")
    passing = answer.status in (408, 429) or answer.status >= 500
    kind = OutcomeKind.RETRY if passing else OutcomeKind.PAUSED
    category = CREDENTIALS if answer.status == 401 else category
    return Outcome(kind, category, f"{what}: status {answer.status}, {error_of(answer.body)}")
