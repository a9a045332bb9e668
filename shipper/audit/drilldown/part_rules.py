"""What the events and documents of a part of a family depend on, besides its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shipper.audit.claims import Claim
from shipper.audit.context import Context
from shipper.audit.families import Family, Part
from shipper.audit.rules import Rules
from shipper.records import Mark, MarkKind, Source, Stored


class _Basis(NamedTuple):
    path: str
    """Under which the file was shipped."""
    marks: list[Mark]
    cuts: set[int]
    """Where events ended that would have gone on."""


def rules_for(context: Context, family: Family, part: Part, documents: Sequence[Stored]) -> Rules:
    """What the part's documents depend on: recorded in the state, or else taken from the output.

    `documents` are those that it is about, by offset. Raises SourceError and OutputError.
    """
    file, claim = part.branch.file, part.claim
    segments = context.rulebook.segments(family.input, claim)
    path, marks, cuts = _recorded(part, claim, documents) if claim else _adopted(context, family, part, documents)
    pipeline = segments[0].pipeline
    if pipeline.needs_date and not any(mark.kind is MarkKind.DATE for mark in marks):
        marks.append(pipeline.date_mark(file.blocks(), path=path, modified=file.modified))
    source = Source(context.host, family.input, path, family.fingerprint, claim.row.id if claim else 0)
    return Rules(source, segments, tuple(sorted(marks)), frozenset(cuts), whole=part.whole)


def _recorded(part: Part, claim: Claim, documents: Sequence[Stored]) -> _Basis:
    """As the state has it."""
    marks = list(claim.row.marks)
    # Where the file was edited, its last event ended at the checkpoint once, and that may be anywhere now.
    cuts = {mark.offset for mark in marks if mark.kind is MarkKind.CUT} | {min(part.reach, part.measure.end)}
    cuts |= set() if part.agrees else {part.measure.end}
    # What was sent and is not counted yet was cut as its documents say.
    cuts |= {place for place in _ends(documents) if place > part.reach}
    return _Basis(claim.row.path, marks, cuts)


def _adopted(context: Context, family: Family, part: Part, documents: Sequence[Stored]) -> _Basis:
    """As an agent takes it from the output that lost its state."""
    file = part.branch.file
    marks = context.date_marks(family)
    if file.input.start_at == "now" and family.held:
        first = min(held.first for held in family.held.values())
        marks.append(Mark(first, MarkKind.START, "adopted"))
    # Without marks of the agent's cuts, an event at the end of a file is taken as complete.
    cuts = {*_ends(documents), part.measure.end}
    return _Basis(documents[0].path if documents else part.path, marks, cuts)


def _ends(documents: Sequence[Stored]) -> set[int]:
    """The offsets where documents begin and end."""
    return {place for one in documents for place in (one.offset, one.offset + one.tally.bytes)}
