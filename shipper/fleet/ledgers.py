"""What the states of a host's agents say, made again from the documents that these left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from shipper.audit.claims import Claim, FamilyKey, Noted
from shipper.errors import OutputError
from shipper.fleet.notes import AgentNote, FileNote, read_fate, read_file
from shipper.records import Tally
from shipper.send.ledger_index import LedgerIndex, LedgerKind
from shipper.wording import counted

_ROWS_OF_AN_AGENT = 1 << 40


@dataclass(slots=True)
class HostLedger:
    """All that is known of a host's files."""

    claims: list[Claim] = field(default_factory=list)
    """Of files that its agents know."""
    former: list[Claim] = field(default_factory=list)
    """Of files that they have forgotten, or knew before a state was lost."""
    torn: dict[FamilyKey, str] = field(default_factory=dict)
    """Files whose parts are not of one moment, by path; a report may just be under way."""
    files: Counter[str] = field(default_factory=Counter)
    """How many files each agent knows,"""
    settled: Counter[str] = field(default_factory=Counter)
    """and how many bytes of them are settled."""

    def lines(self) -> Counter[str]:
        """Lines by `stored`, `filtered` and `dead`; of copies, each counts its own."""
        found: Counter[str] = Counter()
        for claim in self.claims:
            for fates in claim.ledger.values():
                for fate, tally in fates.items():
                    found[fate.partition(":")[0]] += tally.lines
        return found


def fallen_short(ledger: HostLedger, notes: Iterable[AgentNote]) -> dict[str, str]:
    """Agents, by state, of whose ledger less is there than their signs of life, read before it, speak of; in words.

    More may be there: it is written before the next sign of life.
    """
    found = {}
    for note in notes:
        files, settled = ledger.files[note.agent], ledger.settled[note.agent]
        if files < note.files or settled < note.settled:
            found[note.state] = (
                f"its agent says that {counted(note.settled, 'byte')} of {counted(note.files, 'file')} are settled; "
                f"the ledger documents that are there speak of {counted(settled, 'byte')} of {counted(files, 'file')}"
            )
    return found


def read_ledger(index: LedgerIndex, host: str) -> HostLedger:
    """What the documents of a host say. Raises OutputError."""
    fates: dict[str, dict[int, dict[str, Tally]]] = {}
    for note in map(read_fate, index.read(LedgerKind.FATE, host=host)):
        if note.tally.bytes:
            fates.setdefault(note.key, {}).setdefault(note.bucket, {})[note.fate] = note.tally
    found = HostLedger()
    agents: dict[str, int] = {}
    for file in map(read_file, index.read(LedgerKind.FILE, host=host)):
        number = agents.setdefault(file.agent, len(agents))
        claim = _claim(file, fates.get(file.key, {}), number * _ROWS_OF_AN_AGENT)
        if file.superseded:
            found.former.append(claim)
            continue
        found.claims.append(claim)
        found.files[file.agent] += 1
        found.settled[file.agent] += file.row.offset
        if not claim.is_whole:
            found.torn[claim.key] = claim.row.current_path
    return found


def trusted(ledger: HostLedger) -> Noted:
    """What may be believed without a sign of life: claims of one moment; former ones where there are no others."""
    now = {claim.key for claim in ledger.claims}
    found: dict[FamilyKey, list[Claim]] = {}
    for claim in (*ledger.claims, *(claim for claim in ledger.former if claim.key not in now)):
        if claim.row.offset and claim.is_whole:
            found.setdefault(claim.key, []).append(claim)
    return found


class Notes:
    """What the ledger documents of a host say, for an audit without its state. What it cannot read it does without."""

    def __init__(self, host: str, open_index: Callable[[], LedgerIndex]) -> None:
        self._host = host
        self._open = open_index
        self.trouble = ""
        """Why nothing is known of a host, at the last look."""

    def __call__(self) -> Noted:
        """What may be believed now."""
        try:
            with closing(self._open()) as index:
                index.refresh()
                found = trusted(read_ledger(index, self._host))
        except OutputError as error:
            self.trouble = str(error)
            return {}
        self.trouble = "" if found else f"The output holds none of {self._host}."
        return found


def _claim(file: FileNote, ledger: Mapping[int, Mapping[str, Tally]], first: int) -> Claim:
    """What an agent says of a file; the rows of each agent have numbers of their own."""
    heir_of = file.row.heir_of + first if file.row.heir_of else 0
    return Claim(replace(file.row, id=file.row.id + first, heir_of=heir_of), ledger)
