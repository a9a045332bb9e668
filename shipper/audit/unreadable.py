"""Files that cannot be read, or not to their end: nobody knows what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipper.audit.context import Context
from shipper.audit.disk import DiskFile, is_whole
from shipper.audit.families import Family, Part
from shipper.audit.findings import Cause, Finding, Kind, Outcome
from shipper.audit.subjects import Stretch, Subject
from shipper.errors import SourceError
from shipper.hashes import tally_of
from shipper.read.files import Renamed
from shipper.records import Tally
from shipper.wording import counted

_QUIET = 86_400.0
"""Seconds without a write after which nobody is expected to end an archive.

A program that packs as it writes, such as tstat, may hold back all it has for as long as its log is open.
"""


def broken_off(context: Context, family: Family, parts: Sequence[Part]) -> Outcome:
    """The archives of a family whose end is missing; what the ledger counted beyond it was read elsewhere."""
    outcome = Outcome()
    reach = max((claim.row.offset for claim in family.claims), default=0)
    for part in parts:
        file, end = part.branch.file, part.measure.end + part.measure.partial.bytes
        if file.compressed and not part.whole and reach < end and _is_left(context, file):
            outcome.report(cannot_be_read(context.host, _ending_at(file, end), family.fingerprint))
    return outcome


def unidentified(context: Context, file: DiskFile) -> Outcome:
    """Too short a file is pending as it is; one that cannot be read is unproved."""
    outcome = Outcome(files=0 if file.is_folder else 1)
    if file.problem:
        outcome.report(cannot_be_read(context.host, file))
        return outcome
    try:
        data = b"".join(file.blocks(file.limit))
        if file.compressed and _is_left(context, file) and not is_whole(file):
            outcome.report(cannot_be_read(context.host, _ending_at(file, len(data)), ""))
    except Renamed:
        return Outcome()  # it had too little content for a document
    except SourceError as error:
        outcome.report(cannot_be_read(context.host, replace(file, problem=str(error)), ""))
        return outcome
    *lines, rest = data.split(b"\n")
    tally = tally_of([line + b"\n" for line in lines] + ([rest] if rest else []))
    outcome.totals.disk_lines += tally.lines
    outcome.wait(str(file.path), tally)
    return outcome


def cannot_be_read(host: str, file: DiskFile, fingerprint: str = "") -> Finding:
    """The finding for a file with a problem."""
    subject = Subject(host, file.input.name, fingerprint, str(file.path))
    return subject.finding(Kind.UNPROVED, Cause.UNREADABLE, file.problem, Stretch(tally=Tally(bytes=file.size)))


def _is_left(context: Context, file: DiskFile) -> bool:
    """Whether nobody is writing it; if it was changed in the future, a clock is wrong."""
    return abs(context.now - file.modified) >= _QUIET


def _ending_at(file: DiskFile, end: int) -> DiskFile:
    text = counted(end, "byte")
    return replace(file, problem=f"the archive breaks off after {text} of text, and was not written to for a day")
