"""`shipper reload`: make the running agent look at pattern and pipeline files now."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from contextlib import closing
from pathlib import Path

import click

from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import console, visible
from shipper.cli.outputs import configuration
from shipper.clock import Bell, SystemClock
from shipper.commit.state import State
from shipper.errors import Exit, StateError
from shipper.overview import agent_runs
from shipper.reload.requests import Request, Row, Verdict, answer_to, leave_request
from shipper.settings import Settings

PATIENCE = 120.0
"""Seconds that an agent may take to answer: it ends its pass over the files first."""
LOOK_AGAIN = 0.1
"""Seconds between two looks for the answer."""


@click.command("reload", short_help="Make the running agent look at changed patterns and pipelines now.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--wait", is_flag=True, help="Wait for the answer and print it.")
@click.option("--accept", metavar="VERSION", help="Take this version although it parses recent lines worse.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; waits for the answer.")
def command(path: Path, *, wait: bool, accept: str | None, as_json: bool) -> int:
    """Make the running agent look at pattern and pipeline files at once.

    Changed definitions are tried on their samples and on recent lines, and refused if they are worse; a wanted change
    is taken with --accept. The agent looks by itself, too, at every rescan.

    Exit codes: 0 asked, or with --wait: taken, or nothing had changed; 1 something was refused; 2 wrong usage or
    configuration; 3 no agent runs, or it did not answer.
    """
    settings = configuration(path)
    request = Request(str(uuid.uuid4()), accept)
    _ask(settings, request)
    if not (wait or as_json):
        click.echo("The agent was asked. What becomes of it is shown by --wait, and by: shipper status")
        return Exit.CLEAN
    rows = _answer(settings, request)
    if as_json:
        click.echo(json.dumps({"id": request.id, "inputs": [row._asdict() for row in rows]}, indent=2))
    else:
        _print(rows)
    unmet = accept is not None and not any((row.new or "").startswith(accept) for row in rows)
    if unmet:
        click.echo(f"No file on disk makes version {accept}; `shipper status` names what was refused.", err=True)
    return Exit.FINDINGS if unmet or any(row.verdict is Verdict.REFUSED for row in rows) else Exit.CLEAN


def _ask(settings: Settings, request: Request) -> None:
    if not agent_runs(settings.state):
        if request.accept is None:
            raise StateError(f"{settings.state}: no agent runs on this state; it looks at the files when it starts.")
        leave_request(settings.state, request)
        raise StateError(
            f"{settings.state}: no agent runs on this state; version {request.accept} is accepted when one starts."
        )
    process = int((settings.state / "agent.pid").read_text())
    if not _takes_hang_ups(process):
        raise StateError(f"{settings.state}: process {process} holds the state and is no `shipper run` that reloads.")
    leave_request(settings.state, request)
    try:
        os.kill(process, signal.SIGHUP)
    except PermissionError as error:
        raise StateError(f"This user may not signal the agent, process {process}.") from error


def _takes_hang_ups(process: int) -> bool:
    """Whether a process has a handler for SIGHUP; another would be ended by it."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGHUP - 1) & 1)


def _answer(settings: Settings, request: Request) -> list[Row]:
    """What the agent says in the state. Raises StateError if it ends, or takes too long."""
    clock, bell = SystemClock(), Bell()
    deadline = clock.monotonic() + PATIENCE
    state = State.open_read_only(settings.state, settings.host)
    if state is None:
        raise StateError(f"{settings.state}: the agent has not made its state yet; ask again.")
    with closing(state):
        while clock.monotonic() < deadline:
            runs = agent_runs(settings.state)
            rows = answer_to(request.id, state.pins())
            if rows is not None:
                return rows
            if not runs:
                raise StateError("The agent ended before it answered.")
            clock.wait(bell, LOOK_AGAIN)
    raise StateError(f"The agent did not answer within {PATIENCE:.0f} s; `shipper status` tells what it does.")


def _print(rows: list[Row]) -> None:
    out = console(sys.stdout)
    for row in rows:
        change = row.old if row.verdict is Verdict.UNCHANGED else f"{row.old} → {row.new or 'does not compile'}"
        out.print(f"input {visible(row.input)}: pipeline {visible(row.pipeline)} {change}: {row.verdict.value}")
        for reason in row.reasons:
            out.print(f"  {visible(reason)}")
