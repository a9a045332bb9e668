"""One report: what was audited, what came of it, and the JSON document that says so; written here and read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from shipper.audit.context import Level
from shipper.audit.findings import Cause, Finding, Kind, Outcome, Totals
from shipper.audit.repair import Plan, Repaired
from shipper.audit.resume import Resumed
from shipper.audit.timeline import Fate, Timeline
from shipper.errors import UsageError
from shipper.records import Tally


@dataclass(frozen=True, slots=True)
class Audited:
    """One audit of one host."""

    host: str
    inputs: tuple[str, ...]
    level: str
    at: str
    """When it ended (ISO 8601, UTC)."""
    files: int
    vouched_lines: int
    """Lines in the index of files that are gone, as the ledger says."""
    command: str
    """The command line, from which the next one is made."""
    since: str | None = None
    """Event time (ISO 8601, UTC) before which nothing was looked for."""
    until: str | None = None
    resumed: Resumed | None = None
    """What was taken from an earlier part of the audit."""
    folder: str | None = None
    """Where the files of another host lie on this one."""


@dataclass(slots=True)
class Report:
    """What one audit, or several together, came to."""

    outcome: Outcome
    audited: tuple[Audited, ...]
    timeline: Timeline | None = None
    """None if nobody asked for it."""
    plan: Plan | None = None
    """What could be repaired before the outcome, if a repair was asked for."""
    repaired: Repaired | None = None
    """What was repaired before the outcome."""

    @property
    def disks_read(self) -> bool:
        """Whether each audit read the files, and did not look at the ledger alone."""
        return all(one.level != Level.LEDGER.value for one in self.audited)

    @property
    def hosts(self) -> list[str]:
        """The hosts that were audited."""
        return sorted({one.host for one in self.audited})


def as_document(report: Report) -> dict[str, Any]:
    """The document of `--json`; totals are in lines, minutes are event time in UTC."""
    outcome = report.outcome
    document: dict[str, Any] = {
        "verdict": outcome.verdict.value,
        "totals": asdict(outcome.totals),
        "findings": [_finding_document(finding) for finding in outcome.findings],
        "incomplete_values": [_finding_document(finding) for finding in outcome.incomplete_values],
        "audited": [asdict(one) for one in report.audited],
        "timeline": _timeline_document(report.timeline) if report.timeline else None,
    }
    return document if report.plan is None else {**document, "repair": _repair_document(report.plan, report.repaired)}


def read_document(document: Any, where: str) -> Report:
    """The report that a document of `--json` holds; `where` names the file. Raises UsageError."""
    try:
        report = _report_of(document)
        verdict = document["verdict"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{where}: this is no report that `shipper audit --json` printed: {error!r}.") from error
    if report.outcome.verdict.value != verdict:
        raise UsageError(f"{where}: the report says '{verdict}', and its findings '{report.outcome.verdict.value}'.")
    return report


def merged(reports: Sequence[Report], timeline: Timeline | None) -> Report:
    """Reports of different hosts or inputs as one. Raises UsageError if two audited the same."""
    outcome, audited = Outcome(), [one for report in reports for one in report.audited]
    seen = Counter((one.host, name) for one in audited for name in one.inputs)
    twice = next((origin for origin, count in seen.items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"--merge: input {twice[1]} of {twice[0]} is in two reports; its lines would count twice.")
    for report in reports:
        outcome.add(report.outcome)
    return Report(outcome, tuple(audited), timeline)


def iso(moment: float, *, minutes: bool = False) -> str:
    """A moment (seconds since the epoch) as ISO 8601 text in UTC, to the second or the minute."""
    timespec = "minutes" if minutes else "seconds"
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _finding_document(finding: Finding) -> dict[str, Any]:
    minutes = {iso(minute * 60, minutes=True): lines for minute, lines in sorted(finding.minutes.items())}
    return {**asdict(finding), "minutes": minutes}


def _repair_document(plan: Plan, repaired: Repaired | None) -> dict[str, Any]:
    return {
        "resend_lines": plan.lines,
        "delete_documents": len(plan.delete),
        "left_findings": len(plan.left),
        "applied": asdict(repaired) if repaired else None,
    }


def _timeline_document(timeline: Timeline) -> dict[str, Any]:
    rows = [
        {
            "host": host,
            "input": name,
            **{fate.value: {iso(at): lines for at, lines in sorted(counts.items())} for fate, counts in row.items()},
        }
        for (host, name), row in sorted(timeline.rows.items())
    ]
    return {"step_seconds": timeline.step, "undated_findings": timeline.undated, "rows": rows}


def _report_of(document: Mapping[str, Any]) -> Report:
    audited = tuple(_audited_of(one) for one in document["audited"])
    outcome = Outcome(
        totals=Totals(**{item.name: int(document["totals"][item.name]) for item in fields(Totals)}),
        findings=[_finding_of(item) for item in document["findings"]],
        files=sum(one.files for one in audited),
        vouched=Tally(sum(one.vouched_lines for one in audited)),
        incomplete_values=[_finding_of(item) for item in document["incomplete_values"]],
    )
    if not audited:
        raise ValueError("it does not say what was audited")
    timeline = document["timeline"]
    return Report(outcome, audited, _timeline_of(timeline) if timeline else None)


def _audited_of(item: Mapping[str, Any]) -> Audited:
    resumed = item.get("resumed")
    return Audited(**{**item, "inputs": tuple(item["inputs"]), "resumed": Resumed(**resumed) if resumed else None})


def _finding_of(item: Mapping[str, Any]) -> Finding:
    minutes = {_seconds(text) // 60: int(lines) for text, lines in item["minutes"].items()}
    return Finding(**{**item, "kind": Kind(item["kind"]), "cause": Cause(item["cause"]), "minutes": minutes})


def _timeline_of(document: Mapping[str, Any]) -> Timeline:
    timeline = Timeline(int(document["step_seconds"]), undated=int(document["undated_findings"]))
    for row in document["rows"]:
        for fate in Fate:
            for text, lines in row.get(fate.value, {}).items():
                timeline.count((row["host"], row["input"]), fate, _seconds(text), int(lines))
    return timeline
