"""Opens everything an agent needs, in the right order, and closes it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from shipper.agent import Agent
from shipper.clock import Bell, Clock
from shipper.commit import pins
from shipper.commit.database import exists
from shipper.commit.room import WaitForRoom, write_note
from shipper.commit.state import Stall, State
from shipper.errors import OutputError, StateError
from shipper.events_log import EventsLog
from shipper.fleet.reporting import reported
from shipper.operate.reminders import Rarely
from shipper.parse.guard import Guard
from shipper.parse.notices import Notices
from shipper.parse.pipeline import Pipeline
from shipper.parse.runaways import Runaways
from shipper.read.absences import Absences
from shipper.read.reader import Reader
from shipper.read.recognise import Adopt, Recogniser
from shipper.records import Mark, MarkKind, Source
from shipper.reload.accepted import accept, pipelines_in_force
from shipper.reload.reloader import Announce, Reloader
from shipper.send.dispatch import Dispatcher
from shipper.send.output import Dataset, Output
from shipper.send.outputs import open_output, senders
from shipper.send.retry import FIRST_WAIT, PAUSED_WAIT
from shipper.settings import Settings

MACHINE_ID = Path("/etc/machine-id")
HOLDER = "agent.pid"
LOCK_WAIT = 1.0
"""Seconds: `status` holds the lock for an instant to see whether an agent does."""
_EVERYWHERE = 1 << 62
_Answer = TypeVar("_Answer")


def datasets(settings: Settings, pipelines: Mapping[str, Pipeline]) -> list[Dataset]:
    """What the output is told of the datasets that the inputs are shipped to."""
    found: dict[tuple[str, str], Dataset] = {}
    for item in settings.inputs:
        pipeline = pipelines[item.name]
        key = (pipeline.dataset, item.namespace)
        types = {**(found[key].field_types if key in found else {}), **pipeline.field_types}
        found[key] = Dataset(pipeline.dataset, item.namespace, types)
    return list(found.values())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the state folder for one agent. Raises StateError naming the holder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    holder = folder / HOLDER
    try:
        with FileLock(folder / "agent.lock", timeout=LOCK_WAIT):
            holder.write_text(f"{os.getpid()}\n")
            yield
    except Timeout as error:
        process = holder.read_text().strip() if holder.exists() else "another process"
        sentence = f"{folder}: an agent runs on this state already (process {process}). Stop it first."
        raise StateError(sentence) from error


@contextmanager
def without_agent(
    settings: Settings, clock: Clock, events: EventsLog
) -> Iterator[tuple[Mapping[str, Pipeline], State, Output]]:
    """Pipelines, state and output for a command that does an agent's work; none runs meanwhile. Raises as `locked`."""
    with (
        pipelines_in_force(settings) as pipelines,
        locked(settings.state),
        closing(State.open(settings.state, settings.host)) as state,
        closing(open_output(settings.output, datasets(settings, pipelines), clock, events)) as output,
    ):
        yield pipelines, state, output


@contextmanager
def agent(
    settings: Settings,
    clock: Clock,
    events: EventsLog,
    *,
    bell: Bell | None = None,
    giving_up: Callable[[], bool] = lambda: True,
    output: Output | None = None,
    threads: int | None = None,
) -> Iterator[Agent]:
    """A ready agent. While the output is away at the start it is asked again, until `giving_up`; then OutputError.

    `output` replaces the configured one, `threads` the number of senders (0: the caller's own thread sends).
    """
    bell = bell or Bell()
    guard = Guard(settings.parse_timeout)
    room = WaitForRoom(settings.state, clock, bell, events, giving_up)
    if (settings.state / HOLDER).exists() and not exists(settings.state):
        events.warning("state_lost", folder=str(settings.state), now="everything is read again from the beginning")
    with guard.on(), locked(settings.state), closing(State.open(settings.state, settings.host, room)) as state:
        write_note(settings.state, None)
        reloader = Reloader(settings, guard, state, clock, events)
        reloader.start()
        pipelines = reloader.pipelines
        pins.check(state.pins(), settings, facts_of(settings, pipelines))
        asked = _Patiently(state, clock, bell, events, giving_up)
        known = datasets(settings, pipelines)
        with closing(output or asked(lambda: open_output(settings.output, known, clock, events))) as where:
            _use(state, asked(lambda: where.identity), events)
            state.pin(facts_of(settings, pipelines))
            accept(state, pipelines)
            reloader.announce = _announcer(settings, state, where)
            count = senders(settings.output) if threads is None else threads
            dispatcher = Dispatcher(where, clock, bell, events, senders=count)
            reader = Reader(
                settings.host,
                settings.inputs,
                {name: pipeline.framing for name, pipeline in pipelines.items()},
                Recogniser(settings.host, state.files, _adopter(where, pipelines, settings), events),
                Absences(state.absences, state.files, list(pipelines), settings.forget_after, events),
                state.files,
                clock,
                events,
                max_open_files=settings.max_open_files,
            )
            runaways, notices = Runaways(events, settings.parse_timeout), Notices(events)
            ready = Agent(settings, reloader, reader, dispatcher, state, clock, bell, events, runaways, notices)
            with (
                closing(ready) as running,
                reported(settings, pipelines, running.snapshot, where.identity, clock, events) as troubles,
            ):
                running.standstills.others = troubles
                yield running


