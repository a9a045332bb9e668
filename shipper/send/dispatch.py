"""Batches on their way: sent by a few threads, or in the caller's own when there are none."""

from __future__ import annotations

import heapq
import math
import random
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from shipper.clock import Bell, Clock
from shipper.events_log import EventsLog
from shipper.records import Batch, OutcomeKind, Receipt
from shipper.send.output import Output
from shipper.send.paused import Paused
from shipper.send.retry import FIRST_WAIT, PAUSED_WAIT, Again, Random, again
from shipper.send.troubles import OUTPUT, Troubles

LIMITS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)
"""Seconds by which the durations of requests are told apart; the longest deadline by default is the last."""


HOLD = 2.0
"""Seconds for which newer batches wait for a rest of which nothing is taken: it may have reasons of its own."""


class Durations:
    """How long requests took, counted by `LIMITS`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LIMITS) + 1)
        """Of each limit those that took no longer, and longer than the one before; at last those beyond all."""
        self.seconds = 0.0
        """All together."""

    def add(self, seconds: float) -> None:
        """A request ended."""
        self.counts[bisect_left(LIMITS, seconds)] += 1
        self.seconds += seconds


class Dispatcher:
    """Sends every batch until each of its documents has a final outcome. Receipts are collected by the agent."""

    def __init__(
        self,
        output: Output,
        clock: Clock,
        bell: Bell,
        events: EventsLog,
        *,
        senders: int,
        jitter: Random = random.random,
    ) -> None:
        self._output = output
        self._clock = clock
        self._bell = bell
        self._events = events
        self._troubles = Troubles(clock, events)
        self._jitter = jitter
        self._condition = threading.Condition()
        self._later: list[tuple[float, int, Batch]] = []
        """Batches to send again, by the time when they are due."""
        self._ready: list[tuple[int, int, Batch]] = []
        """Batches that are due, by number: the oldest leave first, for checkpoints wait for them."""
        self._closed_until = 0.0
        """Where a batch was not taken at all nothing is sent for a moment: it would only be stored beyond a hole, and
        be sent again if the agent ended now."""
        self._holes: dict[int, float] = {}
        """By number of batches that were taken in part: how long newer ones wait for the rest, for the same reason."""
        self._paused = Paused()
        self._sequence = 0
        self._receipts: list[Receipt] = []
        self._is_ahead = False
        """Whether it was told that the output is ahead of the state."""
        self._closing = False
        self._failure: BaseException | None = None
        self.durations = Durations()
        self._threads = [threading.Thread(target=self._work, name=f"sender-{n}", daemon=True) for n in range(senders)]
        for thread in self._threads:
            thread.start()

    @property
    def troubles(self) -> dict[str, tuple[str, float]]:
        """Scope (`output` or `dataset …`) -> reason, and since when (seconds since the epoch)."""
        with self._condition:
            return dict(self._troubles.all)

    @property
    def congested(self) -> bool:
        """Whether one more batch would only wait: nothing is taken, or there is enough to send for a while."""
        with self._condition:
            return OUTPUT in self._troubles.all or len(self._ready) > 2 * len(self._threads)

    def submit(self, batch: Batch) -> None:
        """Take a batch to send as soon as possible."""
        with self._condition:
            self._ready_now(batch)
            self._condition.notify()

    def receipts(self) -> Sequence[Receipt]:
        """Receipts that came in since the last call. Without threads, sends first what is due."""
        if not self._threads:
            while (batch := self._take(wait=False)) is not None:
                self._deliver(batch)
        with self._condition:
            if self._failure is not None:
                raise self._failure
            receipts, self._receipts = self._receipts, []
            self._condition.notify_all()
        return receipts

    def next_due(self) -> float | None:
        """Seconds until a batch is sent again, if the caller has to send it; None otherwise."""
        with self._condition:
            due = self._next()
            return None if self._threads or due is None else max(0.0, due - self._clock.monotonic())

    def hurry(self) -> None:
        """Send what waits for its repetition at once: someone says that its cause is gone."""
        with self._condition:
            now = self._clock.monotonic()
            self._later = [(min(due, now), number, batch) for due, number, batch in self._later]
            heapq.heapify(self._later)
            self._paused.hurry(now)
            self._closed_until = 0.0
            self._condition.notify_all()

    def close(self, seconds: float) -> None:
        """Stop sending; waits at most so long for requests under way. What was not sent stays unsettled."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        until = self._clock.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - self._clock.monotonic()))

    def _ready_now(self, batch: Batch) -> None:
        self._sequence += 1
        heapq.heappush(self._ready, (batch.number, self._sequence, batch))

    def _put_off(self, wait: float, batch: Batch) -> None:
        self._sequence += 1
        heapq.heappush(self._later, (self._clock.monotonic() + wait, self._sequence, batch))

    def _next(self) -> float | None:
        """When the next batch may leave; None if there is none."""
        times = [self._later[0][0]] if self._later else []
        if (look := self._paused.next()) is not None:
            times.append(look)
        if self._ready:
            times.append(self._held_until(self._ready[0][2]))
        due = min(times, default=math.inf)
        return None if due == math.inf else max(self._closed_until, due)

    def _held_until(self, batch: Batch) -> float:
        """When a batch may leave: a new one waits until receipts are entered, and for the rest of older ones.

        Otherwise an agent that is slower than its output would have much to send again after a kill.
        """
        if batch.attempt:
            return 0.0
        return math.inf if self._threads and self._receipts else max(self._holes.values(), default=0.0)

    def _work(self) -> None:
        try:
            while (batch := self._take(wait=True)) is not None:
                self._deliver(batch)
        except BaseException as failure:  # noqa: BLE001  handed to the agent's thread, which raises it
            with self._condition:
                self._failure = failure
            self._bell.ring()

    def _take(self, *, wait: bool) -> Batch | None:
        """The next batch that is due; None without one, or when closing."""
        with self._condition:
            while not self._closing:
                now = self._clock.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._ready_now(heapq.heappop(self._later)[2])
                if self._closed_until <= now and (batch := self._due(now)) is not None:
                    return batch
                if not wait:
                    return None
                due = self._next()
                self._clock.wait_for(self._condition, None if due is None else due - now)
            return None

    def _due(self, now: float) -> Batch | None:
        """A look at what is paused goes first: there are few."""
        if (look := self._paused.take(now)) is not None:
            return look
        while self._ready and self._held_until(self._ready[0][2]) <= now:
            free = self._paused.let_through(heapq.heappop(self._ready)[2], now + PAUSED_WAIT)
            if free is not None:
                return free
        return None

    def _deliver(self, batch: Batch) -> None:
        started = self._clock.monotonic()
        receipt = self._output.send(batch)
        now = self._clock.monotonic()
        repeats = again(receipt, self._jitter)
        with self._condition:
            self.durations.add(now - started)
            self._receipts.append(receipt)
            self._plan(repeats, self._paused.answered(receipt, now, now - started))
            self._troubles.note(receipt, lambda: self._paused.datasets)
            self._note_if_ahead(receipt)
            self._mind_the_hole(receipt)
            if receipt.kinds[OutcomeKind.RETRY] == len(receipt.batch.documents):
                self._close_briefly(min(repeat.wait for repeat in repeats))
            self._condition.notify_all()
        self._bell.ring()

    def _plan(self, repeats: Iterable[Again], released: Sequence[Batch] | None) -> None:
        """What is sent again waits; what waited for a look that went well leaves now."""
        for wait, batch, kind in repeats:
            if released is None:
                self._paused.put(batch, self._clock.monotonic() + wait)
            elif kind is OutcomeKind.PAUSED:
                self._paused.put(batch, self._clock.monotonic() + FIRST_WAIT)  # some are over at once
            else:
                self._put_off(wait, batch)
        for batch in released or ():
            self._ready_now(batch)

    def _note_if_ahead(self, receipt: Receipt) -> None:
        """Say once that the output holds what this agent sends for the first time: the state may have been lost."""
        known = receipt.kinds[OutcomeKind.ALREADY_STORED]
        if not known or receipt.batch.attempt or self._is_ahead:
            return
        self._is_ahead = True
        pairs = zip(receipt.batch.documents, receipt.outcomes, strict=True)
        path = next(one.source.path for one, outcome in pairs if outcome.kind is OutcomeKind.ALREADY_STORED)
        self._events.info("output_ahead", documents=known, path=path, now="what is there is recognised by its ids")

    def _mind_the_hole(self, receipt: Receipt) -> None:
        left, number = receipt.kinds[OutcomeKind.RETRY], receipt.batch.number
        if not left or left < len(receipt.batch.documents):
            self._holes.pop(number, None)
        if left:
            self._holes.setdefault(number, self._clock.monotonic() + HOLD)

    def _close_briefly(self, seconds: float) -> None:
        """Send nothing for a while; not long, as it may be the trouble of a part of the output only."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + min(FIRST_WAIT, seconds))
