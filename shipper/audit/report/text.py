"""How an audit is told to people: as text, which ends with the command to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from shipper.audit.findings import OF_HOSTS, Finding, Kind, Outcome, Verdict
from shipper.audit.repair import Plan, Repaired
from shipper.audit.report.advice import advice
from shipper.audit.report.document import Audited, Report, iso
from shipper.audit.report.hours import MANY, by_hour, table
from shipper.audit.resume import Resumed
from shipper.wording import counted

SHOWN = 20
"""Findings of one file and cause that are listed."""
GROUPS = 50
"""Groups of findings that are listed."""
LEDGER_WORDS = " --level ledger"
_NOT_ON_DISK = OF_HOSTS | {Kind.UNPROVED}
"""What the files do not tell better than the ledger."""
_WAITING = 10
"""Files with pending lines that are listed."""

_SENTENCES = {
    Verdict.CLOSED: "every line on disk is in the index, filtered, a dead letter or pending.",
    Verdict.FINDINGS: "not every line is where it should be.",
    Verdict.INCOMPLETE: "something could not be proved.",
}
_LEDGER_CLOSED = "every line that the ledger counts as stored is in the index; the files on disk were not read."
_OTHER_FINDINGS = "something needs to be looked at."


def as_text(report: Report) -> Iterator[str]:
    """The report, line by line; it ends with the command to type next."""
    outcome = report.outcome
    yield from _scope(report)
    yield from _summary(report)
    yield from _pending(outcome)
    yield from _findings(outcome.findings)
    rows = by_hour(outcome.findings)
    if rows and (len(outcome.findings) > MANY or len(report.hosts) > 1):
        yield from table(rows)
    yield from _incomplete_values([value for value in outcome.incomplete_values if value not in outcome.findings])
    yield from (f"What to do, {line}" for line in advice(outcome.findings, disks_read=report.disks_read))
    yield f"Verdict: {outcome.verdict.value}: {verdict_text(report)}"
    yield from _next(report)


def verdict_text(report: Report) -> str:
    """What a verdict means, and no more than was looked at."""
    verdict = report.outcome.verdict
    if verdict is Verdict.CLOSED and not report.disks_read:
        return _LEDGER_CLOSED
    if verdict is Verdict.FINDINGS and all(finding.kind in OF_HOSTS for finding in report.outcome.findings):
        return _OTHER_FINDINGS
    return _SENTENCES[verdict]


def plan_text(plan: Plan) -> Iterator[str]:
    """What a repair would do."""
    if not plan.resend and not plan.delete:
        yield "Plan: nothing can be repaired, so nothing will be done."
    if plan.resend:
        yield f"Plan: send {_lines(plan.lines)} again, creating only what is not there:"
        yield from _places(plan.resend)
    if plan.delete:
        yield f"Plan: delete {counted(len(plan.delete), 'document')} with an equal in the index where it belongs:"
        yield from _places(plan.delete)
    if plan.left:
        yield f"Not repaired, for a person to look at: {counted(len(plan.left), 'finding')}."


def repaired_text(repaired: Repaired) -> Iterator[str]:
    """What a repair did."""
    yield f"Repaired: {counted(repaired.stored, 'document')} stored, {repaired.already_stored:,} were there already."
    if repaired.kept_in:
        yield f"Deleted: {counted(repaired.deleted, 'document')}, kept in {repaired.kept_in}."
    yield from (f"  refused: {reason}" for reason in repaired.refused)


def _places(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:GROUPS]:
        yield f"  {finding.path}, {_place(finding)}"
    if len(findings) > GROUPS:
        yield f"  … and {counted(len(findings) - GROUPS, 'more place')}."


def next_command(outcome: Outcome, command: str) -> str:
    """What to type next."""
    if any(finding.repair for finding in outcome.findings):
        return f"{command} --repair --apply"
    base = command.replace("shipper audit", "shipper {}", 1).partition(" --")[0]
    if LEDGER_WORDS in command and any(finding.kind not in _NOT_ON_DISK for finding in outcome.findings):
        return f"{command.replace(LEDGER_WORDS, '')} --repair"  # what the ledger alone does not tell, the files do
    if outcome.findings and all(finding.kind in OF_HOSTS for finding in outcome.findings):
        return base.format("status")
    if outcome.findings:
        return f"{command} --json"
    if outcome.totals.dead_letters:
        return base.format("dead-letters list")
    return base.format("status")


def _next(report: Report) -> Iterator[str]:
    """The next command: of several audits one for each that needs one."""
    several = len(report.audited) > 1
    for audited in report.audited:
        own = own_outcome(report, audited)
        there = several or is_repaired_there(own, audited)
        if own.findings or not several:
            yield f"Next{f', on {audited.host}' if there else ''}: {next_step(own, audited)}"


def next_step(outcome: Outcome, audited: Audited) -> str:
    """What to type next: on the audited host, where only that can repair."""
    if not is_repaired_there(outcome, audited):
        return next_command(outcome, audited.command)
    inputs = [f" --input {name}" for name in audited.inputs if " --input " in audited.command]
    return f"shipper audit{''.join(inputs)} --repair --apply"


def is_repaired_there(outcome: Outcome, audited: Audited) -> bool:
    """Whether the files are those of another host, with other names here than their documents tell."""
    return audited.folder is not None and any(finding.repair for finding in outcome.findings)


def own_outcome(report: Report, audited: Audited) -> Outcome:
    """What concerns one of the audits of a report."""
    if len(report.audited) == 1:
        return report.outcome
    inputs = {"", *audited.inputs}
    return Outcome(findings=[f for f in report.outcome.findings if f.host == audited.host and f.input in inputs])


def _scope(report: Report) -> Iterator[str]:
    if len(report.audited) > 1:
        hosts = f"{counted(len(report.hosts), 'host')}: {', '.join(report.hosts)}"
        yield f"{counted(len(report.audited), 'audit')} of {hosts}."
    for audited in report.audited:
        if audited.since or audited.until:
            yield f"{audited.host}: only what may hold events {window_text(audited)}."
        if audited.resumed:
            yield f"{audited.host}: {resumed_text(audited.resumed)}"


def resumed_text(resumed: Resumed) -> str:
    """What was not done again, and since when it may have changed unseen."""
    begun = iso(resumed.since) if resumed.since == resumed.until else f"{iso(resumed.since)} to {iso(resumed.until)}"
    compared = (
        f" The documents of {_lines(resumed.compared_lines)} were compared then." if resumed.compared_lines else ""
    )
    return (
        f"{counted(resumed.files, 'file')} with {counted(resumed.bytes, 'byte')} on disk were read by an earlier "
        f"part of this audit, begun {begun}, and have the same size and times since; they were not read again."
        f"{compared}"
    )


def window_text(audited: Audited) -> str:
    """The span of event time that was asked for, in UTC and in the local time of this machine."""
    ends = (("from", audited.since), ("to", audited.until))
    return " ".join(f"{word} {end} ({_local(end)})" for word, end in ends if end)


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().isoformat(timespec="seconds") + " local time"


def _incomplete_values(values: Sequence[Finding]) -> Iterator[str]:
    for value in values[:GROUPS]:
        yield f"  incomplete value (no fault): {value.input} on {value.host}: {value.evidence}"
    if len(values) > GROUPS:
        yield f"  … and {counted(len(values) - GROUPS, 'more kind')} of incomplete values; --json lists all."


def _summary(report: Report) -> Iterator[str]:
    outcome, totals = report.outcome, report.outcome.totals
    on_disk = f" with {_lines(totals.disk_lines)}" if report.disks_read else " in the ledger"
    yield (
        f"{counted(outcome.files, 'file')}{on_disk}: {totals.indexed:,} in the index, "
        f"{totals.filtered:,} filtered, {counted(totals.dead_letters, 'dead letter')}, {totals.pending:,} pending."
    )
    if outcome.vouched.lines:
        yield f"{_lines(outcome.vouched.lines)} of files that are gone from disk are in the index as the ledger says."


def _pending(outcome: Outcome) -> Iterator[str]:
    waiting = sorted(outcome.pending, key=lambda item: (-item.bytes, item.path))
    for item in waiting[:_WAITING]:
        yield f"  pending (no fault): {item.path}: {_lines(item.lines)}, {counted(item.bytes, 'byte')}"
    if len(waiting) > _WAITING:
        yield f"  … and {counted(len(waiting) - _WAITING, 'more file')} with pending lines."


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    def group(finding: Finding) -> tuple[str, str, str, str]:
        return (finding.host, finding.kind.value, finding.cause.value, finding.path)

    groups = [(key, list(members)) for key, members in groupby(sorted(findings, key=group), key=group)]
    for (host, kind, cause, path), members in groups[:GROUPS]:
        lines = sum(finding.lines for finding in members)
        place = path or (members[0].input and f"input {members[0].input}")
        of_lines = f"{_lines(lines)} of " if lines else ""
        what = f"{of_lines}{place} on {host}" if place else host
        yield f"{kind.replace('_', ' ')}, {cause}: {what}"
        yield from _when(members)
        yield from dict.fromkeys(map(_evidence, members[:SHOWN]))  # two inputs may have met the same
        if len(members) > SHOWN:
            yield f"  … and {counted(len(members) - SHOWN, 'more place')} in this file; --json lists all."
    if len(groups) > GROUPS:
        yield f"… and {counted(len(groups) - GROUPS, 'more group')} of findings; --json lists all."


def _when(findings: Sequence[Finding]) -> Iterator[str]:
    """Between which minutes of event time lines are concerned, as far as that is known."""
    minutes = {minute for finding in findings for minute in finding.minutes}
    if minutes:
        first, last = (iso(60 * minute, minutes=True) for minute in (min(minutes), max(minutes)))
        yield f"  events of {first}" if first == last else f"  events of {first} to {last}"


def _evidence(finding: Finding) -> str:
    has_place = finding.path and (finding.lines or finding.offset is not None)
    return f"  {_place(finding)}: {finding.evidence}" if has_place else f"  {finding.evidence}"


def _place(finding: Finding) -> str:
    if finding.first_line is None:
        return "whole file" if finding.offset is None else f"from offset {finding.offset} on"
    lines = f"line {finding.first_line}"
    if finding.last_line != finding.first_line:
        lines = f"lines {finding.first_line}-{finding.last_line}"
    return f"{lines} (offset {finding.offset}, {finding.bytes} bytes)"


def _lines(count: int) -> str:
    return counted(count, "line")
