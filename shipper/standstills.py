"""What stands still in an agent, whichever part it concerns: recorded where `status` sees it, and told in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shipper.clock import Clock
from shipper.commit.ledger import Ledger
from shipper.commit.state import Stall, State
from shipper.events_log import EventsLog
from shipper.operate.reminders import Reminders, Standstill
from shipper.operate.slowdown import Slowdowns
from shipper.parse.runaways import Runaways
from shipper.read.reader import Reader
from shipper.read.unread import unread_bytes
from shipper.reload.reloader import Reloader
from shipper.send.dispatch import Dispatcher
from shipper.settings import Settings
from shipper.wording import counted


class Standstills:
    """Everything that stands still now."""

    def __init__(
        self,
        settings: Settings,
        reloader: Reloader,
        reader: Reader,
        dispatcher: Dispatcher,
        ledger: Ledger,
        state: State,
        clock: Clock,
        events: EventsLog,
        runaways: Runaways,
    ) -> None:
        self._reloader = reloader
        self._reader = reader
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._state = state
        self._clock = clock
        self._runaways = runaways
        self._inputs = [item.name for item in settings.inputs]
        self._memory = settings.memory
        self._stalls: list[Stall] = state.stalls()
        self._reminders = Reminders(clock, events)
        self._slowdowns = Slowdowns(settings.stall_after)
        self.unread: dict[str, int] = {}
        """Bytes by input, of open files, when last looked at."""
        self.others: Callable[[], Mapping[str, str]] = dict
        """What stands still beside the agent's own work: scope -> reason."""

    @property
    def all(self) -> Sequence[Standstill]:
        """As they were when last looked at."""
        return [Standstill(*stall) for stall in self._stalls]

    def look(self) -> None:
        """Record and tell what is new, what goes on and what is over."""
        reasons = self._reasons()
        if reasons != {stall.scope: stall.reason for stall in self._stalls}:
            since = {stall.scope: stall.since for stall in self._stalls}
            now = self._clock.time()
            self._stalls = [Stall(scope, reason, since.get(scope, now)) for scope, reason in reasons.items()]
            self._state.note_stalls(self._stalls)
        self._reminders.look(self.all)

    def held(self) -> set[str]:
        """The inputs whose dataset the output does not take now, or whose dead letters have no room."""
        datasets = {name: f"dataset {pipeline.dataset}" for name, pipeline in self._reloader.pipelines.items()}
        troubles = self._dispatcher.troubles
        paused = {name for name, dataset in datasets.items() if dataset in troubles}
        return paused | self._ledger.waits_for_room

    def sentence(self) -> str:
        """Why documents were not delivered."""
        reasons = "; ".join(f"{stall.scope}: {stall.reason}" for stall in self._stalls) or "no answer came"
        return (
            f"{counted(self._ledger.documents_in_flight, 'document')} could not be delivered: {reasons}. "
            "Their lines stay beyond the checkpoints and are sent by the next run."
        )

    def _reasons(self) -> dict[str, str]:
        """By scope."""
        reasons = {scope: reason for scope, (reason, _) in self._dispatcher.troubles.items()}
        if self._ledger.waits_for_room:
            reasons["dead letters"] = "their limit is reached: retry or discard some, or raise `dead_letters`"
        for path, problem in self._reader.unreadable.items():
            reasons[f"file {path}"] = problem
        for scope, reason in [*self._runaways.troubles().items(), *self._reloader.troubles().items()]:
            reasons[scope] = f"{reasons[scope]}; {reason}" if scope in reasons else reason
        reasons |= self._slowed_down()
        if "output" not in reasons:  # what is beside the agent's work stands still with it
            reasons |= self.others()
        return reasons

    def _slowed_down(self) -> dict[str, str]:
        """Inputs that are read more slowly than they are written, and what holds them up as far as it is known."""
        now = self._clock.monotonic()
        if self._slowdowns.is_due(now):
            self.unread = unread_bytes(self._reader.tailed, self._inputs)
            self._slowdowns.look(self.unread, now)
        full = self._ledger.bytes_in_flight > self._memory // 2
        return {f"input {name}": found.sentence(output_is_slow=full) for name, found in self._slowdowns.found().items()}
