"""`shipper audit --fleet`: all hosts of an index, from anywhere; it needs a configuration with an output, no more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from shipper.audit.context import Level
from shipper.audit.findings import Kind
from shipper.audit.report.document import Report, as_document
from shipper.audit.report.html import page
from shipper.cli.console import visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.config.models import Asking
from shipper.config.units import duration
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, silent
from shipper.fleet.report import as_documents, as_text, audited
from shipper.fleet.survey import Fleet, Survey, shipped
from shipper.fleet.watch import SILENT_AFTER
from shipper.send.outputs import open_ledger, open_to_read

_OPTIONS = (
    click.option(
        "--fleet", is_flag=True,
        help="Audit all hosts of the index by the ledgers that their agents leave there; with --host, one of them. "
        "Needs a configuration with an output only.",
    ),
    click.option(
        "--silent-after", metavar="TIME",
        help=f"With --fleet: how long an agent may give no sign of life.  [default: {SILENT_AFTER:.0f}s]",
    ),
    click.option(
        "--retired", metavar="HOST", multiple=True,
        help="With --fleet: a host that is gone for good may be silent; its lines are compared as before. May be "
        "repeated.",
    ),
)  # fmt: skip
_NOT_FLEET = (
    "against", "inputs", "paths", "since", "until", "no_state", "resume", "repair", "apply_wanted", "max_delete",
    "deleted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of the fleet."""

    path: Path
    silent_after: float
    hosts: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


def fleet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `--fleet`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def fleet_asked(options: dict[str, Any], *, files: Collection[Path], merge: bool) -> Asked | None:
    """What was given for `--fleet`, taken out of the options; None if it was not wanted.

    Raises UsageError for what belongs to only one of the two kinds of audit.
    """
    wanted, silent_after, retired = options.pop("fleet"), options.pop("silent_after"), options.pop("retired")
    if not wanted:
        if silent_after is not None:
            raise UsageError("--silent-after says when a host is silent: it needs --fleet.")
        if retired:
            raise UsageError("--retired says which hosts may be silent: it needs --fleet.")
        return None
    given = [name for name in _NOT_FLEET if options[name] not in (None, False, ())]
    given += ["level"] * (options["level"] != Level.DISK) + ["merge"] * (merge or bool(files))
    if given:
        name = given[0].removesuffix("_wanted").replace("_", "-")
        name = {"inputs": "input", "paths": "path"}.get(name, name)
        raise UsageError(f"--{name} does not go together with --fleet.")
    try:
        seconds = SILENT_AFTER if silent_after is None else duration(silent_after)
    except ValueError as error:
        raise UsageError(f"--silent-after {silent_after}: {error}") from error
    return Asked(options["path"], seconds, (options["host"],) if options["host"] else (), retired)


def audit_fleet(asked: Asked, kinds: Collection[Kind], *, json_wanted: bool, html: Path | None) -> Exit:
    """Look at all hosts and tell; the exit code for somebody whom findings of these kinds concern."""
    clock = SystemClock()
    fleet = _surveyed(asked, clock)
    report = Report(fleet.outcome, audited(fleet, clock.time()))
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if json_wanted:
        click.echo(json.dumps({**as_document(report), "hosts": as_documents(fleet)}))
    else:
        for line in as_text(fleet):
            click.echo(visible(line))
    return fleet.outcome.exit_code_for(kinds)


def _surveyed(asked: Asked, clock: SystemClock) -> Fleet:
    settings = configuration(asked.path, model=Asking)
    events = EventsLog(silent)
    with (
        closing(open_ledger(settings.output, events)) as index,
        # What it is told of, it makes sure that it may see.
        closing(open_to_read(settings.output, shipped(index), clock, events)) as output,
    ):
        fleet = Survey(index, output, clock.time, _waiting(), asked.silent_after, asked.retired).run(asked.hosts)
    missing = set(asked.hosts) - {view.host for view in fleet.hosts}
    if missing:
        raise UsageError(f"--host {missing.pop()}: neither the index nor a ledger knows this host.")
    return fleet


def _waiting() -> Callable[[float], None]:
    """Waits, and says so once."""
    said = False

    def wait(seconds: float) -> None:
        nonlocal said
        if not said:
            click.echo("Waiting up to two minutes for the next reports of hosts whose files have just begun.", err=True)
        said = True
        time.sleep(seconds)

    return wait
