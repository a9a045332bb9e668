"""`shipper audit`: proves that every line arrived, or names those that did not."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from shipper import config
from shipper.audit.auditor import GRACE, Auditor, Progress, Request
from shipper.audit.context import Level
from shipper.audit.findings import Outcome
from shipper.audit.repair import Repaired, Repairer, plan
from shipper.audit.report import as_json, as_text, plan_text
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import visible
from shipper.clock import SystemClock
from shipper.commit.database import FILE_NAME
from shipper.config.units import duration
from shipper.errors import UsageError
from shipper.events_log import EventsLog, silent
from shipper.reload.accepted import pipelines_in_force
from shipper.send.outputs import open_output, open_to_read
from shipper.settings import ElasticsearchSettings, Settings
from shipper.start import datasets


@click.command("audit", short_help="Prove that every line on disk is in the index, or name those that are not.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document.")
@click.option("--input", "inputs", multiple=True, metavar="NAME", help="Only this input; may be given again.")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Only files whose path matches; again for more.")
@click.option(
    "--level", type=click.Choice([level.value for level in Level]), default=Level.DISK.value, show_default=True,
    help="ledger: index against ledger (seconds); disk: read the files again (minutes); contents: make every document "
    "again and compare it (hours).",
)  # fmt: skip
@click.option("--no-state", is_flag=True, help="Do not use the agent's state: disk against index alone.")
@click.option(
    "--grace", default=f"{GRACE:.0f}s", show_default=True, metavar="TIME",
    help="With --no-state: how long after its last change the end of a file may still be under way.",
)  # fmt: skip
@click.option("--repair", is_flag=True, help="Print what a repair would send again.")
@click.option("--apply", "apply_wanted", is_flag=True, help="With --repair: do it, then audit again.")
def command(
    path: Path,
    *,
    json_wanted: bool,
    inputs: tuple[str, ...],
    paths: tuple[str, ...],
    level: str,
    no_state: bool,
    grace: str,
    repair: bool,
    apply_wanted: bool,
) -> int:
    """Compare the files of this host, the agent's ledger and the index, line by line. Nothing is changed.

    --repair --apply creates missing documents again from the files; it deletes and overwrites nothing. Lines that an
    agent has not shipped yet are pending, which is no fault.

    Exit codes: 0 closed; 1 there are findings; 2 wrong usage or configuration; 3 something could not be proved.
    """
    settings = config.load(path)
    if apply_wanted and not repair:
        raise UsageError("--apply carries out a repair: it needs --repair.")
    if repair and level == Level.LEDGER:
        raise UsageError("--repair needs the files: use --level disk or contents.")
    request = Request(
        level=Level(level),
        use_state=not no_state,
        inputs=_known(settings, inputs),
        paths=paths,
        grace=_duration(grace),
        settle=settings.output.deadline if isinstance(settings.output, ElasticsearchSettings) else 0.0,
    )
    outcome = _audit(settings, request, repair=repair, apply_wanted=apply_wanted)
    if json_wanted:
        click.echo(json.dumps(as_json(outcome)))
    else:
        _say(as_text(outcome, _command_line(path, request)))
    return outcome.exit_code


def _audit(settings: Settings, request: Request, *, repair: bool, apply_wanted: bool) -> Outcome:
    clock, events = SystemClock(), EventsLog(silent)
    open_ = open_output if apply_wanted else open_to_read
    with (
        pipelines_in_force(settings, use_state=request.use_state) as pipelines,
        closing(open_(settings.output, datasets(settings, pipelines), clock, events)) as output,
    ):
        auditor = Auditor(settings, pipelines, output, clock.time, _waiting("what is missing may be under way"))
        if request.use_state and not (settings.state / FILE_NAME).exists():
            _say([f"There is no state in {settings.state}: the files and the index alone are compared."], err=True)
        with _progress() as progress:
            outcome = auditor.audit(request, progress)
        if request.paths and not (outcome.files or outcome.findings or outcome.vouched.lines):
            raise UsageError(f"--path {' '.join(request.paths)}: no file of the inputs matches.")
        if not repair:
            return outcome
        chosen = plan(outcome)
        _say(plan_text(chosen), err=True)
        if not apply_wanted:
            return outcome
        context = auditor.context(request)
        families, _ = auditor.families(request, context)
        _tell(Repairer(context, _waiting("the output did not take everything yet")).apply(chosen, families))
        with _progress() as progress:
            return auditor.audit(request, progress)


def _waiting(reason: str) -> Callable[[float], None]:
    """Waits, and says so: a command that is silent for a minute looks dead."""

    def wait(seconds: float) -> None:
        _say([f"Waiting {seconds:.0f} s: {reason}."], err=True)
        time.sleep(seconds)

    return wait


def _tell(repaired: Repaired) -> None:
    done = f"Repaired: {repaired.stored:,} documents stored, {repaired.already_stored:,} were there already."
    _say([done, *(f"  refused: {reason}" for reason in repaired.refused)], err=True)


def _say(lines: Iterator[str] | list[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(visible(line), err=err)


def _known(settings: Settings, names: tuple[str, ...]) -> tuple[str, ...]:
    allowed = [item.name for item in settings.inputs]
    for name in names:
        if name not in allowed:
            raise UsageError(f"--input {name}: there is no such input. The configuration has {', '.join(allowed)}.")
    return names


def _duration(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"--grace {text}: {error}") from error


def _command_line(path: Path, request: Request) -> str:
    parts = [f"shipper audit -c {path}"]
    parts += [f"--input {name}" for name in request.inputs] + [f"--path '{glob}'" for glob in request.paths]
    if request.level is not Level.DISK:
        parts.append(f"--level {request.level.value}")
    if not request.use_state:
        parts.append("--no-state")
    return " ".join(parts)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Shows on a terminal how far the audit is; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda done, of: None  # noqa: ARG005
        return
    from rich.console import Console  # noqa: PLC0415  only where someone looks
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("files"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("audit", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
