"""What every examination is given: who audits, what is asked, and where the answers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shipper.audit.claims import Claims
from shipper.audit.extents import Extent
from shipper.audit.families import Family
from shipper.audit.resume import NO_JOURNAL, Journal
from shipper.audit.rules import Rulebook
from shipper.audit.subjects import Subject
from shipper.errors import OutputError
from shipper.records import Mark, MarkKind, Stored
from shipper.send.output import Output


class Level(StrEnum):
    """How deep an audit looks."""

    LEDGER = "ledger"
    """Index against ledger: seconds."""
    DISK = "disk"
    """And the files, read again: minutes."""
    CONTENTS = "contents"
    """And every document, made again and compared: hours."""


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of an audit."""

    host: str
    claims: Claims
    rulebook: Rulebook
    output: Output
    level: Level
    now: float
    """Seconds since the epoch when the audit began."""
    grace: float
    """Without state: seconds since a file changed for which its last lines may still be under way."""
    journal: Journal = NO_JOURNAL
    """What of the audit is kept for the case that it is interrupted."""
    retention: Mapping[str, float] = field(default_factory=dict)
    """Seconds for which documents are kept, by input; inputs whose documents are kept for ever are absent."""

    def subject(self, family: Family, path: str) -> Subject:
        """What findings on a file of a family are about."""
        return Subject(self.host, family.input, family.fingerprint, path)

    def spans(self, family: Family, extent: Extent) -> list[Stored]:
        """The documents of some buckets, by offset. Raises OutputError."""
        return self.spans_between(family, extent.begin, extent.end)

    def spans_between(self, family: Family, begin: int, end: int) -> list[Stored]:
        """The documents between two offsets, by offset. Raises OutputError."""
        found = [span for fingerprint in family.fingerprints for span in self.output.spans(fingerprint, begin, end)]
        return sorted(found, key=lambda span: span.offset)

    def dead_letters(self, family: Family, run: Extent) -> list[Stored]:
        """The documents of a run of buckets that the output refused for good."""
        letters = [letter for mark in family.fingerprints for letter in self.claims.dead.get(mark, ())]
        return [letter for letter in letters if run.begin <= letter.offset < run.end]

    def bodies(self, family: Family, ids: Sequence[str]) -> Mapping[str, bytes]:
        """The bodies of documents that were just seen. Raises OutputError if one is gone."""
        found: dict[str, bytes] = {}
        for fingerprint in family.fingerprints:
            found.update(self.output.bodies(ids, fingerprint=fingerprint))
        gone = next((id_ for id_ in ids if id_ not in found), None)
        if gone is not None:
            raise OutputError(f"Document {gone} vanished while it was audited; run the audit again.")
        return found

    def date_marks(self, family: Family) -> list[Mark]:
        """The dates that the family's documents were made with, from the output. Raises OutputError."""
        return [
            Mark(offset, MarkKind.DATE, value)
            for fingerprint in family.fingerprints
            for offset, value in self.output.anchors(fingerprint)
        ]
