"""The order of it all: signs of life, then of each host its ledger before the index, so that the index is never behind.

What the index holds and no ledger knows may have begun since the ledger was written, and a ledger may be read while it
is written. Where an agent is alive the answer is at hand: two signs of life later every line that was there is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shipper.audit.findings import Cause, Kind, Outcome, in_order
from shipper.fleet.expected import unexpected
from shipper.fleet.ledgers import read_ledger
from shipper.fleet.lines import Compared, compare, tell_doubts, unknown_host
from shipper.fleet.notes import AgentNote, read_agent
from shipper.fleet.watch import SILENT_AFTER, ahead, finding_of, is_alive, silent, skewed, stalled
from shipper.send.ledger_index import LedgerIndex, LedgerKind
from shipper.send.output import Dataset, Output

_ROUNDS = 3
"""How often a ledger is read that is being written each time."""
_SLACK = 30.0
_LOOK = 2.0
"""Seconds between two looks for signs of life."""


@dataclass(frozen=True, slots=True)
class HostView:
    """One host."""

    host: str
    notes: tuple[AgentNote, ...]
    """Of its agents; none if it tells nothing of itself."""
    compared: Compared = field(default_factory=Compared)


@dataclass(slots=True)
class Fleet:
    """All hosts, and what was found."""

    hosts: list[HostView]
    outcome: Outcome


def shipped(index: LedgerIndex) -> list[Dataset]:
    """The datasets that the hosts ship to, as they say. Raises OutputError."""
    inputs = (item for note in map(read_agent, index.read(LedgerKind.AGENT)) for item in note.inputs)
    return [Dataset(*names, {}) for names in sorted({(item.dataset, item.namespace) for item in inputs})]


class Survey:
    """Compares what the hosts of an index say with what it holds. Changes nothing."""

    def __init__(
        self,
        index: LedgerIndex,
        output: Output,
        now: Callable[[], float],
        wait: Callable[[float], None],
        silent_after: float = SILENT_AFTER,
        retired: Collection[str] = (),
    ) -> None:
        """`retired`: hosts of which no sign of life is expected any more."""
        self._index = index
        self._output = output
        self._now = now
        self._wait = wait
        self._silent_after = silent_after
        self._retired = frozenset(retired)

    def run(self, wanted: Collection[str] = ()) -> Fleet:
        """Look at all hosts, or at those that are wanted only. Raises OutputError."""
        notes = self._notes()
        self._output.refresh()
        hosts = sorted({*notes, *self._output.hosts()})
        known = [host for host in hosts if host in notes and (not wanted or host in wanted)]
        looked = {host: self._compared(host, notes[host]) for host in known}
        self._settle_doubts(notes, looked)
        # All this may take longer than anybody may be silent.
        notes |= self._notes()
        outcome = Outcome()
        if not hosts:
            said = "the index holds neither documents nor ledgers: nobody ever shipped anything to it"
            outcome.report(finding_of(Kind.UNPROVED, Cause.ANOTHER_OUTPUT, "", said))
        views = []
        for host in hosts:
            if wanted and host not in wanted:
                continue
            if host not in looked:
                outcome.add(unknown_host(host, self._output))
                views.append(HostView(host, ()))
                continue
            tell_doubts(host, looked[host], self._output, self._now())
            outcome.add(looked[host].outcome)
            views.append(HostView(host, notes[host], looked[host]))
        self._look_at_signs([note for host in notes for note in notes[host]], {view.host for view in views}, outcome)
        outcome.findings = in_order(outcome.findings)
        return Fleet(views, outcome)

    def _look_at_signs(self, notes: Sequence[AgentNote], wanted: Collection[str], outcome: Outcome) -> None:
        """Versions are compared among all hosts; told is what concerns those that are wanted."""
        now = self._now()
        # A retired host that reports again is one like the others.
        notes = [note for note in notes if note.host not in self._retired or is_alive(note, now, self._silent_after)]
        found = [*silent(notes, now, self._silent_after), *ahead(notes, now), *stalled(notes), *skewed(notes)]
        for finding in found:
            if finding.host in wanted:
                outcome.report(finding)
        for note in notes:
            if note.host in wanted:
                for finding in unexpected(note, self._output, now):
                    outcome.report(finding)

    def _notes(self) -> dict[str, tuple[AgentNote, ...]]:
        self._index.refresh()
        found: dict[str, list[AgentNote]] = defaultdict(list)
        for note in map(read_agent, self._index.read(LedgerKind.AGENT)):
            found[note.host].append(note)
        return {host: tuple(sorted(notes, key=lambda note: note.state)) for host, notes in found.items()}

    def _compared(self, host: str, notes: Sequence[AgentNote]) -> Compared:
        return compare(host, notes, read_ledger(self._index, host), self._output, self._now())

    def _settle_doubts(self, notes: Mapping[str, Sequence[AgentNote]], looked: dict[str, Compared]) -> None:
        """Let agents that are alive say what they know by now of what is in doubt."""
        doubtful = [host for host, one in looked.items() if one.doubtful and self._living(notes[host])]
        for _ in range(_ROUNDS):
            if not doubtful:
                return
            self._await_signs([note for host in doubtful for note in self._living(notes.get(host, ()))])
            notes = self._notes()
            for host in doubtful:
                known_before = looked[host].strangers.keys()
                looked[host] = self._compared(host, notes.get(host, ()))
                # What was no stranger then has begun since, and is as young now.
                strangers = looked[host].strangers
                looked[host].strangers = {key: strangers[key] for key in strangers.keys() & known_before}
            doubtful = [host for host in doubtful if looked[host].partial]

    def _living(self, notes: Sequence[AgentNote]) -> list[AgentNote]:
        now = self._now()
        return [note for note in notes if is_alive(note, now, self._silent_after)]

    def _await_signs(self, agents: Sequence[AgentNote]) -> None:
        """Wait for two signs of life of each agent: the account of the second one was taken after now."""
        first: dict[str, set[float]] = {note.agent: set() for note in agents}
        deadline = self._now() + max((2 * note.every for note in agents), default=0.0) + _SLACK
        while True:
            for note in (note for notes in self._notes().values() for note in notes):
                if note.agent in first:
                    first[note.agent].add(note.at)
            if all(len(times) > 2 for times in first.values()) or self._now() >= deadline:
                return
            self._wait(_LOOK)
