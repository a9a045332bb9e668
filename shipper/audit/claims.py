"""What the agent's state claims: which lines were dealt with, how, and under which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shipper.records import FileRow, Stored, Tally, total

NONE = Tally()
DEAD = "dead letters"
"""The place of what the output refused."""

Fates = Mapping[str, Tally]
"""Tallies by fate: `stored`, `filtered:<rule>`, `dead:<reason>`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the state says of one file, below its checkpoint."""

    row: FileRow
    ledger: Mapping[int, Fates] = field(default_factory=dict)
    """By bucket."""

    def stored(self, bucket: int) -> Tally:
        """What the output acknowledged."""
        return self.ledger.get(bucket, {}).get("stored", NONE)

    def filtered(self, bucket: int) -> Tally:
        """What rules kept from being shipped."""
        return self._sum(bucket, "filtered:")

    def dead(self, bucket: int) -> Tally:
        """What was refused for good."""
        return self._sum(bucket, "dead:")

    def settled(self, bucket: int) -> Tally:
        """Everything below the checkpoint."""
        return total(self.ledger.get(bucket, {}).values())

    def all_stored(self) -> Tally:
        """What the output acknowledged of the whole file."""
        return total(self.stored(bucket) for bucket in self.ledger)

    def _sum(self, bucket: int, prefix: str) -> Tally:
        return total(tally for fate, tally in self.ledger.get(bucket, {}).items() if fate.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Claims:
    """All that the state says, or that there is none."""

    known: bool
    """Whether there is a state."""
    other_outputs: tuple[str, ...] = ()
    """Outputs that the state knows, if the one that is audited is none of them."""
    files: tuple[Claim, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Pipeline definitions by version."""
    dead: Mapping[str, Sequence[Stored]] = field(default_factory=dict)
    """Dead letters by fingerprint, as if they were stored at the place `DEAD`."""
    dead_minutes: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Lines of dead letters by input and minute of their event time (since the epoch)."""
    forgotten: Mapping[str, Tally] = field(default_factory=dict)
    """What was stored, by fingerprint, of files that are gone for so long that their rows were dropped."""


NO_STATE = Claims(known=False)
