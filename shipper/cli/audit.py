"""`shipper audit`: proves that every line arrived, or names those that did not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from shipper.audit.auditor import Auditor
from shipper.audit.context import Level
from shipper.audit.findings import Cause, Kind, Outcome
from shipper.audit.repair import MAX_DELETE, Plan, Repaired, Repairer, plan
from shipper.audit.report.advice import hidden
from shipper.audit.report.document import Audited, Report, as_document, iso
from shipper.audit.report.html import page
from shipper.audit.report.merge import read_reports
from shipper.audit.report.text import LEDGER_WORDS, as_text, plan_text, repaired_text
from shipper.cli.against import audit_against, foreign_options, taken_from
from shipper.cli.audit_options import Options, Telling, audit_options
from shipper.cli.audit_progress import progress_of
from shipper.cli.audit_request import Asked, asked, kinds_to_fail_on
from shipper.cli.audit_resume import kept_progress
from shipper.cli.checked_inputs import without_files
from shipper.cli.console import visible
from shipper.cli.fleet import audit_fleet, fleet_asked, fleet_options
from shipper.clock import SystemClock
from shipper.commit.database import FILE_NAME
from shipper.errors import UsageError
from shipper.events_log import EventsLog, silent
from shipper.fleet.ledgers import Notes
from shipper.overview import agent_runs
from shipper.reload.accepted import pipelines_in_force
from shipper.send.outputs import open_ledger, open_output, open_to_read
from shipper.start import datasets

_UNTOLD = "Dead letters cannot be told from missing lines without a state or ledger documents."
_NO_AGENT = "No agent is running here: what is pending waits for the next `shipper run`."


@click.command("audit", short_help="Prove that every line on disk is in the index, or name those that are not.")
@audit_options
@foreign_options
@fleet_options
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES]...")
def command(
    *,
    json_wanted: bool,
    html: Path | None,
    fail_on: str | None,
    merge: bool,
    files: tuple[Path, ...],
    **options: Any,
) -> int:
    """Compare the files of this host, the agent's ledger and the index, line by line. Nothing is changed.

    --repair --apply creates missing documents again from the files, and deletes the further documents of an id that is
    in several indices where all are equal, after writing them to a file; it overwrites nothing. Lines that an agent has
    not shipped yet are pending, which is no fault.

    Exit codes: 0 closed; 1 there are findings; 2 wrong usage or configuration; 3 something could not be proved.
    """
    if fleet := fleet_asked(options, files=files, merge=merge):
        return audit_fleet(fleet, kinds_to_fail_on(fail_on), json_wanted=json_wanted, html=html)
    if foreign := taken_from(options, html=html, merge=merge, fail_on=fail_on):
        paths = [*options["paths"], *map(str, files)]
        return audit_against(foreign, options["path"], options["inputs"], paths, json_wanted=json_wanted)
    kinds = kinds_to_fail_on(fail_on)
    if files and not merge:
        raise UsageError(f"{files[0]}: files are read only with --merge. To audit single logs, use --path.")
    if merge and options["resume"] is not None:
        raise UsageError("--resume does not go together with --merge.")
    report = read_reports(files) if merge else _audited(Options(**options), Telling(json_wanted, html, fail_on))
    if Kind.INCOMPLETE_VALUE in kinds:
        outcome = report.outcome
        outcome.findings += [value for value in outcome.incomplete_values if value not in outcome.findings]
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if json_wanted:
        click.echo(json.dumps(as_document(report)))
    else:
        _say(as_text(report))
    return report.outcome.exit_code_for(kinds)


def _audited(options: Options, telling: Telling) -> Report:
    """The report of an audit."""
    clock, events = SystemClock(), EventsLog(silent)
    wanted = asked(options, clock.time())
    settings, request = wanted.settings, wanted.request
    open_ = open_output if options.apply_wanted else open_to_read
    again = [*telling.words, *options.repair_words()]
    with (
        pipelines_in_force(settings, use_state=request.use_state) as pipelines,
        closing(open_(settings.output, datasets(settings, pipelines), clock, events)) as output,
        kept_progress(wanted, options.resume, again, clock.time()) as journal,
    ):
        wait = _waiting("what is missing may be under way")
        notes = Notes(settings.host, lambda: open_ledger(settings.output, events))
        auditor = Auditor(
            settings, pipelines, output, clock.time, wait, journal, notes, partial(agent_runs, settings.state)
        )
        if request.use_state and not (settings.state / FILE_NAME).exists():
            _say([f"There is no state in {settings.state}: the files and the index alone are compared."], err=True)
        looked = _look(auditor, wanted, options)
        outcome = looked.outcome
        _say(_remarks(wanted, outcome, notes.trouble), err=True)
        if request.reads_files:
            outcome.incomplete_values = auditor.incomplete_values(request)
        timeline = auditor.timeline(request, outcome) if telling.dated else None
    about = replace(_about(wanted, outcome, clock.time()), resumed=journal.resumed)
    return Report(outcome, (about,), timeline, looked.plan, looked.repaired)


def _remarks(wanted: Asked, outcome: Outcome, trouble: str) -> Iterator[str]:
    """What the report does not say; `trouble` is why ledger documents say nothing, where they were asked."""
    settings, request = wanted.settings, wanted.request
    if request.reads_files:
        yield from without_files(request.chosen(settings.inputs))
    if request.use_state and outcome.pending and not agent_runs(settings.state):
        yield _NO_AGENT
    if trouble and any(finding.cause is Cause.NOT_IN_INDEX for finding in outcome.findings):
        yield f"{_UNTOLD} {trouble}"


class _Looked(NamedTuple):
    outcome: Outcome
    plan: Plan | None = None
    repaired: Repaired | None = None


def _look(auditor: Auditor, wanted: Asked, options: Options) -> _Looked:
    """Audit, and, if it is wanted, repair and audit again."""
    request = wanted.request
    with progress_of(request.level) as progress:
        outcome = auditor.audit(request, progress)
    if options.paths and not (outcome.files or outcome.findings or outcome.vouched.lines):
        raise UsageError(f"--path {' '.join(options.paths)}: no file of the inputs matches.")
    if not options.repair:
        return _Looked(outcome)
    chosen = plan(outcome)
    _say(plan_text(chosen), err=True)
    if chosen.left and request.level is Level.LEDGER:
        deeper = f"{wanted.command.replace(LEDGER_WORDS, '')} --repair --apply"
        told = "The ledger alone does not tell which lines these are. From the files they are repaired by:"
        _say([f"{told} {deeper}"], err=True)
    if not options.apply_wanted:
        return _Looked(outcome, chosen)
    repaired = _repair(auditor, wanted, options, chosen)
    with progress_of(request.level) as progress:
        again = auditor.audit(request, progress)
    _say(hidden(repaired, again.findings), err=True)
    return _Looked(again, chosen, repaired)


def _repair(auditor: Auditor, wanted: Asked, options: Options, chosen: Plan) -> Repaired:
    limit = MAX_DELETE if options.max_delete is None else options.max_delete
    chosen.check(limit)
    context = auditor.context(wanted.request)
    families, _ = auditor.families(wanted.request, context)
    kept = (
        options.deleted or wanted.settings.state / "repairs" / f"deleted-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.ndjson"
    )
    if chosen.delete:
        _say([f"What is deleted is written to {kept} before."], err=True)
    wait = _waiting("the output did not take everything yet")
    repaired = Repairer(context, wait, kept, limit).apply(chosen, families)
    _say(repaired_text(repaired), err=True)
    return repaired


def _about(wanted: Asked, outcome: Outcome, now: float) -> Audited:
    window = wanted.request.window
    return Audited(
        host=wanted.settings.host,
        inputs=wanted.request.inputs or tuple(item.name for item in wanted.settings.inputs),
        level=wanted.request.level.value,
        at=iso(now),
        files=outcome.files,
        vouched_lines=outcome.vouched.lines,
        command=wanted.command,
        since=None if window.since is None else iso(window.since),
        until=None if window.until is None else iso(window.until),
        folder=None if wanted.folder is None else str(wanted.folder),
    )


def _waiting(reason: str) -> Callable[[float], None]:
    """Waits, and says so: a command that is silent for a minute looks dead."""

    def wait(seconds: float) -> None:
        _say([f"Waiting {seconds:.0f} s: {reason}."], err=True)
        time.sleep(seconds)

    return wait


def _say(lines: Iterator[str] | list[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(visible(line), err=err)
