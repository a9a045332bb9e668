"""The lines of one host: what its ledger says, against what the index holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipper.audit.claims import Claims, FamilyKey
from shipper.audit.context import Context, Level
from shipper.audit.examine import examine
from shipper.audit.families import Family, assemble, holdings
from shipper.audit.findings import Cause, Kind, Outcome
from shipper.audit.rules import Rulebook
from shipper.fleet.ledgers import HostLedger, fallen_short
from shipper.fleet.notes import AgentNote
from shipper.fleet.watch import finding_of
from shipper.records import total
from shipper.send.output import Output, Scope
from shipper.wording import counted


@dataclass(slots=True)
class Compared:
    """What came of a comparison, and what could not be compared yet."""

    outcome: Outcome = field(default_factory=Outcome)
    files: int = 0
    """That its agents know."""
    lines: Counter[str] = field(default_factory=Counter)
    """That its ledger counts, by `stored`, `filtered` and `dead`."""
    torn: Mapping[FamilyKey, str] = field(default_factory=dict)
    """Files whose part of the ledger is not of one moment, by path."""
    short: Mapping[str, str] = field(default_factory=dict)
    """Agents of whose ledger a part is not there, by state, with what tells."""
    strangers: dict[FamilyKey, Family] = field(default_factory=dict)
    """What the index holds and the ledger does not know: files that began since it was written, perhaps."""

    @property
    def doubtful(self) -> bool:
        """Whether the next report of the host may say more."""
        return bool(self.strangers) or self.partial

    @property
    def partial(self) -> bool:
        """Whether the ledger that was read is not a whole one."""
        return bool(self.torn or self.short)


def compare(host: str, notes: Iterable[AgentNote], ledger: HostLedger, output: Output, now: float) -> Compared:
    """Compare the ledger of a host, read after its signs of life, with the index. Raises OutputError."""
    output.refresh()
    held = holdings(output.tallies(Scope(host=host)))
    found = Compared(files=len(ledger.claims), lines=ledger.lines(), torn=ledger.torn)
    found.short = fallen_short(ledger, notes)
    claims = _claims(ledger, set(held))
    context = _context(host, claims, output, now)
    inputs = {name for name, _ in held} | {claim.row.input for claim in claims.files}
    for family in assemble([], claims, held, inputs):
        key = (family.input, family.fingerprint)
        if key in ledger.torn:
            continue
        if not family.claims:
            found.strangers[key] = family
            continue
        found.outcome.add(examine(context, family))
    found.outcome.files = found.files
    found.outcome.totals.filtered += found.lines["filtered"]
    found.outcome.totals.dead_letters += found.lines["dead"]
    return found


def tell_doubts(host: str, compared: Compared, output: Output, now: float) -> None:
    """What is still in doubt becomes findings. Raises OutputError."""
    context = _context(host, Claims(known=True), output, now)
    for family in compared.strangers.values():
        compared.outcome.add(examine(context, family))
    for (name, _), path in sorted(compared.torn.items()):
        said = "what its ledger documents count and how far they say that it is read are not of one moment"
        compared.outcome.report(finding_of(Kind.UNPROVED, Cause.TORN_LEDGER, host, said, name=name, path=path))
    for state, said in sorted(compared.short.items()):
        compared.outcome.report(finding_of(Kind.UNPROVED, Cause.TORN_LEDGER, host, said, path=state))


def unknown_host(host: str, output: Output) -> Outcome:
    """What the index holds of a host that tells nothing of itself. Raises OutputError."""
    outcome = Outcome()
    held = total(tally.tally for tally in output.tallies(Scope(host=host)))
    said = f"the index holds {counted(held.lines, 'line')} of this host, and no ledger says how many there should be"
    outcome.report(
        finding_of(Kind.UNPROVED, Cause.NO_LEDGER, host, said, lines=held.lines, size=held.bytes),
    )
    return outcome


def _claims(ledger: HostLedger, held: set[FamilyKey]) -> Claims:
    """What is claimed now, and of what the index holds beyond it what was claimed before."""
    now = {claim.key for claim in ledger.claims}
    former = [claim for claim in ledger.former if claim.key in held - now]
    return Claims(known=True, files=(*ledger.claims, *former))


def _context(host: str, claims: Claims, output: Output, now: float) -> Context:
    return Context(
        host=host, claims=claims, rulebook=Rulebook({}, {}), output=output, level=Level.LEDGER, now=now, grace=0.0
    )
