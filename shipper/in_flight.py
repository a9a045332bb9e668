"""What is in flight: documents out in batches, receipts back, commits over what is settled without a hole.

Nothing leaves before the files and marks that it depends on are on disk; checkpoints, ledger and dead letters move in
one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from shipper.clock import Bell, Clock
from shipper.commit.ledger import Ledger, size_of
from shipper.commit.state import State
from shipper.operate.figures import InputFigures, Totals
from shipper.records import Batch, Chunk, Parsed
from shipper.send.batches import Batches
from shipper.send.dispatch import Dispatcher
from shipper.settings import Settings

WAITING_AGE = 30.0
"""Seconds for which a batch may grow while it could not be sent anyway: an outage must not leave thousands to send."""


class InFlight:
    """From parsed chunks to commits."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        state: State,
        clock: Clock,
        bell: Bell,
        figures: Mapping[str, InputFigures],
        totals: Totals,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._state = state
        self._clock = clock
        self._bell = bell
        self._figures = figures
        self._totals = totals
        self._batches = Batches(settings.batch_bytes, settings.batch_documents, settings.batch_age)
        self.ledger = Ledger()
        self.dead_letter_bytes = state.dead_letters.bytes()
        self.committed_at = 0.0
        """Since the epoch; 0 before the first commit."""
        self.held: set[str] = set()
        """Inputs that are not read for now: what they have in flight does not keep the others out."""
        self.settled: Callable[[bool], None] = lambda _: None
        """Called after receipts were looked for: whether a checkpoint moved."""

    @property
    def full(self) -> bool:
        """Whether memory has no room for more."""
        return self.ledger.is_full(self._settings.memory, self.held)

    def take(self, chunk: Chunk, parsed: Parsed) -> None:
        """A chunk was parsed: what of it is to be sent leaves with its batch."""
        self.ledger.open(chunk, parsed)
        self._submit(self._batches.add(parsed.documents, self._clock.monotonic()))

    def send_due(self) -> None:
        """Send the open batch if it is old enough."""
        if self._batch_due() == 0:
            self.flush()

    def next_due(self) -> float | None:
        """Seconds until something has to be sent by the caller; None if nothing has."""
        times = (self._batch_due(), self._dispatcher.next_due())
        return min((time for time in times if time is not None), default=None)

    def _batch_due(self) -> float | None:
        return self._batches.due(self._clock.monotonic(), WAITING_AGE if self._dispatcher.congested else 0.0)

    def flush(self) -> None:
        """Send the open batch, whatever its age."""
        self._submit(self._batches.flush())

    def settle(self) -> None:
        """Enter the receipts that came in; commit what is settled without a hole."""
        for receipt in self._dispatcher.receipts():
            self.ledger.settle(receipt)
            self._totals.settled(receipt)
        advances = self.ledger.advances(self._settings.dead_letters - self.dead_letter_bytes)
        if advances:
            self.committed_at = self._clock.time()
            self._state.commit(advances, self.committed_at)
            for advance in advances:
                self._figures[advance.input].settled(advance.fates)
            self.dead_letter_bytes += sum(size_of(advance.dead) for advance in advances)
        self.settled(bool(advances))

    def drain(self, patience: float) -> None:
        """Send what is left and wait for its receipts."""
        self.flush()
        self.settle()
        self.wait_while(lambda: self.ledger.documents_in_flight > 0, patience)

    def wait_while(
        self, waiting: Callable[[], bool], patience: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Wait for receipts, as long as some keep coming in: at most `patience` seconds without any."""
        last, left = self._clock.monotonic(), self.ledger.documents_in_flight
        while waiting() and self._clock.monotonic() - last < patience:
            self.flush()
            left_to_wait, due = last + patience - self._clock.monotonic(), self._dispatcher.next_due()
            self._clock.wait(self._bell, min(left_to_wait, 1.0 if due is None else due))
            self.settle()
            meanwhile()
            if self.ledger.documents_in_flight < left:
                last, left = self._clock.monotonic(), self.ledger.documents_in_flight

    def _submit(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            self._state.flush()
            self._dispatcher.submit(batch)
