"""The vocabulary of an audit: kinds, causes, findings, totals and the verdict. Values only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum

from shipper.errors import Exit
from shipper.records import Tally
from shipper.wording import counted


class Kind(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    LOST_AT_SOURCE = "lost_at_source"
    DUPLICATE = "duplicate"
    ALTERED = "altered"
    UNEXPECTED = "unexpected"
    UNPROVED = "unproved"
    INCOMPLETE_VALUE = "incomplete_value"
    """Lines that arrived whole, but not each of their values: a fault only for those who say so."""
    SILENT = "silent"
    """A host whose agent gives no sign of life; this and the kinds below are of hosts, not of lines."""
    STALLED = "stalled"
    """Something stands still on a host."""
    LATE = "late"
    """Lines that an input is expected to bring are not there."""
    UNUSUAL = "unusual"
    """They are there, but more or fewer than is expected."""
    SKEW = "skew"
    """A host has another version, or another time, than the others."""


OF_HOSTS = frozenset({Kind.SILENT, Kind.STALLED, Kind.LATE, Kind.UNUSUAL, Kind.SKEW})
"""Kinds that say nothing of lines that are there."""


class Cause(StrEnum):
    """Why, as far as it can be proved."""

    NEVER_ACKNOWLEDGED = "never acknowledged"
    GONE_FROM_INDEX = "gone from the index"
    EXPIRED = "older than the retention"
    NOT_IN_INDEX = "not in the index"
    """There is no state to tell whether it was ever acknowledged."""
    TRUNCATED = "truncated before read"
    DELETED = "deleted before read"
    LOST = "lost before read"
    CHANGED_ON_DISK = "changed on disk"
    CHANGED_IN_INDEX = "changed in the index"
    CHANGED = "changed on disk or in the index"
    ADDED_ON_DISK = "added on disk"
    REMOVED_FROM_DISK = "removed from disk"
    NEVER_ON_DISK = "never on disk"
    BEYOND_LEDGER = "more than the ledger counted"
    TWO_PLACES = "same id in two indices"
    TWO_FATES = "stored, and a dead letter, too"
    FILE_GONE = "file gone and no ledger vouches"
    LEDGER_DISAGREES = "ledger disagrees"
    AMBIGUOUS_LEDGER = "files that begin the same"
    ANOTHER_OUTPUT = "nothing was ever shipped to this index"
    UNREADABLE = "unreadable"
    UNKNOWN_PIPELINE = "pipeline version unknown"
    IGNORED_FIELD = "field ignored by the index"
    TYPE_FAILURE = "value of another type"
    UNPARSED = "not parsed"
    NO_SIGN_OF_LIFE = "no sign of life"
    AGENT_ENDED = "its agent ended"
    STANDSTILL = "its agent says so"
    OVERDUE = "due and not there"
    """The last one that was due: it may still come."""
    NEVER_CAME = "never came"
    FEWER = "fewer than expected"
    MORE = "more than expected"
    OTHER_VERSION = "another version of shipper"
    OTHER_PIPELINE = "another pipeline under the same name"
    CLOCK_AHEAD = "its clock is ahead"
    NO_LEDGER = "its agent writes no ledger documents"
    TORN_LEDGER = "its ledger documents are not whole"


RESEND = "resend"
"""A repair: create the documents again from the file."""
DELETE = "delete"
"""A repair: delete a document whose equal is in the index where it belongs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, or one thing that could not be proved. Lines are 1-based; bytes are uncompressed."""

    kind: Kind
    cause: Cause
    input: str
    host: str
    fingerprint: str
    path: str
    offset: int | None
    first_line: int | None
    last_line: int | None
    lines: int
    bytes: int
    evidence: str
    repair: str | None = None
    minutes: Mapping[int, int] = field(default_factory=dict)
    """Its lines by the minute of their event time (since the epoch, UTC), as far as that is known."""
    example: str = ""
    """The text of its first event as it is shipped, cut short."""


@dataclass(slots=True)
class Totals:
    """Lines by fate. `disk_lines` counts lines that several files share once."""

    disk_lines: int = 0
    indexed: int = 0
    filtered: int = 0
    dead_letters: int = 0
    pending: int = 0
    missing: int = 0
    lost_at_source: int = 0
    duplicate: int = 0
    altered: int = 0
    unexpected: int = 0
    unproved: int = 0

    def add(self, other: Totals) -> None:
        """Count the other's lines here, too."""
        for name in (item.name for item in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))


_COUNTED = frozenset(item.name for item in fields(Totals))


@dataclass(frozen=True, slots=True)
class Pending:
    """Lines of a file that wait for the agent: no fault."""

    path: str
    lines: int
    bytes: int


class Verdict(StrEnum):
    """What an audit comes to."""

    CLOSED = "closed"
    FINDINGS = "findings"
    INCOMPLETE = "incomplete"


@dataclass(slots=True)
class Outcome:
    """What an audit, or the part of it that looked at one file, found."""

    totals: Totals = field(default_factory=Totals)
    findings: list[Finding] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    files: int = 0
    vouched: Tally = field(default_factory=Tally)
    """What the ledger vouches for of files that are gone."""
    incomplete_values: list[Finding] = field(default_factory=list)
    """Values that did not arrive whole; no findings, unless somebody wants them to be."""

    def report(self, finding: Finding) -> None:
        """Record a finding and count its lines, if it is one of lines."""
        self.findings.append(finding)
        name = finding.kind.value
        if name in _COUNTED:
            setattr(self.totals, name, getattr(self.totals, name) + finding.lines)

    def wait(self, path: str, tally: Tally) -> None:
        """Record lines that are pending."""
        if tally.lines:
            self.totals.pending += tally.lines
            self.pending.append(Pending(path, tally.lines, tally.bytes))

    def add(self, other: Outcome) -> None:
        """Take in the outcome of another part."""
        self.totals.add(other.totals)
        self.findings += other.findings
        self.pending += other.pending
        self.files += other.files
        self.vouched = self.vouched.plus(other.vouched)
        self.incomplete_values += other.incomplete_values

    @property
    def verdict(self) -> Verdict:
        """Closed only if nothing was found and everything was proved."""
        if any(finding.kind is Kind.UNPROVED for finding in self.findings):
            return Verdict.INCOMPLETE
        return Verdict.FINDINGS if self.findings else Verdict.CLOSED

    @property
    def exit_code(self) -> Exit:
        """The exit code of `shipper audit`."""
        codes = {Verdict.CLOSED: Exit.CLEAN, Verdict.FINDINGS: Exit.FINDINGS, Verdict.INCOMPLETE: Exit.UNFINISHED}
        return codes[self.verdict]

    def exit_code_for(self, kinds: Collection[Kind]) -> Exit:
        """The exit code for somebody whom findings of these kinds alone concern.

        What could not be proved concerns everybody: it may hide any of them.
        """
        if self.verdict is Verdict.INCOMPLETE:
            return Exit.UNFINISHED
        return Exit.FINDINGS if any(finding.kind in kinds for finding in self.findings) else Exit.CLEAN


def ledger_and_index(counts: int, holds: int) -> str:
    """Evidence in numbers of lines."""
    return f"the ledger counts {counted(counts, 'stored line')} in this part of the file, the index holds {holds:,}"


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Findings by input, path and place."""
    return sorted(findings, key=lambda f: (f.input, f.path, f.offset if f.offset is not None else -1, f.kind.value))
