"""What the agent's state claims: which lines were dealt with, how, and under which rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from shipper.commit import pins
from shipper.commit.database import Database, explained
from shipper.commit.state import State
from shipper.records import FileRow, MarkKind, Stored, Tally, total
from shipper.settings import Settings

NONE = Tally()
DEAD = "dead letters"
"""The place of what the output refused."""

MINUTE = 60_000_000_000
"""Nanoseconds."""

FamilyKey = tuple[str, str]
"""Input and fingerprint: the files, claims and documents that have both belong together."""

Fates = Mapping[str, Tally]
"""Tallies by fate: `stored`, `filtered:<rule>`, `dead:<reason>`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the state says of one file, below its checkpoint."""

    row: FileRow
    ledger: Mapping[int, Fates] = field(default_factory=dict)
    """By bucket."""

    @property
    def key(self) -> FamilyKey:
        """Of the family that it belongs to."""
        return self.row.input, self.row.fingerprint

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

    @property
    def has_dead(self) -> bool:
        """Whether anything was refused for good."""
        return any(any(self.dead(bucket)) for bucket in self.ledger)

    @property
    def is_whole(self) -> bool:
        """Whether it is of one moment: all fates together reach to the checkpoint."""
        return total(self.settled(bucket) for bucket in self.ledger).bytes == self.row.offset

    def all_stored(self) -> Tally:
        """What the output acknowledged of the whole file."""
        return total(self.stored(bucket) for bucket in self.ledger)

    def _sum(self, bucket: int, prefix: str) -> Tally:
        return total(tally for fate, tally in self.ledger.get(bucket, {}).items() if fate.startswith(prefix))


Noted = Mapping[FamilyKey, Sequence[Claim]]
"""What ledger documents in the output say: believed only where disk and index bear it out."""


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
    noted: Noted = field(default_factory=dict)
    """Without a state: what the agent left of it in the output."""

    @property
    def losers(self) -> set[str]:
        """Fingerprints of files of which the agent saw bytes that it could not read any more."""
        marked = ((claim.row.fingerprint, mark) for claim in self.files for mark in claim.row.marks)
        return {fingerprint for fingerprint, mark in marked if mark.kind is MarkKind.GAP}


NO_STATE = Claims(known=False)


def read_claims(settings: Settings, output: str) -> Claims:
    """What the state says of one output, all of the same moment.

    Raises StateError, also where it is about another host, or about an input under another name: what is pending for
    the new name then will never be shipped.
    """
    database = Database.open_read_only(settings.state)
    if database is None:
        return NO_STATE
    with closing(database.connection), explained(database.path):
        database.connection.execute("BEGIN")
        state = State(database, settings.host)
        pins.check_host(state.pins(), settings.host)
        pins.check_inputs(state.pins(), settings)
        others = () if state.look_at_output(output) else tuple(state.outputs())
        ledgers: dict[int, dict[int, dict[str, Tally]]] = {}
        for row in state.ledger():
            ledgers.setdefault(row.file, {}).setdefault(row.bucket, {})[row.fate] = row.tally
        return Claims(
            known=True,
            other_outputs=others,
            files=tuple(Claim(row, ledgers.get(row.id, {})) for row in state.files.all()),
            definitions=state.definitions(),
            dead=_dead_letters(state),
            dead_minutes=_dead_minutes(state),
            forgotten=state.absences.forgotten(),
        )


def _dead_letters(state: State) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for document in (letter.refusal.document for letter in state.dead_letters.with_discarded()):
        stored = Stored(document.id, document.offset, document.tally, document.pipeline, DEAD, document.source.path)
        found.setdefault(document.source.fingerprint, []).append(stored)
    return found


def _dead_minutes(state: State) -> dict[str, Counter[int]]:
    found: dict[str, Counter[int]] = {}
    for document in (letter.refusal.document for letter in state.dead_letters.with_discarded()):
        minutes = found.setdefault(document.source.input, Counter())
        minutes[document.timestamp // MINUTE] += max(document.tally.lines, 1)
    return found
