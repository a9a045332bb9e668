"""A state made anew from what is left: the files on disk and the documents in the output.

The agent itself reads and parses everything again, with an output that stores nothing: it only says of each document
whether the real one holds it. So the checkpoints stand, as ever, where everything below is stored or filtered; what is
not stored lies beyond them and is sent by the next run. What nothing but the lost state knew stays lost: dead letters
(they are refused, and kept, once more) and what was filtered of files that are gone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from shipper.clock import Bell, SystemClock
from shipper.commit.copies import move_aside
from shipper.commit.database import FILE_NAME
from shipper.commit.state import State
from shipper.errors import OutputError
from shipper.events_log import EventsLog, silent
from shipper.records import (
    ALREADY_STORED,
    Batch,
    Document,
    Outcome,
    OutcomeKind,
    Receipt,
)
from shipper.send.output import Dataset, Output, Replacement, Scope
from shipper.settings import Settings
from shipper.start import agent, locked

FOLDER_NAME = "rebuild"
"""Within the state folder: where the new state is made."""
_ABSENT = Outcome(OutcomeKind.LEFT, "absent", "the output does not hold it")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new state knows."""

    files: int
    lines: int
    """Below the checkpoints."""
    recognised: int
    """Documents that the output holds."""
    absent: int
    """Documents that it does not hold, those of each copy of a file counted: the next run sends them."""
    gone: int
    """Contents in the output of which no file is left: nothing but the index speaks for them."""
    kept: Path | None
    """The old state, if there was one."""


class Asked:
    """An output that is only asked: what it holds is already stored, what it does not hold is left."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.recognised = 0
        self.absent = 0
        self.failed = False
        """Whether it did not answer."""

    def __getattr__(self, name: str) -> Any:
        """Whatever is asked is asked the real one."""
        return getattr(self._output, name)

    def announce(self, datasets: Sequence[Dataset]) -> None:
        """Nothing is sent, so types do not matter."""

    def send(self, batch: Batch) -> Receipt:
        """Compare with what is held. Raises OutputError where that cannot be told."""
        try:
            held = self._held(batch.documents)
        except OutputError:
            self.failed = True
            raise
        there = [held.get(document.id) == document.tally for document in batch.documents]
        self.recognised += sum(there)
        self.absent += len(there) - sum(there)
        return Receipt(batch, [ALREADY_STORED if is_there else _ABSENT for is_there in there])

    def replace(self, replacements: Sequence[Replacement]) -> list[Outcome]:
        """Nothing is ever changed."""
        return [_ABSENT] * len(replacements)

    def delete(self, places: Iterable[tuple[str, str]]) -> int:  # noqa: ARG002
        """Nothing is ever changed."""
        return 0

    def close(self) -> None:
        """The real one is closed by its owner."""

    def _held(self, documents: Iterable[Document]) -> dict[str, object]:
        ranges: dict[str, list[int]] = defaultdict(list)
        for document in documents:
            ranges[document.source.fingerprint].append(document.offset)
        return {
            stored.id: stored.tally
            for fingerprint, offsets in ranges.items()
            for stored in self._output.spans(fingerprint, min(offsets), max(offsets) + 1)
        }


class _Hasty(SystemClock):
    """Time that passes at once: what would be waited for does not come while nothing but the output is asked."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        """Seconds, with all that would have been waited."""
        return super().monotonic() + self._ahead

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Go on."""
        self._ahead += max(seconds, 0.001)
        return bell.wait(0)

    def wait_for(self, condition: threading.Condition, seconds: float | None) -> None:
        """There are no threads to wait for."""
        raise NotImplementedError


def rebuild(settings: Settings, output: Output) -> Rebuilt:
    """Make the state anew and put it in its place; the old one is kept under another name.

    Raises StateError where an agent holds the state, OutputError where the output does not answer.
    """
    workshop = settings.state / FOLDER_NAME
    with locked(settings.state):
        for path in workshop.glob(f"{FILE_NAME}*"):
            path.unlink()  # of a rebuilding that did not come to its end
        output.refresh()
        asked = Asked(output)
        _read_everything(replace(settings, state=workshop, fleet=False), asked)  # no agent that others should see
        with closing(State.open(workshop, settings.host)) as state:
            state.look_at_output(output.identity)
            rows, lines = state.files.all(), sum(row.tally.lines for row in state.ledger())
        names = tuple(item.name for item in settings.inputs)
        held = {tally.fingerprint for tally in output.tallies(Scope(host=settings.host, inputs=names))}
        kept = move_aside(settings.state, SystemClock().time())
        (workshop / FILE_NAME).rename(settings.state / FILE_NAME)
    gone = held - {row.fingerprint for row in rows}
    return Rebuilt(len(rows), lines, asked.recognised, asked.absent, len(gone), kept)


def _read_everything(settings: Settings, asked: Asked) -> None:
    with agent(settings, _Hasty(), EventsLog(silent), output=cast(Output, asked), threads=0) as running:
        try:
            running.once()
        except OutputError:
            if asked.failed or not asked.absent:
                raise
            # What is absent stays beyond the checkpoints; that it cannot be delivered here is as it should be.
        if running.reader.unanswered:
            raise OutputError("The output did not answer what it holds of some files. The state was left as it was.")
