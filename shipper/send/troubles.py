"""What of sending stands still, why and since when: told at once, and once per cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from shipper.clock import Clock
from shipper.events_log import EventsLog
from shipper.records import OutcomeKind, Receipt

OUTPUT = "output"
_UNSETTLED = frozenset({OutcomeKind.RETRY, OutcomeKind.PAUSED})
_NUMBERS = re.compile(r"\d+")
_CAUSES = 10
"""So many causes are told of one standstill; what an output says may be another thing every time."""


class Troubles:
    """The output stands still while it takes nothing of a batch, a dataset while documents of it are paused."""

    def __init__(self, clock: Clock, events: EventsLog) -> None:
        self._clock = clock
        self._events = events
        self.all: dict[str, tuple[str, float]] = {}
        """Scope (`output` or `dataset …`) -> reason, and since when (seconds since the epoch)."""
        self._told: dict[str, set[str]] = {}
        """By scope."""

    def note(self, receipt: Receipt, paused: Callable[[], Collection[str]]) -> None:
        """Take note of an answer; `paused` names the datasets of which something is paused now."""
        kinds = receipt.kinds
        if not self.all and not _UNSETTLED.intersection(kinds):
            return
        if kinds[OutcomeKind.PAUSED]:
            self._note_paused(receipt)
        if kinds[OutcomeKind.RETRY] == len(receipt.batch.documents):
            self._begin(OUTPUT, receipt.outcomes[0].reason)
        else:
            self._end(OUTPUT)
        still = {_scope(dataset) for dataset in paused()}
        for scope in [scope for scope in self.all if scope != OUTPUT and scope not in still]:
            self._end(scope)

    def _note_paused(self, receipt: Receipt) -> None:
        for document, outcome in zip(receipt.batch.documents, receipt.outcomes, strict=True):
            if outcome.kind is OutcomeKind.PAUSED:
                self._begin(_scope(document.dataset), outcome.reason)

    def _begin(self, scope: str, reason: str) -> None:
        known = self.all.get(scope)
        if known is not None and known[0] == reason:
            return
        told, cause = self._told.setdefault(scope, set()), _cause(reason)
        if cause in told or len(told) >= _CAUSES:
            return
        told.add(cause)
        self.all[scope] = (reason, known[1] if known else self._clock.time())
        self._events.warning("shipping_stalled", scope=scope, reason=reason)

    def _end(self, scope: str) -> None:
        trouble = self.all.pop(scope, None)
        if trouble is None:
            return
        del self._told[scope]
        stalled = round(self._clock.time() - trouble[1], 3)
        self._events.info("shipping_resumed", scope=scope, stalled_seconds=stalled)


def _scope(dataset: str) -> str:
    return f"dataset {dataset}"


def _cause(reason: str) -> str:
    """What is the same each time: servers put what differs, as ids and sizes, in brackets or numbers."""
    return _NUMBERS.sub("0", reason.partition("[")[0])
