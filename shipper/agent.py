"""The agent: chunks in, batches out, receipts back, commit.

Reading moves nothing. Marks are committed before the first document that depends on them is sent; checkpoints and
ledger move, in one transaction, over what is settled without a hole. When the documents in flight reach the memory
limit, reading waits. Everything else is in the stages; this module alone knows their order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from shipper.clock import Bell, Clock
from shipper.commit.ledger import Ledger, size_of
from shipper.commit.state import State
from shipper.errors import OutputError
from shipper.events_log import EventsLog
from shipper.file_parsers import FileParsers
from shipper.operate.figures import InputFigures, Snapshot, Totals
from shipper.parse.notices import Notices
from shipper.parse.runaways import Runaways
from shipper.read.reader import Reader
from shipper.read.rescans import BREATH, Rescans
from shipper.read.watch import NOTHING, Heard
from shipper.records import Batch, Chunk
from shipper.reload.reloader import Reloader
from shipper.send.batches import Batches
from shipper.send.dispatch import LIMITS, Dispatcher
from shipper.settings import Settings
from shipper.standstills import Standstills

PATIENCE = 60.0
"""Seconds without any receipt after which a single pass gives up."""
DRAIN = 10.0
"""Seconds that a stop waits for documents under way."""


class Agent:
    """Ships the files of all inputs to one output."""

    def __init__(
        self,
        settings: Settings,
        reloader: Reloader,
        reader: Reader,
        dispatcher: Dispatcher,
        state: State,
        clock: Clock,
        bell: Bell,
        events: EventsLog,
        runaways: Runaways,
        notices: Notices,
    ) -> None:
        self._settings = settings
        self._reloader = reloader
        self.reader = reader
        self._dispatcher = dispatcher
        self._state = state
        self._clock = clock
        self.bell = bell
        """Rung when something happens to files or receipts come in."""
        self._batches = Batches(settings.batch_bytes, settings.batch_documents, settings.batch_age)
        self._ledger = Ledger()
        self._dead_letter_bytes = state.dead_letters.bytes()
        self._parsers = FileParsers(reader, state, settings.max_open_files)
        self._runaways = runaways
        self._notices = notices
        self._events = events
        self.standstills = Standstills(
            settings, reloader, reader, dispatcher, self._ledger, state, clock, events, runaways
        )
        self.figures = {item.name: InputFigures() for item in settings.inputs}
        """By input."""
        self._committed_at = 0.0
        self.totals = Totals()

    def once(self, progress: Callable[[Totals], None] = lambda _: None) -> None:
        """Ship everything up to the end of every file as it is now. Raises OutputError if that cannot be finished.

        `progress` is called after every chunk.
        """
        self.reader.scan()
        self._pass(once=True, progress=progress)
        for _ in self._waits_for_more():
            self._pass(once=True, progress=progress)
        self._drain(PATIENCE)
        if not self._ledger.idle:
            raise OutputError(self.standstills.sentence())

    def _waits_for_more(self) -> Iterator[None]:
        """Wait for what a pass could not read: after each wait, another one may."""
        while (pause := self.reader.due()) is not None:  # an input's rate held it back
            self._clock.wait(self.bell, pause)
            yield
        read = -1
        while self.reader.unfinished and read != self.totals.lines:  # a dataset was paused: it is read when it goes on
            read = self.totals.lines
            self._wait_while(lambda: bool(self.reader.held), PATIENCE)
            yield
        if self.reader.unanswered:  # an index that was just being made may answer now
            self._drain(PATIENCE)
            self.reader.scan()
            yield

    def run(
        self,
        stopping: Callable[[], bool],
        asked: Callable[[], bool] = lambda: False,
        heard: Callable[[], Heard] = lambda: NOTHING,
    ) -> None:
        """Ship until asked to stop, then finish what is under way, within a limit.

        `asked` tells, once, that somebody wants the definitions to be looked at, `heard` what the watcher heard.
        """
        rescans = Rescans(self._settings.rescan)

        def look_around() -> None:
            hung_up = asked()
            self._reload(hung_up)
            if hung_up:
                self._dispatcher.hurry()
            grown, names = heard()
            if self.reader.grew(grown) or names:
                rescans.names_changed()

        def scan_if_due() -> None:
            started = self._clock.monotonic()
            if started >= rescans.due:
                self.reader.scan()
                rescans.looked(started, self._clock.monotonic())
                if problem := self._state.keep_copy(self._clock.time()):
                    self._events.warning("state_copy_failed", reason=problem)

        def hold_on() -> None:
            look_around()
            scan_if_due()
            self.reader.hold()

        while not stopping():
            look_around()
            started = self._clock.monotonic()
            scan_if_due()
            self._pass(
                once=False,
                stopping=stopping,
                between=look_around,
                full=hold_on,
                interrupted=lambda: self._clock.monotonic() >= rescans.due,
            )
            self._send_due()
            if self._clock.wait(self.bell, self._until_next(rescans.due)):
                self._breathe(started + BREATH, stopping)
            self._settle()
        self._drain(DRAIN)

    def _breathe(self, until: float, stopping: Callable[[], bool]) -> None:
        """Serve receipts only: a busy writer must not make a busy reader."""
        while (left := until - self._clock.monotonic()) > 0 and not stopping():
            self._settle()
            self._clock.wait(self.bell, left)

    def snapshot(self) -> Snapshot:
        """The agent as it is now; asked for by other threads, while it goes on."""
        reader = self.reader
        strangers = Counter(one.problem for one in tuple(reader.unidentified.values()))
        files = {"open": len(reader.tailed), "to open": reader.to_open, "unreadable": len(reader.unreadable)}
        named = {problem: strangers[problem] for problem in ("empty", "header only", "unfinished")}
        return Snapshot(
            inputs=self.figures,
            unread=self.standstills.unread,
            outcomes={kind.name.lower(): count for kind, count in dict(self.totals.outcomes).items()},
            files=files | named,
            matching=reader.matching,
            standstills=self.standstills.all,
            request_limits=LIMITS,
            request_counts=tuple(self._dispatcher.durations.counts),
            request_seconds=self._dispatcher.durations.seconds,
            documents_in_flight=self._ledger.documents_in_flight,
            bytes_in_flight=self._ledger.bytes_in_flight,
            memory=self._settings.memory,
            dead_letter_bytes=self._dead_letter_bytes,
            dead_letter_limit=self._settings.dead_letters,
            committed_at=self._committed_at,
        )

    def close(self) -> None:
        """Give files and threads back; nothing is written any more."""
        self._dispatcher.close(DRAIN)
        self.reader.close()

    def _pass(
        self,
        *,
        once: bool,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[Totals], None] = lambda _: None,
        between: Callable[[], None] = lambda: None,
        full: Callable[[], None] = lambda: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take every chunk that is there, unless interrupted.

        `between` is called after each, while none is in hand, `full` now and then while memory has no room for more.
        """
        for chunk in self.reader.chunks(once=once):
            self.take(chunk)
            self._send_due()
            self._settle()
            self._wait_for_room(stopping, PATIENCE if once else math.inf, full)
            progress(self.totals)
            between()
            if stopping() or interrupted():
                break
        self._state.flush()

    def take(self, chunk: Chunk) -> None:
        """Parse a chunk; what it brings for sending leaves."""
        parser, marks = self._parsers.of(chunk, self._reloader.pipelines)
        parsed = parser.parse(chunk.events, modified=chunk.modified, at_end=chunk.at_end)
        self._state.files.mark(chunk.source.file, [*marks, *chunk.marks, *parsed.marks])
        self._ledger.open(chunk, parsed)
        self.figures[chunk.source.input].took(self.totals.took(chunk, parsed), chunk, parsed)
        pipeline = self._reloader.pipelines[chunk.source.input].name
        if parsed.runaways:
            self._runaways.note(pipeline, chunk.source.path, parsed.runaways)
        if parsed.notices:
            self._notices.note(pipeline, chunk.source.path, parsed.notices)
        self._submit(self._batches.add(parsed.documents, self._clock.monotonic()))

    def _reload(self, asked: bool) -> None:
        """Look at the definitions if it is time; others rule from the next chunk of each file on."""
        for name, pipeline in self._reloader.look(asked=asked).items():
            self.reader.reframe(name, pipeline.framing)
            self._runaways.forget(pipeline.name)
        self._note_stalls()

    def _send_due(self) -> None:
        if self._batches.due(self._clock.monotonic()) == 0:
            self._flush()

    def _flush(self) -> None:
        self._submit(self._batches.flush())

    def _submit(self, batches: Iterable[Batch]) -> None:
        """Send; files and marks that the documents depend on are on disk before."""
        for batch in batches:
            self._state.flush()
            self._dispatcher.submit(batch)

    def _settle(self) -> None:
        """Enter the receipts that came in; commit what is settled without a hole."""
        for receipt in self._dispatcher.receipts():
            self._ledger.settle(receipt)
            self.totals.settled(receipt)
        advances = self._ledger.advances(self._settings.dead_letters - self._dead_letter_bytes)
        if advances:
            self._committed_at = self._clock.time()
            self._state.commit(advances, self._committed_at)
            for advance in advances:
                self.figures[advance.input].settled(advance.fates)
            self._dead_letter_bytes += sum(size_of(advance.dead) for advance in advances)
            self._parsers.drop_settled(self._ledger.holds)
        self._note_stalls()

    def _wait_for_room(self, stopping: Callable[[], bool], patience: float, meanwhile: Callable[[], None]) -> None:
        limit = self._settings.memory
        self._wait_while(lambda: self._ledger.bytes_in_flight > limit and not stopping(), patience, meanwhile)
        if self._ledger.bytes_in_flight > limit and not stopping():
            raise OutputError(self.standstills.sentence())

    def _drain(self, patience: float) -> None:
        """Send what is left and wait for its receipts."""
        self._flush()
        self._settle()
        self._wait_while(lambda: self._ledger.documents_in_flight > 0, patience)

    def _wait_while(
        self, waiting: Callable[[], bool], patience: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Wait for receipts, as long as some keep coming in."""
        last, left = self._clock.monotonic(), self._ledger.documents_in_flight
        while waiting() and self._clock.monotonic() - last < patience:
            self._flush()
            left_to_wait, due = last + patience - self._clock.monotonic(), self._dispatcher.next_due()
            self._clock.wait(self.bell, min(left_to_wait, 1.0 if due is None else due))
            self._settle()
            meanwhile()
            if self._ledger.documents_in_flight < left:
                last, left = self._clock.monotonic(), self._ledger.documents_in_flight

    def _until_next(self, next_scan: float) -> float:
        now = self._clock.monotonic()
        times = [next_scan - now, self._reloader.due - now, self._batches.due(now), self._dispatcher.next_due()]
        return max(0.0, min(time for time in [*times, self.reader.due()] if time is not None))

    def _note_stalls(self) -> None:
        """Record what stands still, and do not read what a paused dataset would only hold."""
        self.standstills.look()
        self.reader.held = set(self.standstills.paused())
