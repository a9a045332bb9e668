"""What an interrupted audit need not do again: files that it has read, and parts of them that it has compared.

What a pass over the files of a family came to is a function of their bytes, of the state's claims on them, and of where
the index says that buckets begin. The bytes of a file are taken to be the same if fingerprint, device, inode, size and
both times are; a file whose times are as young as the look at it is not remembered, for it may be changed within
the same tick of its clock. So of a file that grows everything is read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from shipper.audit.balance import Measure
from shipper.audit.context import Context
from shipper.audit.disk import Branch, DiskFile
from shipper.audit.extents import LAST_BUCKET, Run
from shipper.audit.families import Family, Part
from shipper.audit.findings import Outcome, Totals
from shipper.audit.resume import key_of
from shipper.audit.rules import Bookmark, Bookmarks
from shipper.records import Tally

_TICK = 2.0
"""Seconds: no file system tells times less exactly."""


class KeptParts:
    """The parts of one family, as an earlier part of the audit measured them."""

    def __init__(self, context: Context, family: Family, firsts: Mapping[int, int]) -> None:
        self._context = context
        self._family = family
        files = [_identity(file) for file in family.files]
        claims = [
            (row.id, row.input, row.offset, row.chain, row.device, row.inode, row.current_path)
            for row in (claim.row for claim in family.claims)
        ]
        self._key = key_of("files", context.host, family.input, files, claims, sorted(firsts.items()))

    def recall(self) -> list[Part] | None:
        """The parts, if every file is as it was then."""
        work = self._context.journal.recall(self._key)
        if work is None:
            return None
        files = self._family.files
        self._context.journal.took(self._key, work.at, files=len(files), size=sum(file.size for file in files))
        return [self._part(part) for part in work.result]

    def keep(self, parts: Sequence[Part]) -> None:
        """Remember the parts, if no file was written to meanwhile."""
        if _are_settled(self._context, self._family.files):
            self._context.journal.keep(self._key, [self._told(part) for part in parts], self._context.now)

    def _told(self, part: Part) -> dict[str, Any]:
        claims, measured = self._family.claims, part.measure
        return {
            "file": self._family.files.index(part.branch.file),
            "start": part.branch.start,
            "claim": None if part.claim is None else _number(claims, part.claim),
            "agreeing": [_number(claims, claim) for claim in part.agreeing],
            "whole": part.whole,
            "buckets": [(bucket, *tally) for bucket, tally in measured.buckets.items()],
            "below": [(bucket, *tally) for bucket, tally in measured.below.items()],
            "partial": measured.partial,
            "end": measured.end,
            "chain": measured.chain,
            "last": measured.last,
        }

    def _part(self, told: Mapping[str, Any]) -> Part:
        claims = self._family.claims
        measured = Measure(
            buckets=_tallies(told["buckets"]),
            below=_tallies(told["below"]),
            partial=Tally(*told["partial"]),
            end=told["end"],
            chain=told["chain"],
            last=None if told["last"] is None else (told["last"][0], told["last"][1]),
        )
        return Part(
            Branch(self._family.files[told["file"]], told["start"]),
            None if told["claim"] is None else claims[told["claim"]],
            [claims[number] for number in told["agreeing"]],
            told["whole"],
            measured,
        )


class KeptComparisons:
    """The runs of buckets of one family whose documents were all found equal to what the files say."""

    def __init__(self, context: Context, family: Family, parts: Sequence[Part]) -> None:
        self._context = context
        self._family = family
        self._parts = parts
        claims = [(claim.row.id, claim.row.path, claim.row.marks) for claim in family.claims]
        self._key = key_of(
            "documents",
            context.output.identity,
            context.host,
            family.input,
            family.fingerprints,
            [(_identity(part.branch.file), part.branch.start, part.reach, part.whole) for part in parts],
            claims,
            context.claims.known,
            context.rulebook.configured(family.input).version,
        )

    def recall(self, run: Run) -> Outcome | None:
        """What the comparison of a run came to, if it is to be the same. The parts are told how far they were read."""
        key = self._key_of(run)
        work = self._context.journal.recall(key)
        if work is None:
            return None
        totals = Totals(**work.result["totals"])
        self._context.journal.took(key, work.at, lines=totals.disk_lines)
        for part, read, parsed in zip(self._parts, work.result["read"], work.result["parsed"], strict=True):
            _put(part.read, read)
            _put(part.parsed, parsed)
        return Outcome(totals)

    def keep(self, run: Run, outcome: Outcome) -> None:
        """Remember that all is well, if it is and nothing waits."""
        if outcome.findings or outcome.pending or any(outcome.vouched):
            return
        if _are_settled(self._context, [part.branch.file for part in self._parts]):
            result = {
                "totals": asdict(outcome.totals),
                "read": [part.read.places[-1:] for part in self._parts],
                "parsed": [part.parsed.places[-1:] for part in self._parts],
            }
            self._context.journal.keep(self._key_of(run), result, self._context.now)

    def _key_of(self, run: Run) -> str:
        """As long as the index holds, and the ledger counts, the same there."""
        family = self._family
        ledgers = [claim.ledger for claim in family.claims]
        known_buckets = (bucket for known in (family.held, *ledgers) for bucket in known)
        last = run.last if run.last < LAST_BUCKET else max(known_buckets, default=run.first)
        buckets = range(run.first, last + 1)
        return key_of(
            self._key,
            run,
            [family.held[bucket] for bucket in buckets if bucket in family.held],
            [[(bucket, sorted(known[bucket].items())) for bucket in buckets if bucket in known] for known in ledgers],
            [letter.id for letter in self._context.dead_letters(family, run)],
        )


def _are_settled(context: Context, files: Sequence[DiskFile]) -> bool:
    """Whether nothing was written to any of them from shortly before the audit on."""
    return all(file.was_settled(context.now - _TICK) and file.is_unchanged() for file in files)


def _identity(file: DiskFile) -> list[Any]:
    return [
        str(file.path), file.input.name, file.fingerprint, *file.inode, file.size, *file.times, file.compressed,
    ]  # fmt: skip


def _number(claims: Sequence[Any], claim: Any) -> int:
    return next(number for number, other in enumerate(claims) if other is claim)


def _tallies(rows: Sequence[Sequence[int]]) -> dict[int, Tally]:
    found: dict[int, Tally] = defaultdict(Tally)
    found.update({bucket: Tally(*tally) for bucket, *tally in rows})
    return found


def _put(bookmarks: Bookmarks, places: Sequence[Sequence[Any]]) -> None:
    for offset, chain, line, carry in places:
        bookmarks.put(Bookmark(offset, chain, line, carry))
