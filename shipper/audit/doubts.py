"""What was found of a host that does not rest: an agent ships, and files grow and rotate, while they are examined.

Disk, state and index are asked one after another. What happens between two questions may look like damage, so what
was found is doubtful as long as something moves, and is looked at again from the checkpoints on. It is believed once
nothing moved since the look before, or once two looks agree on it: damage stays where it is. What cannot be looked at
again, as its file went meanwhile, stays as it was found; and what was not proved at the last look is never forgotten.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from shipper.audit.claims import Claim, FamilyKey
from shipper.audit.disk import DiskFile
from shipper.audit.families import Family, Held
from shipper.audit.findings import Cause, Finding, Kind, Outcome
from shipper.records import Tally, bucket_of

LOOKS = 3
"""How often a family of which something was found is looked at."""
MOST_LOOKS = 8
"""How often, if it could not be read whole: a file may be renamed between its discovery and its opening each time."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a family before it is examined."""

    files: Sequence[DiskFile]
    claims: Sequence[Claim]
    held: Held
    noted: Sequence[Claim]

    @classmethod
    def of(cls, family: Family) -> Sight:
        """A family as it is now; an examination may leave out files that cannot be read."""
        return cls(tuple(family.files), tuple(family.claims), dict(family.held), tuple(family.noted))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Families of which something was found, and what it was at that look; of several, where they were one before."""

    keys: frozenset[FamilyKey]
    """Under which they are to be found at the next look."""
    sights: tuple[Sight, ...]
    outcome: Outcome

    @property
    def has_holes(self) -> bool:
        """Whether lines are missing that may be under way."""
        return any(finding.kind is Kind.MISSING for finding in self.outcome.findings)

    @property
    def is_unproved(self) -> bool:
        """Whether some of it could not be compared."""
        return any(finding.kind is Kind.UNPROVED for finding in self.outcome.findings)

    @property
    def files(self) -> int:
        """How many files there were to read."""
        return sum(len(sight.files) for sight in self.sights)

    def refutes(self, later: Doubt) -> bool:
        """Whether a later look could find nothing that lasts, and that was not to be found by this one, too."""
        return not self.is_unproved and self.files >= later.files

    def joined(self, other: Doubt) -> Doubt:
        """Both in one."""
        outcome = Outcome()
        outcome.add(self.outcome)
        outcome.add(other.outcome)
        return Doubt(self.keys | other.keys, (*self.sights, *other.sights), outcome)

    def agrees_with(self, later: Doubt) -> bool:
        """Whether all that a later look found was found by this one, too."""
        return all(_is_among(finding, self.outcome.findings) for finding in later.outcome.findings)

    def keep_unrefuted(self, earlier: Doubt) -> None:
        """Take over which lines an earlier look missed, if there is no file any more that could show them."""
        if self.files or not earlier.files:
            return
        for finding in earlier.outcome.findings:
            proved = finding.kind is Kind.MISSING and finding.cause is not Cause.NOT_IN_INDEX
            if proved and finding.first_line is not None and not _is_among(finding, self.outcome.findings):
                self.outcome.report(finding)

    def proved(self) -> Outcome:
        """What was found, if nothing is there any more that could refute it; what could not be read is no more."""
        return self._less([finding for finding in self.outcome.findings if finding.kind is Kind.UNPROVED])

    def believed(self, earlier: Doubt) -> Outcome:
        """What this look found, less what the earlier one refutes. Lines that only this one misses are under way."""
        if not earlier.refutes(self):
            return self.outcome
        unsure = [
            finding
            for finding in self.outcome.findings
            if finding.kind is not Kind.UNPROVED and not _is_among(finding, earlier.outcome.findings)
        ]
        found = self._less(unsure)
        for finding in unsure:
            if finding.kind is Kind.MISSING:
                found.wait(finding.path, Tally(finding.lines, finding.bytes))
        return found

    def _less(self, dropped: Sequence[Finding]) -> Outcome:
        left = [finding for finding in self.outcome.findings if finding not in dropped]
        found = replace(self.outcome, totals=replace(self.outcome.totals), findings=left)
        for finding in dropped:
            name = finding.kind.value
            setattr(found.totals, name, getattr(found.totals, name) - finding.lines)
        return found


def keys_of(family: Family) -> frozenset[FamilyKey]:
    """Under which a family is to be found."""
    return frozenset((family.input, mark) for mark in family.fingerprints)


def looked_for(doubts: Sequence[Doubt], families: Sequence[Family]) -> Iterator[tuple[Doubt, list[Family]]]:
    """Each doubt with the families that it is about now; those that share a family become one."""
    by_key = {key: family for family in families for key in keys_of(family)}
    owners: dict[FamilyKey, Doubt] = {}
    for doubt in doubts:
        keys = doubt.keys.union(*(keys_of(by_key[key]) for key in doubt.keys if key in by_key))
        others = {id(owners[key]): owners[key] for key in keys if key in owners}
        merged = reduce(Doubt.joined, others.values(), Doubt(keys, doubt.sights, doubt.outcome))
        owners.update(dict.fromkeys(merged.keys, merged))
    for doubt in {id(owner): owner for owner in owners.values()}.values():
        found = {id(by_key[key]): by_key[key] for key in sorted(doubt.keys) if key in by_key}
        yield doubt, list(found.values())


def _is_among(finding: Finding, others: Sequence[Finding]) -> bool:
    return any(_is_same(finding, other) for other in others)


def _is_same(one: Finding, other: Finding) -> bool:
    """Whether two findings on the same families tell the same, as far as both reach; causes may be told better later.

    What is found without the file has no lines, and no place but a part of the file.
    """
    if one.kind is not other.kind:
        return False
    if one.offset is None or other.offset is None:
        return (one.offset, one.path) == (other.offset, other.path)
    if one.cause is other.cause is Cause.LEDGER_DISAGREES:
        return True
    if one.kind is Kind.MISSING and (one.first_line is None) != (other.first_line is None):
        return True  # what is too many, or differs, is more often what moves than the same thing seen twice
    if one.first_line is None and bucket_of(one.offset) == bucket_of(other.offset):
        return True
    return one.offset < other.offset + max(other.bytes, 1) and other.offset < one.offset + max(one.bytes, 1)
