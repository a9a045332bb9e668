"""`shipper audit`: proves that every line arrived, or names those that did not."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from shipper.audit.advice import hidden
from shipper.audit.auditor import GRACE, Auditor, Progress
from shipper.audit.context import Level
from shipper.audit.document import Audited, Report, as_document, iso
from shipper.audit.findings import Cause, Kind, Outcome
from shipper.audit.html import page
from shipper.audit.merge import read_reports
from shipper.audit.repair import MAX_DELETE, Plan, Repaired, Repairer, plan
from shipper.audit.report import LEDGER_WORDS, as_text, plan_text, repaired_text
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.against import audit_against, foreign_options, taken_from
from shipper.cli.audit_request import Asked, Options, Telling, asked, kinds_to_fail_on
from shipper.cli.audit_resume import kept_progress
from shipper.cli.checked_inputs import without_files
from shipper.cli.console import age_text, size_text, visible
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

_BYTES_PER_SECOND = {Level.LEDGER: 150 << 20, Level.DISK: 150 << 20, Level.CONTENTS: 4 << 20}
"""About what one processor reads: a number to decide whether to wait."""
_UNTOLD = "Dead letters cannot be told from missing lines without a state or ledger documents."
_NO_AGENT = "No agent is running here: what is pending waits for the next `shipper run`."
_WORTH_SAYING = 10.0
"""Seconds from which on an estimate is printed where nobody watches, too."""


@click.command("audit", short_help="Prove that every line on disk is in the index, or name those that are not.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write a page to show to others: one file that needs nothing else.",
)  # fmt: skip
@click.option("--input", "inputs", multiple=True, metavar="NAME", help="Only this input; may be given again.")
@click.option(
    "--path", "paths", multiple=True, metavar="GLOB",
    help="Only files whose path matches, or that lie below this folder; may be given again.",
)  # fmt: skip
@click.option(
    "--host", metavar="NAME",
    help="Audit the files of another host, without its state: at the paths of the configuration, or below one --path.",
)  # fmt: skip
@click.option(
    "--since", metavar="TIME",
    help="Look only at files and parts of files that may hold events of this time or later: a date, a date and time, "
    "or a time ago such as 24h. Without a zone it is local time.",
)  # fmt: skip
@click.option(
    "--until", metavar="TIME", help="As --since, for events of this time or earlier; of a date the whole day."
)
@click.option(
    "--level", type=click.Choice([level.value for level in Level]), default=Level.DISK.value, show_default=True,
    help="ledger: index against ledger (seconds); disk: read the files again (minutes); contents: make every document "
    "again and compare it (hours).",
)  # fmt: skip
@click.option(
    "--no-state", is_flag=True,
    help="Do not use the agent's state: disk against index alone; dead letters by the ledger documents in the output.",
)  # fmt: skip
@click.option(
    "--grace", default=f"{GRACE:.0f}s", show_default=True, metavar="TIME",
    help="With --no-state: how long after its last change the end of a file may still be under way.",
)  # fmt: skip
@click.option("--repair", is_flag=True, help="Print what a repair would send again or delete.")
@click.option("--apply", "apply_wanted", is_flag=True, help="With --repair: do it, then audit again.")
@click.option(
    "--max-delete", type=click.IntRange(min=0), metavar="N",
    help=f"With --apply: change nothing if more documents would be deleted.  [default: {MAX_DELETE:,}]",
)  # fmt: skip
@click.option(
    "--deleted", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="With --apply: the new file that keeps what is deleted, one document a line; by default in the state's folder "
    "repairs.",
)  # fmt: skip
@click.option(
    "--fail-on", metavar="KINDS",
    help="Kinds of findings, separated by commas, that make the exit code 1; by default all but incomplete_value.",
)  # fmt: skip
@click.option(
    "--resume", is_flag=False, flag_value="", metavar="[FILE]",
    help="Go on with an audit that was interrupted: files that were not changed since are not read again. Its progress "
    "is kept in the state's folder, or in FILE.",
)  # fmt: skip
@click.option("--merge", is_flag=True, help="Make one report of those that --json wrote on several hosts: FILES.")
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
        auditor = Auditor(settings, pipelines, output, clock.time, wait, journal, notes)
        if request.use_state and not (settings.state / FILE_NAME).exists():
            _say([f"There is no state in {settings.state}: the files and the index alone are compared."], err=True)
        looked = _look(auditor, wanted, options)
        if request.level is not Level.LEDGER:
            _say(without_files(i for i in settings.inputs if i.name in (request.inputs or (i.name,))), err=True)
        outcome = looked.outcome
        if request.use_state and outcome.pending and not agent_runs(settings.state):
            _say([_NO_AGENT], err=True)
        if notes.trouble and any(finding.cause is Cause.NOT_IN_INDEX for finding in outcome.findings):
            _say([f"{_UNTOLD} {notes.trouble}"], err=True)
        if request.level is not Level.LEDGER:
            outcome.incomplete_values = auditor.incomplete_values(request)
        timeline = auditor.timeline(request, outcome) if telling.dated else None
    about = replace(_about(wanted, outcome, clock.time()), resumed=journal.resumed)
    return Report(outcome, (about,), timeline, looked.plan, looked.repaired)


class _Looked(NamedTuple):
    outcome: Outcome
    plan: Plan | None = None
    repaired: Repaired | None = None


def _look(auditor: Auditor, wanted: Asked, options: Options) -> _Looked:
    """Audit, and, if it is wanted, repair and audit again."""
    request = wanted.request
    with _progress(request.level) as progress:
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
    with _progress(request.level) as progress:
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


@contextmanager
def _progress(level: Level) -> Iterator[Progress]:
    """Says how long it will take; shows on a terminal how far the audit is."""
    if not sys.stderr.isatty():
        yield lambda done, of: _estimate(level, of) if not done else None
        return
    from rich.console import Console  # noqa: PLC0415  only where someone looks
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("read"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("audit", total=None)

        def show(done: int, of: int) -> None:
            if not done and of:
                bar.console.print(_estimate_text(level, of))
            bar.update(task, completed=done, total=of)

        yield show


def _estimate(level: Level, size: int) -> None:
    if size and size / _BYTES_PER_SECOND[level] > _WORTH_SAYING:
        _say([_estimate_text(level, size)], err=True)


def _estimate_text(level: Level, size: int) -> str:
    seconds = size / _BYTES_PER_SECOND[level]
    return f"About {size_text(size)} of logs are to be read: {age_text(max(seconds, 1))} or so."
