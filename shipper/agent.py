"""The agent: chunks in, batches out, receipts back, commit.

Reading moves nothing. When the documents in flight reach the memory limit, reading waits. Everything else is in the
stages and in `in_flight`; this module alone knows their order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator

from shipper.clock import Bell, Clock
from shipper.commit.state import State
from shipper.errors import OutputError
from shipper.events_log import EventsLog
from shipper.file_parsers import FileParsers
from shipper.in_flight import InFlight
from shipper.operate.figures import InputFigures, Snapshot, Totals
from shipper.parse.notices import Notices
from shipper.parse.runaways import Runaways
from shipper.read.reader import Reader
from shipper.read.rescans import BREATH, Rescans
from shipper.read.watch import NOTHING, Heard
from shipper.records import Chunk
from shipper.reload.reloader import Reloader
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
        self.figures = {item.name: InputFigures() for item in settings.inputs}
        """By input."""
        self.totals = Totals()
        self.in_flight = InFlight(settings, dispatcher, state, clock, bell, self.figures, self.totals)
        self.in_flight.settled = self._settled
        self._parsers = FileParsers(reader, state, settings.max_open_files)
        self._runaways = runaways
        self._notices = notices
        self._events = events
        self.standstills = Standstills(
            settings, reloader, reader, dispatcher, self.in_flight.ledger, state, clock, events, runaways
        )

    def once(self, progress: Callable[[Totals], None] = lambda _: None) -> None:
        """Ship everything up to the end of every file as it is now. Raises OutputError if that cannot be finished.

        `progress` is called after every chunk.
        """
        self.reader.scan()
        self._pass(once=True, progress=progress)
        for _ in self._waits_for_more():
            self._pass(once=True, progress=progress)
        self.in_flight.drain(PATIENCE)
        if not self.in_flight.ledger.idle:
            raise OutputError(self.standstills.sentence())

    def _waits_for_more(self) -> Iterator[None]:
        """Wait for what a pass could not read: after each wait, another one may."""
        while (pause := self.reader.due()) is not None:  # an input's rate held it back
            self._clock.wait(self.bell, pause)
            yield
        read = -1
        while self.reader.unfinished and read != self.totals.lines:  # a dataset was paused: it is read when it goes on
            read = self.totals.lines
            self.in_flight.wait_while(lambda: bool(self.reader.held), PATIENCE)
            yield
        if self.reader.unanswered:  # an index that was just being made may answer now
            self.in_flight.drain(PATIENCE)
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
            self.in_flight.send_due()
            if self._clock.wait(self.bell, self._until_next(rescans.due)):
                self._breathe(started + BREATH, stopping)
            self.in_flight.settle()
        self.in_flight.drain(DRAIN)

    def _breathe(self, until: float, stopping: Callable[[], bool]) -> None:
        """Serve receipts only: a busy writer must not make a busy reader."""
        while (left := until - self._clock.monotonic()) > 0 and not stopping():
            self.in_flight.settle()
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
            documents_in_flight=self.in_flight.ledger.documents_in_flight,
            bytes_in_flight=self.in_flight.ledger.bytes_in_flight,
            memory=self._settings.memory,
            dead_letter_bytes=self.in_flight.dead_letter_bytes,
            dead_letter_limit=self._settings.dead_letters,
            committed_at=self.in_flight.committed_at,
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
            self.in_flight.send_due()
            self.in_flight.settle()
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
        self.figures[chunk.source.input].took(self.totals.took(chunk, parsed), chunk, parsed)
        pipeline = self._reloader.pipelines[chunk.source.input].name
        if parsed.runaways:
            self._runaways.note(pipeline, chunk.source.path, parsed.runaways)
        if parsed.notices:
            self._notices.note(pipeline, chunk.source.path, parsed.notices)
        self.in_flight.take(chunk, parsed)

    def _reload(self, asked: bool) -> None:
        """Look at the definitions if it is time; others rule from the next chunk of each file on."""
        for name, pipeline in self._reloader.look(asked=asked).items():
            self.reader.reframe(name, pipeline.framing)
            self._runaways.forget(pipeline.name)
        self._note_stalls()

    def _wait_for_room(self, stopping: Callable[[], bool], patience: float, meanwhile: Callable[[], None]) -> None:
        def full() -> bool:
            return self.in_flight.full and not stopping()

        self.in_flight.wait_while(full, patience, meanwhile)
        if full():
            raise OutputError(self.standstills.sentence())

    def _settled(self, moved: bool) -> None:
        if moved:
            self._parsers.drop_settled(self.in_flight.ledger.holds)
        self._note_stalls()

    def _until_next(self, next_scan: float) -> float:
        now = self._clock.monotonic()
        times = [next_scan - now, self._reloader.due - now, self.in_flight.next_due(), self.reader.due()]
        return max(0.0, min(time for time in times if time is not None))

    def _note_stalls(self) -> None:
        """Record what stands still, and do not read what would only be held."""
        self.standstills.look()
        self.reader.held = self.in_flight.held = self.standstills.held()
