"""Families with files that cannot be read: that is a finding of each, and the others are examined without them."""

from __future__ import annotations

from dataclasses import replace

from shipper.audit.context import Context
from shipper.audit.disk import unreadable
from shipper.audit.examine import examine
from shipper.audit.families import Family
from shipper.audit.findings import Outcome
from shipper.audit.ledger_sums import unaccounted
from shipper.audit.unreadable import cannot_be_read
from shipper.errors import SourceError


def examined(context: Context, family: Family) -> Outcome:
    """The examination of a family; a file that cannot be read is a finding, and the others are examined without it.

    Raises OutputError.
    """
    try:
        outcome = examine(context, family)
        for finding in unaccounted(context, family):
            outcome.report(finding)
    except SourceError as error:
        return _examined_without(context, family, str(error))
    return outcome


def _examined_without(context: Context, family: Family, reason: str) -> Outcome:
    """The examination of what is left without the files that cannot be read; of nothing, if all of them can now."""
    problems = [unreadable(file) for file in family.files]
    broken = [replace(file, problem=problem) for file, problem in zip(family.files, problems, strict=True) if problem]
    outcome = Outcome()
    for file in broken or [replace(file, problem=reason) for file in family.files]:
        outcome.files += 1
        outcome.report(cannot_be_read(context.host, file, family.fingerprint))
    rest = replace(family, files=[file for file, problem in zip(family.files, problems, strict=True) if not problem])
    if broken and (rest.files or rest.claims or rest.held):
        outcome.add(examined(context, rest))
    return outcome
