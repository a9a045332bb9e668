"""Files whose head was edited: another fingerprint, so their documents look like those of a file that is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shipper.audit.context import Context
from shipper.audit.disk import DiskFile
from shipper.audit.extents import Run
from shipper.audit.families import Family
from shipper.errors import SourceError
from shipper.hashes import line_tallies
from shipper.read.framing import SPLIT, split_lines
from shipper.records import Stored

_SAMPLE = 1 << 20
"""Bytes at the beginning of a file in which at least half of the lines must agree."""


def join_edited_heads(context: Context, families: Sequence[Family]) -> list[Family]:
    """Put a file that nobody knows together with the documents and claims that its path has under another head.

    Raises OutputError.
    """
    orphans = [family for family in families if not family.files and (family.held or family.claims)]
    unknown = [family for family in families if family.files and not family.held and not _is_claimed(family)]
    joined: list[Family] = []
    for family in unknown:
        elder = next((o for o in orphans if o not in joined and _is_same_file(context, family, o)), None)
        if elder is not None:
            family.join(elder)
            joined.append(elder)
    return [family for family in families if family not in joined]


def _is_same_file(context: Context, family: Family, orphan: Family) -> bool:
    paths = {str(file.path) for file in family.files}
    return (
        orphan.input == family.input
        and not paths.isdisjoint(_paths(context, orphan))
        and _are_alike(context, family.files[0], orphan)
    )


def _is_claimed(family: Family) -> bool:
    return any(claim.row.offset for claim in family.claims)


def _paths(context: Context, orphan: Family) -> set[str]:
    paths = {claim.row.current_path for claim in orphan.claims} | {claim.row.path for claim in orphan.claims}
    if orphan.held:
        first = min(held.first for held in orphan.held.values())
        paths |= {span.path for span in context.output.spans(orphan.fingerprint, first, first + 1)}
    return paths


def _are_alike(context: Context, file: DiskFile, orphan: Family) -> bool:
    """Whether at least half of the lines at the beginning are the same."""
    try:
        data = next(file.blocks(_SAMPLE), b"")
    except SourceError:
        return False  # it is told when the file is examined
    on_disk = Counter(line_tallies(split_lines(data, final=True)))
    spans = context.spans(orphan, Run(0, 0))
    in_index = Counter(span.tally for span in spans if span.offset < len(data) and _is_a_line(span))
    shared = (on_disk & in_index).total()
    return shared * 2 >= min(on_disk.total(), in_index.total()) > 0


def _is_a_line(document: Stored) -> bool:
    """Whether it is neither of several lines, whose tally is a sum, nor a piece of one."""
    return document.tally.lines == 1 and SPLIT not in document.tags
