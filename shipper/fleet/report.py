"""How the state of many hosts is told: to people as text, to programs beside the report of the audit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from shipper.audit.context import Level
from shipper.audit.findings import Finding, Kind, Outcome, Verdict
from shipper.audit.report.document import Audited, iso
from shipper.audit.report.text import LEDGER_WORDS
from shipper.fleet.notes import AgentNote
from shipper.fleet.survey import Fleet, HostView
from shipper.fleet.watch import moment
from shipper.wording import counted

SHOWN = 20
"""Findings of one host, kind and cause that are listed."""
_OF_LINES = frozenset({Kind.MISSING, Kind.LOST_AT_SOURCE, Kind.ALTERED, Kind.UNEXPECTED, Kind.DUPLICATE})

_HEADINGS = ("host", "version", "last sign of life", "files", "stored", "filtered", "dead", "unread bytes", "stalls")

_SENTENCES = {
    Verdict.CLOSED: "closed: the index holds what the ledgers of all hosts say, and nobody is silent or late.",
    Verdict.FINDINGS: "findings: something needs to be looked at.",
    Verdict.INCOMPLETE: "incomplete: something could not be proved.",
}


def audited(fleet: Fleet, now: float) -> tuple[Audited, ...]:
    """Each host, as the reports of single audits have it."""
    return tuple(
        Audited(
            host=view.host,
            inputs=tuple(sorted({item.name for note in view.notes for item in note.inputs})),
            level=Level.LEDGER.value,
            at=iso(now),
            files=view.compared.files,
            vouched_lines=0,
            command=_audit(*view.notes[:1]) + LEDGER_WORDS,
        )
        for view in fleet.hosts
    )


def as_text(fleet: Fleet) -> Iterator[str]:
    """Line by line; it ends with the commands to type next."""
    lines = sum(view.compared.lines["stored"] for view in fleet.hosts)
    agents = sum(len(view.notes) for view in fleet.hosts)
    yield f"Hosts: {len(fleet.hosts):,}; agents: {agents:,}; lines stored, as their ledgers say: {lines:,}."
    yield from _table(fleet.hosts)
    yield from _findings(fleet.outcome.findings)
    yield f"Verdict: {_SENTENCES[fleet.outcome.verdict]}"
    yield from _next(fleet.hosts, fleet.outcome)


def as_documents(fleet: Fleet) -> list[dict[str, Any]]:
    """The hosts, for `--json`."""
    return [
        {
            "host": view.host,
            "files": view.compared.files,
            "lines": {fate: view.compared.lines[fate] for fate in ("stored", "filtered", "dead")},
            "agents": [_agent(note) for note in view.notes],
        }
        for view in fleet.hosts
    ]


def _agent(note: AgentNote) -> dict[str, Any]:
    return {
        "state": note.state,
        "configuration": note.configuration,
        "version": note.version,
        "last_sign": moment(note.at),
        "ended": note.ended,
        "started": moment(note.started),
        "last_commit": moment(note.committed_at) if note.committed_at else None,
        "inputs": [{"name": item.name, "pipeline": item.pipeline, "version": item.version} for item in note.inputs],
        "stalls": [{"scope": one.scope, "reason": one.reason, "since": moment(one.since)} for one in note.stalls],
        "dead_letters": dict(note.dead_letters),
        "unread_bytes": dict(note.unread),
    }


def _table(hosts: Sequence[HostView]) -> Iterator[str]:
    rows = [_HEADINGS, *(_row(view) for view in hosts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        yield "  " + "  ".join([*left, *right]).rstrip()


def _row(view: HostView) -> tuple[str, ...]:
    if not view.notes:
        return (view.host, "?", "never", *["?"] * 6)
    lines = view.compared.lines
    last = max(view.notes, key=lambda note: note.at)
    numbers = (
        view.compared.files, lines["stored"], lines["filtered"], lines["dead"],
        sum(sum(note.unread.values()) for note in view.notes), sum(len(note.stalls) for note in view.notes),
    )  # fmt: skip
    versions = ", ".join(sorted({note.version for note in view.notes}))
    return (view.host, versions, moment(last.at), *(f"{number:,}" for number in numbers))


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    def group(finding: Finding) -> tuple[str, str, str]:
        return finding.host, finding.kind.value, finding.cause.value

    for (host, kind, cause), members in groupby(sorted(findings, key=group), group):
        found = list(members)
        yield f"{kind.replace('_', ' ')}, {cause}: {host}"
        for finding in found[:SHOWN]:
            yield f"  {_subject(finding)}{finding.evidence}"
        if len(found) > SHOWN:
            yield f"  … and {len(found) - SHOWN:,} more; --json lists all."


def _subject(finding: Finding) -> str:
    if finding.kind in _OF_LINES or finding.fingerprint:
        return f"{counted(finding.lines, 'line')} of {finding.path} (input {finding.input}): "
    return f"input {finding.input}: " if finding.input else ""


def _next(hosts: Sequence[HostView], outcome: Outcome) -> Iterator[str]:
    """What to type next, and where."""
    for view in hosts:
        kinds = {finding.kind for finding in outcome.findings if finding.host == view.host}
        if kinds and not view.notes:
            yield f"Next, on {view.host}: {_audit()}; with 'fleet: true' in its configuration it leaves a ledger."
        for note in view.notes:
            if kinds & _OF_LINES:
                yield f"Next, on {view.host}: {_audit(note)} --repair"
            elif Kind.UNPROVED in kinds:
                yield f"Next, on {view.host}: {_audit(note)}"
            elif kinds:
                yield f"Next, on {view.host}: {_audit(note).replace('audit', 'status', 1)}"
    if not hosts:
        yield "Next, on a host that should ship to this index: shipper check --connect"
    elif not outcome.findings:
        yield "Next: nothing; for one host in depth, on that host: shipper audit"


def _audit(note: AgentNote | None = None) -> str:
    words = ["shipper", "audit"]
    return shlex.join([*words, "-c", note.configuration] if note and note.configuration else words)
