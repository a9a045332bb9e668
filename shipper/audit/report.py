"""How an audit is told: as text for people, with the command to type next, and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from shipper.audit.findings import Finding, Outcome, Verdict
from shipper.audit.repair import Plan

SHOWN = 20
"""Findings of one file and cause that are listed."""
GROUPS = 50
"""Groups of findings that are listed."""
_WAITING = 10
"""Files with pending lines that are listed."""

_SENTENCES = {
    Verdict.CLOSED: "closed: every line on disk is in the index, filtered, a dead letter or pending.",
    Verdict.FINDINGS: "findings: not every line is where it should be.",
    Verdict.INCOMPLETE: "incomplete: something could not be proved.",
}


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The document of `--json`; totals are in lines."""
    return {
        "verdict": outcome.verdict.value,
        "totals": asdict(outcome.totals),
        "findings": [asdict(finding) for finding in outcome.findings],
    }


def as_text(outcome: Outcome, command: str) -> Iterator[str]:
    """The report, line by line; `command` is the audit's own command line, from which the next one is made."""
    yield from _summary(outcome)
    yield from _pending(outcome)
    yield from _findings(outcome.findings)
    yield f"Verdict: {_SENTENCES[outcome.verdict]}"
    yield f"Next: {next_command(outcome, command)}"


def plan_text(plan: Plan) -> Iterator[str]:
    """What a repair would do."""
    yield f"Plan: send {_lines(plan.lines)} again, creating only what is not there:"
    for finding in plan.resend[:GROUPS]:
        yield f"  {finding.path}, {_place(finding)}"
    if len(plan.resend) > GROUPS:
        yield f"  … and {len(plan.resend) - GROUPS:,} more places."
    if plan.left:
        yield f"Not repaired, for a person to look at: {len(plan.left):,} findings."


def next_command(outcome: Outcome, command: str) -> str:
    """What to type next."""
    if any(finding.repair for finding in outcome.findings):
        return f"{command} --repair --apply"
    base = command.replace("shipper audit", "shipper {}", 1).partition(" --")[0]
    if outcome.findings:
        return f"{command} --json"
    if outcome.totals.dead_letters:
        return base.format("dead-letters list")
    return base.format("status")


def _summary(outcome: Outcome) -> Iterator[str]:
    totals = outcome.totals
    yield (
        f"{outcome.files:,} files with {_lines(totals.disk_lines)}: {totals.indexed:,} in the index, "
        f"{totals.filtered:,} filtered, {totals.dead_letters:,} dead letters, {totals.pending:,} pending."
    )
    if outcome.vouched.lines:
        yield f"{_lines(outcome.vouched.lines)} of files that are gone from disk are in the index as the ledger says."


def _pending(outcome: Outcome) -> Iterator[str]:
    waiting = sorted(outcome.pending, key=lambda item: (-item.bytes, item.path))
    for item in waiting[:_WAITING]:
        yield f"  pending (no fault): {item.path}: {_lines(item.lines)}, {item.bytes:,} bytes"
    if len(waiting) > _WAITING:
        yield f"  … and {len(waiting) - _WAITING:,} more files with pending lines."


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    def group(finding: Finding) -> tuple[str, str, str, str]:
        return (finding.host, finding.kind.value, finding.cause.value, finding.path)

    groups = [(key, list(members)) for key, members in groupby(sorted(findings, key=group), key=group)]
    for (host, kind, cause, path), members in groups[:GROUPS]:
        lines = sum(finding.lines for finding in members)
        yield f"{kind.replace('_', ' ')}, {cause}: {_lines(lines)} of {path} on {host}"
        for finding in members[:SHOWN]:
            yield f"  {_place(finding)}: {finding.evidence}"
        if len(members) > SHOWN:
            yield f"  … and {len(members) - SHOWN:,} more places in this file; --json lists all."
    if len(groups) > GROUPS:
        yield f"… and {len(groups) - GROUPS:,} more groups of findings; --json lists all."


def _place(finding: Finding) -> str:
    if finding.first_line is None:
        return "whole file" if finding.offset is None else f"from offset {finding.offset} on"
    lines = f"line {finding.first_line}"
    if finding.last_line != finding.first_line:
        lines = f"lines {finding.first_line}-{finding.last_line}"
    return f"{lines} (offset {finding.offset}, {finding.bytes} bytes)"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
