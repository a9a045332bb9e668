"""Whether the index that is audited is the one that the host ships to: in a new or foreign one nothing is pending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from shipper.audit.context import Context
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.subjects import Subject
from shipper.send.output import Scope


def shipped_elsewhere(context: Context, state: Path) -> Iterator[Finding]:
    """That the state, in this folder, knows outputs, but not the one that is audited, if that is so."""
    if context.claims.other_outputs:
        evidence = (
            f"the state has shipped to {', '.join(context.claims.other_outputs)} and never to "
            f"{context.output.identity}; the next run of the agent ships everything there"
        )
        yield Subject(context.host, path=str(state)).finding(Kind.UNPROVED, Cause.ANOTHER_OUTPUT, evidence)


def holds_nothing(context: Context, families: Sequence[Family]) -> Iterator[Finding]:
    """That the index holds nothing of the host, if that is so, and no state says that this is as it should be.

    Raises OutputError.
    """
    if context.claims.known or any(family.held for family in families):
        return
    if not any(context.output.tallies(Scope(host=context.host))):
        evidence = (
            f"the index holds no document of {context.host}, of any input; its agent has not run, ships elsewhere, or "
            "ships under another name (`host`)"
        )
        yield Subject(context.host).finding(Kind.UNPROVED, Cause.ANOTHER_OUTPUT, evidence)
