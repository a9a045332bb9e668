"""Repair: missing documents are created again from the file, by the pipeline that ruled there.

Creates only, so that repairing twice, or beside a running agent, changes nothing. Checkpoints are never touched, and
what is altered or unexpected is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from shipper.audit.context import LAST_BUCKET, Context, Run
from shipper.audit.drill import rules_for
from shipper.audit.examine import parts_of
from shipper.audit.families import Family, Part
from shipper.audit.findings import RESEND, Finding, Outcome
from shipper.audit.rules import replay
from shipper.errors import OutputError
from shipper.records import Batch, Document, OutcomeKind

_DOCUMENTS = 1000
_BYTES = 4 << 20
_ATTEMPTS = 6
_FIRST_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Which lines are to be sent again, and which findings a person must look at."""

    resend: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def lines(self) -> int:
        """Lines that will be sent again."""
        return sum(finding.lines for finding in self.resend)


@dataclass(slots=True)
class Repaired:
    """What a repair did, in documents."""

    stored: int = 0
    already_stored: int = 0
    refused: list[str] = field(default_factory=list)
    """The output's reasons."""


def plan(outcome: Outcome) -> Plan:
    """What can be repaired of what was found."""
    resend = tuple(finding for finding in outcome.findings if finding.repair == RESEND)
    return Plan(resend, tuple(finding for finding in outcome.findings if finding.repair != RESEND))


class Repairer:
    """Carries out a plan."""

    def __init__(self, context: Context, wait: Callable[[float], None]) -> None:
        self._context = context
        self._wait = wait
        self._number = 0
        self.repaired = Repaired()

    def apply(self, chosen: Plan, families: Sequence[Family]) -> Repaired:
        """Send the plan's lines again. Raises SourceError and OutputError."""
        for family in families:
            findings = [f for f in chosen.resend if (f.input, f.fingerprint) == (family.input, family.fingerprint)]
            for part in parts_of(self._context, family) if findings else ():
                self._resend(family, part, [f for f in findings if f.path == str(part.branch.file.path)])
        return self.repaired

    def _resend(self, family: Family, part: Part, findings: Sequence[Finding]) -> None:
        ranges = [(f.offset, f.offset + f.bytes) for f in findings if f.offset is not None]
        waiting: list[Document] = []
        size = 0
        for document in self._documents(family, part, ranges):
            waiting.append(document)
            size += len(document.body)
            if len(waiting) >= _DOCUMENTS or size >= _BYTES:
                self._send(waiting)
                waiting, size = [], 0
        if waiting:
            self._send(waiting)

    def _documents(self, family: Family, part: Part, ranges: Sequence[tuple[int, int]]) -> Iterator[Document]:
        if not ranges:
            return
        known = self._context.spans(family, Run(0, LAST_BUCKET)) if part.claim is None else []
        rules = rules_for(self._context, family, part, known)
        last = max(end for _, end in ranges)
        for events, parsed, *_ in replay(part.branch.file, rules, part.parsed, 0):
            for document in parsed.documents:
                if any(begin <= document.offset < end for begin, end in ranges):
                    yield document
            if events[-1].offset >= last:
                return

    def _send(self, documents: Sequence[Document], attempt: int = 0) -> None:
        self._number += 1
        size = sum(len(document.body) for document in documents)
        receipt = self._context.output.send(Batch(self._number, tuple(documents), size, attempt))
        again = []
        for document, outcome in zip(documents, receipt.outcomes, strict=True):
            if outcome.kind is OutcomeKind.STORED:
                self.repaired.stored += 1
            elif outcome.kind is OutcomeKind.ALREADY_STORED:
                self.repaired.already_stored += 1
            elif outcome.kind is OutcomeKind.REFUSED:
                self.repaired.refused.append(outcome.reason)
            elif outcome.kind is OutcomeKind.PAUSED or attempt + 1 >= _ATTEMPTS:
                raise OutputError(f"The repair could not be finished: {outcome.reason or outcome.category}.")
            else:
                again.append(document)
        if again:
            self._wait(_FIRST_WAIT * 2**attempt)
            self._send(again, attempt + 1)
