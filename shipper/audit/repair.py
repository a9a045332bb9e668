"""Repair: missing documents are created again from the file, and of equal ids in two indices one is deleted.

Creates only, by the pipeline that ruled there, so that repairing twice, or beside a running agent, changes nothing.
Deletes only what has an equal in the index where it belongs, and keeps it in a file before. Checkpoints are never
touched, and what is altered or unexpected is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from shipper.audit.context import Context
from shipper.audit.drilldown.copies import compared, grouped
from shipper.audit.drilldown.part_rules import rules_for
from shipper.audit.examine import parts_of
from shipper.audit.extents import LAST_BUCKET, Run
from shipper.audit.families import Family, Part
from shipper.audit.findings import DELETE, RESEND, Finding, Outcome
from shipper.audit.kept import Deleted, KeptFile
from shipper.audit.rules import replay
from shipper.errors import OutputError, UsageError
from shipper.records import Batch, Document, OutcomeKind, bucket_of
from shipper.wording import counted

_DOCUMENTS = 1000
_BYTES = 4 << 20
_ATTEMPTS = 6
_FIRST_WAIT = 1.0
MAX_DELETE = 10_000
"""Documents that are deleted at most if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which lines are to be sent again, which documents deleted, and which findings a person must look at."""

    resend: tuple[Finding, ...]
    delete: tuple[Finding, ...]
    """Each is one document that has an equal where it belongs."""
    left: tuple[Finding, ...]

    @property
    def lines(self) -> int:
        """Lines that will be sent again."""
        return sum(finding.lines for finding in self.resend)

    def check(self, limit: int) -> None:
        """UsageError if more documents would be deleted than the limit allows."""
        if len(self.delete) > limit:
            raise UsageError(
                f"The repair would delete {counted(len(self.delete), 'document')}, which is more than --max-delete "
                f"{limit} allows. Nothing was done."
            )


@dataclass(slots=True)
class Repaired:
    """What a repair did, in documents."""

    stored: int = 0
    already_stored: int = 0
    deleted: int = 0
    kept_in: str | None = None
    """The file that holds what was deleted."""
    refused: list[str] = field(default_factory=list)
    """The output's reasons."""


def plan(outcome: Outcome) -> Plan:
    """What can be repaired of what was found."""
    by_repair: dict[str, list[Finding]] = {RESEND: [], DELETE: [], "": []}
    for finding in outcome.findings:
        by_repair[finding.repair or ""].append(finding)
    return Plan(tuple(by_repair[RESEND]), tuple(by_repair[DELETE]), tuple(by_repair[""]))


class Repairer:
    """Carries out a plan. What it deletes is in the file `kept` before; it is made only if there is such."""

    def __init__(
        self, context: Context, wait: Callable[[float], None], kept: Path, max_delete: int = MAX_DELETE
    ) -> None:
        self._context = context
        self._wait = wait
        self._kept = kept
        self._max_delete = max_delete
        self._number = 0
        self.repaired = Repaired()

    def apply(self, chosen: Plan, families: Sequence[Family]) -> Repaired:
        """Send the plan's lines again, then delete. Raises UsageError, SourceError, OutputError and StateError."""
        chosen.check(self._max_delete)
        for family in families:
            findings = _of(family, chosen.resend)
            for part in parts_of(self._context, family) if findings else ():
                self._resend(family, part, [f for f in findings if f.path == part.path])
        with closing(KeptFile(self._kept)) as kept:
            for family in families:
                self._delete(kept, family, _of(family, chosen.delete))
        return self.repaired

    def _delete(self, kept: KeptFile, family: Family, findings: Sequence[Finding]) -> None:
        """Delete what the findings name, as far as it still has an equal."""
        offsets = {finding.offset for finding in findings if finding.offset is not None}
        for bucket in sorted({bucket_of(offset) for offset in offsets}):
            documents = self._context.spans(family, Run(bucket, bucket))
            groups = grouped(document for document in documents if document.offset in offsets)
            for page in compared(self._context, family.input, groups):
                self._delete_some(
                    kept,
                    [
                        Deleted(place, copies.document.id, copies.body)
                        for copies in page
                        if copies.kept
                        for place in copies.others
                    ],
                )

    def _delete_some(self, kept: KeptFile, documents: Sequence[Deleted]) -> None:
        if self.repaired.deleted + len(documents) > self._max_delete:
            raise OutputError(
                f"More documents than --max-delete {self._max_delete} became equal meanwhile; "
                f"{self.repaired.deleted:,} were deleted. Run the audit again."
            )
        if documents:
            kept.keep(documents)
            self.repaired.kept_in = str(kept.path)
            self.repaired.deleted += self._context.output.delete((place, name) for place, name, _ in documents)

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


def _of(family: Family, findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if (f.input, f.fingerprint) == (family.input, family.fingerprint)]
