"""What belongs together: the files of one fingerprint, what the state claims of them and what the index holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from shipper.audit.balance import Measure, measure
from shipper.audit.claims import Claim, Claims, FamilyKey
from shipper.audit.disk import Branch, DiskFile, is_whole
from shipper.audit.rules import Bookmarks
from shipper.hashes import chain_start
from shipper.read.identity import chains_at
from shipper.records import BucketTally, Tally

Held = dict[int, BucketTally]
"""What the index holds of a fingerprint, by bucket."""


def _every(_bucket: int) -> bool:
    return True


@dataclass(slots=True)
class Family:
    """Everything of one fingerprint; of two, where a file's head was edited."""

    input: str
    fingerprints: tuple[str, ...]
    """The one that the files have now comes first."""
    files: list[DiskFile] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    """The furthest first."""
    held: Held = field(default_factory=dict)
    noted: Sequence[Claim] = ()
    """What ledger documents say, where there is no state."""
    wanted: Callable[[int], bool] = _every
    """Whether a bucket is to be looked at."""

    @property
    def fingerprint(self) -> str:
        """The one to report."""
        return self.fingerprints[0]

    def index_tally(self, bucket: int) -> Tally:
        """What the index holds of a bucket."""
        held = self.held.get(bucket)
        return held.tally if held else Tally()

    def join(self, elder: Family) -> None:
        """Take over a family whose file this one's is, with another head."""
        self.fingerprints += elder.fingerprints
        self.claims = sorted([*self.claims, *elder.claims], key=lambda claim: claim.row.offset, reverse=True)
        self.noted = (*self.noted, *elder.noted)
        for bucket, tally in elder.held.items():
            self.held[bucket] = merged(self.held.get(bucket), tally)


@dataclass(frozen=True, slots=True)
class Part:
    """A branch of a family's files with the claim that is made on it."""

    branch: Branch
    claim: Claim | None
    agreeing: Sequence[Claim]
    """All claims on lines that it has."""
    whole: bool
    """Whether the file can grow no more."""
    measure: Measure
    read: Bookmarks = field(default_factory=Bookmarks)
    """Places that were passed while reading."""
    parsed: Bookmarks = field(default_factory=Bookmarks)
    """Places that were passed while parsing, with the parser's memory."""

    @property
    def path(self) -> str:
        """Where the file is."""
        return str(self.branch.file.path)

    @property
    def reach(self) -> int:
        """How far the state claims to have dealt with it."""
        return self.claim.row.offset if self.claim else 0

    @property
    def agrees(self) -> bool:
        """Whether the lines below the checkpoint are, in this order, those that were read."""
        return self.claim is None or not self.reach or self.measure.chain == self.claim.row.chain


def merged(one: BucketTally | None, other: BucketTally) -> BucketTally:
    """The sum of two answers on one bucket."""
    if one is None:
        return other
    return other._replace(
        documents=one.documents + other.documents,
        tally=one.tally.plus(other.tally),
        first=min(one.first, other.first),
    )


def holdings(tallies: Iterable[BucketTally]) -> dict[FamilyKey, Held]:
    """The index's answer by input and fingerprint."""
    found: dict[FamilyKey, Held] = {}
    for tally in tallies:
        buckets = found.setdefault((tally.input, tally.fingerprint), {})
        buckets[tally.bucket] = merged(buckets.get(tally.bucket), tally)
    return found


def assemble(
    files: Sequence[DiskFile], claims: Claims, held: Mapping[FamilyKey, Held], inputs: Iterable[str]
) -> list[Family]:
    """One family per input and fingerprint that is on disk, in the state or in the index."""
    families: dict[FamilyKey, Family] = {}

    def family(key: FamilyKey) -> Family:
        input_name, fingerprint = key
        return families.setdefault(key, Family(input_name, (fingerprint,)))

    for file in files:
        if file.fingerprint is not None:
            family((file.input.name, file.fingerprint)).files.append(file)
    wanted = set(inputs)
    for claim in sorted(claims.files, key=lambda claim: claim.row.offset, reverse=True):
        if claim.row.input in wanted:
            family(claim.key).claims.append(claim)
    for key, buckets in held.items():
        if key[0] in wanted:
            family(key).held = buckets
    for key, known in families.items():
        known.noted = claims.noted.get(key, ())
    return list(families.values())


def part_of(branch: Branch, family: Family, host: str, firsts: Mapping[int, int]) -> Part:
    """A branch, measured. `firsts` says where buckets begin that an event reaches into. Raises SourceError."""
    file = branch.file
    whole = is_whole(file)
    agreeing = _agreeing(file, family, host)
    claim = agreeing[0] if agreeing else own_claim(file, family.claims)
    measured = measure(
        file.blocks(file.limit),
        start=branch.start,
        checkpoint=claim.row.offset if claim else 0,
        chain=chain_start(host, family.input),
        firsts=firsts,
        whole=whole,
    )
    return Part(branch, claim, agreeing, whole, measured)


def _agreeing(file: DiskFile, family: Family, host: str) -> list[Claim]:
    """The claims whose lines are those at the beginning of a file, the furthest first.

    A single row that is the file's own is taken at its word: where it does not agree, the file was edited.
    """
    claims = [claim for claim in family.claims if claim.row.offset]
    if claims and len(family.claims) == 1 and own_claim(file, claims) is not None:
        return claims
    if not claims:
        return []
    with closing(file.open()) as content:
        chains = chains_at(content, host, family.input, {claim.row.offset for claim in claims})
    return [claim for claim in claims if chains.get(claim.row.offset) == claim.row.chain]


def gone_claims(family: Family, parts: Iterable[Part]) -> list[Claim]:
    """The claims on lines that no file has any more."""
    present = [own_claim(file, family.claims) for file in family.files]
    for part in parts:
        present += [part.claim, *part.agreeing]
    return [claim for claim in family.claims if not any(claim is other for other in present)]


def own_claim(file: DiskFile, claims: Iterable[Claim]) -> Claim | None:
    """The newest row that stands for the file by its inode or its name."""
    return max((claim for claim in claims if _is_row_of(claim, file)), key=lambda claim: claim.row.id, default=None)


def _is_row_of(claim: Claim, file: DiskFile) -> bool:
    row = claim.row
    return row.input == file.input.name and (
        (row.device, row.inode) == file.inode or row.current_path == str(file.path)
    )
