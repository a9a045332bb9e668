"""What was found of a host that does not rest: an agent ships, and files grow and rotate, while they are examined.

Disk, state and index are asked one after another. What happens between two questions may look like damage, so what
was found is doubtful as long as something moves, and is looked at again from the checkpoints on. It is believed once
nothing moved since the look before, or once two looks agree on it: damage stays where it is. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipper.audit.claims import Claim
from shipper.audit.disk import DiskFile
from shipper.audit.families import Family, Held
from shipper.audit.findings import Finding, Kind, Outcome
from shipper.records import Tally

LOOKS = 3
"""How often a family of which something was found is looked at."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a family before it is examined."""

    files: Sequence[DiskFile]
    claims: Sequence[Claim]
    held: Held

    @classmethod
    def of(cls, family: Family) -> Sight:
        """A family as it is now; an examination may leave out files that cannot be read."""
        return cls(tuple(family.files), tuple(family.claims), dict(family.held))


@dataclass(frozen=True, slots=True)
class Doubt:
    """A family of which something was found, and what it was at that look."""

    key: tuple[str, str]
    """Input and fingerprint."""
    sight: Sight
    outcome: Outcome

    @property
    def has_holes(self) -> bool:
        """Whether lines are missing that may be under way."""
        return any(finding.kind is Kind.MISSING for finding in self.outcome.findings)

    def agrees_with(self, later: Outcome) -> bool:
        """Whether all that a later look found was found by this one, too."""
        return all(_is_among(finding, self.outcome.findings) for finding in later.findings)

    def believed(self, earlier: Outcome) -> Outcome:
        """What this look and an earlier one agree on. Lines that only this one misses are under way."""
        found = Outcome()
        found.add(self.outcome)
        found.findings = []
        for finding in self.outcome.findings:
            if _is_among(finding, earlier.findings):
                found.findings.append(finding)
                continue
            name = finding.kind.value
            setattr(found.totals, name, getattr(found.totals, name) - finding.lines)
            if finding.kind is Kind.MISSING:
                found.wait(finding.path, Tally(finding.lines, finding.bytes))
        return found


def _is_among(finding: Finding, others: Sequence[Finding]) -> bool:
    return any(_is_same(finding, other) for other in others)


def _is_same(one: Finding, other: Finding) -> bool:
    """Whether two findings tell the same of the same place, as far as both reach; causes may be told better later."""
    if (one.kind, one.fingerprint) != (other.kind, other.fingerprint):
        return False
    if one.offset is None or other.offset is None:
        return (one.offset, one.path) == (other.offset, other.path)
    return one.offset < other.offset + max(other.bytes, 1) and other.offset < one.offset + max(one.bytes, 1)