def _announcer(settings: Settings, state: State, output: Output) -> Announce:
    """Tells the output the types of the pipelines in force, and pins what must not change."""

    def announce(pipelines: Mapping[str, Pipeline]) -> None:
        state.pin(facts_of(settings, pipelines))
        output.announce(datasets(settings, pipelines))

    return announce


def facts_of(settings: Settings, pipelines: Mapping[str, Pipeline]) -> dict[str, str]:
    """What is pinned at the first start, for ids and places of documents follow from it."""
    return pins.facts(settings, {name: pipeline.dataset for name, pipeline in pipelines.items()}, machine_id())


class _Patiently:
    """Asks an output that may be away, again and again until the agent gives up."""

    def __init__(
        self, state: State, clock: Clock, bell: Bell, events: EventsLog, giving_up: Callable[[], bool]
    ) -> None:
        self._state = state
        self._clock = clock
        self._bell = bell
        self._events = events
        self._giving_up = giving_up

    def __call__(self, ask: Callable[[], _Answer]) -> _Answer:
        since, wait, told, reminder = self._clock.time(), FIRST_WAIT, "", Rarely(0.0)
        while True:
            try:
                answer = ask()
            except OutputError as error:
                if self._giving_up():
                    raise
                self._state.note_stalls([Stall("output", str(error), since)])
                if str(error) != told:
                    told, reminder = str(error), Rarely(self._clock.monotonic(), FIRST_WAIT)
                    self._events.warning("output_away", reason=told)
                elif reminder.due(self._clock.monotonic()):
                    self._events.warning("output_away", reason=told, away_seconds=round(self._clock.time() - since))
            else:
                if told:
                    self._events.info("output_back", away_seconds=round(self._clock.time() - since, 3))
                return answer
            self._clock.wait(self._bell, wait)
            wait = min(2 * wait, PAUSED_WAIT)  # a key that is put right must not wait for long


def _use(state: State, identity: str, events: EventsLog) -> None:
    """Mean this output from now on. One that the state does not know gets every line there is: that is said."""
    before, known = state.output_in_use(), identity in state.outputs()
    state.use_output(identity)
    if before not in (None, identity):
        shipped = "what was not shipped to it yet" if known else "every line of every file"
        events.warning("output_changed", output=identity, before=before, will_ship=shipped)


def _adopter(output: Output, pipelines: Mapping[str, Pipeline], settings: Settings) -> Adopt:
    """Takes the marks of what the state knows nothing of from the documents it left in the output."""
    refreshed = False
    skipping = {item.name for item in settings.inputs if item.start_at == "now"}

    def adopt(source: Source, since: int) -> Sequence[Mark]:
        nonlocal refreshed
        pipeline = pipelines[source.input]
        if not refreshed and (pipeline.needs_date or pipeline.framing.multiline or source.input in skipping):
            output.refresh()  # what an agent stored just before it lost its state may not be visible yet
            refreshed = True
        marks: list[Mark] = []
        if pipeline.needs_date:
            marks += [Mark(offset, MarkKind.DATE, date) for offset, date in output.anchors(source.fingerprint)]
        if pipeline.framing.multiline:
            spans = output.spans(source.fingerprint, since, _EVERYWHERE)
            marks += [Mark(span.offset + span.tally.bytes, MarkKind.CUT, "adopted") for span in spans]
        if source.input in skipping and since == 0:
            first = next(iter(output.spans(source.fingerprint, 0, _EVERYWHERE)), None)
            if first is not None:
                # After a switch from another shipper the first document may go on with an event that the other began.
                marks += [Mark(first.offset, kind, "adopted") for kind in (MarkKind.START, MarkKind.CUT)]
        return marks

    return adopt


def machine_id() -> str:
    """The machine's id (machine-id(5)): tells a cloned host from the host it was cloned from."""
    return MACHINE_ID.read_text().strip() if MACHINE_ID.exists() else ""
