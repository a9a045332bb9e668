"""What an agent had seen and not read when it ended, of files that are gone since.

A running agent records such losses itself, and reads on what it still has open. Where none runs, the audit does not
wait for the next one to tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipper.audit.claims import Claim, Claims
from shipper.audit.disk import DiskFile
from shipper.records import FileRow, Mark, MarkKind

_Place = tuple[str, int, int]
"""Input, device and inode."""


def with_unread(claims: Claims, files: Sequence[DiskFile]) -> Claims:
    """The claims with a gap for what was seen, not read, and is not on disk where it was; copies may still have it."""
    newest = {_place(claim.row): claim.row.id for claim in sorted(claims.files, key=lambda claim: claim.row.id)}
    there = {(file.input.name, *file.inode): file for file in files}
    hidden = {str(file.path) for file in files if file.problem}

    def is_there(row: FileRow) -> bool:
        file = there.get(_place(row)) if newest[_place(row)] == row.id else None
        known = file is not None and (file.problem or file.fingerprint == row.fingerprint)
        return bool(known) or row.current_path in hidden

    return replace(claims, files=tuple(claim if is_there(claim.row) else _with_gap(claim) for claim in claims.files))


def _with_gap(claim: Claim) -> Claim:
    row = claim.row
    if not row.unread:
        return claim
    gap = Mark(row.offset, MarkKind.GAP, f"gone:{row.unread}")
    return replace(claim, row=replace(row, marks=sorted([*row.marks, gap])))


def _place(row: FileRow) -> _Place:
    return row.input, row.device, row.inode
