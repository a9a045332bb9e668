"""`shipper state`: look at the agent's memory, check it, put a copy back, make it anew."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click

from shipper.cli import DEFAULT_CONFIGURATION, state_import
from shipper.cli.console import console, moment, size_text, visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.commit import copies, pins
from shipper.commit.database import exists
from shipper.commit.state import State
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, silent
from shipper.overview import looking
from shipper.rebuild import Rebuilt, rebuild
from shipper.records import FileRow
from shipper.reload.accepted import pipelines_in_force
from shipper.send.outputs import open_to_read
from shipper.settings import Settings
from shipper.start import datasets, locked, machine_id
from shipper.verify import Verified, verify
from shipper.wording import counted

_configuration = click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group("state", short_help="Show, check, restore, rebuild the agent's memory, or take over another's.")
def command() -> None:
    """The agent's memory: which files there are, how far each is settled, what became of its lines, dead letters.

    Commands that change it need it for themselves: stop the agent first.
    """


@command.command("show", short_help="What it holds.")
@_configuration
@_as_json
def show_command(path: Path, *, as_json: bool) -> int:
    """Show what the state holds, also while the agent runs."""
    answer = _shown(configuration(path))
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return Exit.CLEAN
    out = console(sys.stdout)
    for key, value in answer.items():
        text = ", ".join(f"{name} {count:,}" for name, count in value.items()) if isinstance(value, dict) else value
        lines = text if isinstance(text, list) else [text]
        for line in lines or [""]:
            out.print(f"{key.replace('_', ' ')}: {visible(str(line)) or 'none'}")
    return Exit.CLEAN


@command.command("verify", short_help="Check it, in itself and against the files.")
@_configuration
@_as_json
def verify_command(path: Path, *, as_json: bool) -> int:
    """Check the state: every page of its file; that the ledger of each log file adds up to its checkpoint; that the
    definitions it was parsed by are there; and, for files that are still there, that their lines below the checkpoint
    are those that the ledger counts. Changes nothing; the agent may run. Whether the documents are in the output is
    the business of `shipper audit`.

    Exit codes: 0 sound; 1 something is wrong; 3 the state cannot be read.
    """
    settings = configuration(path)
    found = verify(settings.state, settings.host)
    if found is None:
        raise UsageError(f"{settings.state}: there is no state to verify.")
    if as_json:
        faults = [fault._asdict() for fault in found.faults]
        click.echo(json.dumps({"verdict": _verdict(found), **asdict(found), "faults": faults}, indent=2))
    else:
        _print_verified(found)
    return Exit.FINDINGS if found.faults else Exit.CLEAN


@command.command("restore", short_help="Put a copy back.")
@_configuration
@_as_json
@click.argument("copy", metavar="[FILE]", type=click.Path(path_type=Path), required=False)
def restore_command(path: Path, copy: Path | None, *, as_json: bool) -> int:
    """Put a copy of the state back, by default the one that the agent keeps every day.

    The copy is checked first. The state that is there is kept under another name. What was shipped since the copy
    was made is read again and recognised in the output by its ids.
    """
    settings = configuration(path)
    source = copy or settings.state / copies.COPY_NAME
    if not source.is_file():
        raise UsageError(f"{source}: there is no such copy. `shipper state rebuild` needs none.")
    with locked(settings.state):
        kept = copies.restore(settings.state, source, time.time())
    if as_json:
        click.echo(json.dumps({"restored": str(source), "kept": _text(kept)}, indent=2))
    else:
        click.echo(f"{visible(str(source))} is the state now.{_kept(kept)}")
    return Exit.CLEAN


@command.command("rebuild", short_help="Make it anew from the files and the output.")
@_configuration
@_as_json
def rebuild_command(path: Path, *, as_json: bool) -> int:
    """Make the state anew from the files on disk and the documents in the output.

    Every file is read and parsed again, and nothing is sent: a document that the output holds counts as stored, and
    checkpoints stop before the first that it does not hold. The state that is there is kept under another name.

    It cannot know what only the old one knew: dead letters, which the next run sends, and has refused, once more;
    lines that were filtered of files that are gone.

    Exit codes: 0 everything on disk is settled, and everything in the output is on disk; 1 the next run has something
    to send, or files are gone; 3 the output does not answer, or an agent runs.
    """
    settings = configuration(path)
    with pipelines_in_force(settings, use_state=False) as pipelines:
        known = datasets(settings, pipelines)
    with closing(open_to_read(settings.output, known, SystemClock(), EventsLog(silent))) as output:
        found = rebuild(settings, output)
    if as_json:
        click.echo(json.dumps({**asdict(found), "kept": _text(found.kept)}, indent=2))
    else:
        _print_rebuilt(found)
    return Exit.FINDINGS if found.absent or found.gone else Exit.CLEAN


@command.command("forget", short_help="Drop what it knows of files that are gone.")
@_configuration
@_as_json
@_yes
@click.argument("names", metavar="PATH|FINGERPRINT...", nargs=-1, required=True)
def forget_command(path: Path, names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    """Drop the rows of files that are gone, by path (wildcards may be used) or by fingerprint.

    The agent does so by itself after `forget_after`. What was stored of them stays known to the audit. Contents of
    which a file is still there, or with dead letters that wait, are refused.
    """
    settings = configuration(path)
    _check_exists(settings)  # an empty one, made now, would hide from the agent that its own is lost
    with locked(settings.state), closing(State.open(settings.state, settings.host)) as state:
        state.look_at_output(state.output_in_use() or "")
        chosen = _forgettable(state, names)
        if not yes:
            click.confirm(f"Forget {counted(len(chosen), 'content')}?", abort=True, err=True)
        rows = state.absences.drop(chosen)
    if as_json:
        click.echo(json.dumps({"forgotten": sorted(chosen), "rows": rows}, indent=2))
    else:
        click.echo(f"{counted(len(chosen), 'content')} forgotten, {counted(rows, 'row')} dropped.")
    return Exit.CLEAN


@command.command("adopt", short_help="Go on, on this machine, with the state of another one.")
@_configuration
@_as_json
def adopt_command(path: Path, *, as_json: bool) -> int:
    """Record that this is the machine that ships with this state from now on: the host was moved, or installed anew.

    Not for a copy of a machine that goes on shipping: that one needs a `host` and a state of its own.
    """
    settings = configuration(path)
    _check_exists(settings)
    with locked(settings.state), closing(State.open(settings.state, settings.host)) as state:
        machine = {pins.MACHINE: machine_id()}
        before = state.pins().get(pins.MACHINE, "")
        state.pin(machine)
    if as_json:
        click.echo(json.dumps({"machine": machine[pins.MACHINE], "before": before}, indent=2))
    else:
        click.echo(f"{visible(str(settings.state))} is the state of this machine now.")
    return Exit.CLEAN


command.add_command(state_import.command)


def _shown(settings: Settings) -> dict[str, Any]:
    with looking(settings) as seen:
        if seen is None:
            raise _no_state(settings)
        state, output = seen
        rows, pins = state.files.all(), state.pins()
        backup = settings.state / copies.COPY_NAME
        return {
            "file": str(state.path),
            "size": size_text(state.path.stat().st_size),
            "schema": state.schema,
            "host": pins.get("host", ""),
            "outputs": [f"{name} (in use)" if name == output else name for name in state.outputs()],
            "files": dict(Counter(row.input for row in rows)),
            "rows": state.rows(),
            "dead_letters": state.dead_letters.waiting(),
            "copy": f"{backup} of {moment(backup.stat().st_mtime)}" if backup.exists() else "none yet",
        }


def _check_exists(settings: Settings) -> None:
    """Raise UsageError where there is no state to change."""
    if not exists(settings.state):
        raise _no_state(settings)


def _no_state(settings: Settings) -> UsageError:
    return UsageError(f"{settings.state}: there is no state. The agent makes it at its first run.")


def _forgettable(state: State, names: Sequence[str]) -> set[str]:
    """The fingerprints that are meant. Raises UsageError where one must stay."""
    rows = state.files.all()
    chosen = {row.fingerprint for name in names for row in _meant(rows, name)}
    waiting = {letter.refusal.document.source.fingerprint for letter in state.dead_letters.all()}
    for row in rows:
        if row.fingerprint in chosen and Path(row.current_path).exists():
            raise UsageError(f"{row.current_path}: this file is there, so it is not forgotten. Nothing was changed.")
        if row.fingerprint in chosen & waiting:
            raise UsageError(
                f"{row.current_path}: dead letters of it wait. Retry or discard them first; nothing was changed."
            )
    return chosen


def _meant(rows: Sequence[FileRow], name: str) -> list[FileRow]:
    found = [row for row in rows if row.fingerprint == name or fnmatch(row.current_path, name)]
    if not found:
        raise UsageError(f"{name}: the state knows no file of this path or fingerprint; `shipper status` lists them.")
    return found


def _verdict(found: Verified) -> str:
    return "faults" if found.faults else "sound"


def _print_verified(found: Verified) -> None:
    out = console(sys.stdout)
    for fault in found.faults:
        place = f"{visible(fault.path)}: " if fault.path else ""
        out.print(f"{place}{visible(fault.problem)}")
    out.print(
        f"{'The state is sound.' if not found.faults else counted(len(found.faults), 'fault') + '.'} "
        f"{counted(found.files, 'file')}, {counted(found.outputs, 'output')}; {found.read_again:,} read again, "
        f"{found.unproved:,} gone or rewritten, so that nothing can be said of them."
    )
    if found.faults:
        out.print("Ways out: `shipper state restore`, `shipper state rebuild`; then `shipper audit`.")


def _print_rebuilt(found: Rebuilt) -> None:
    out = console(sys.stdout)
    out.print(
        f"The state is made anew: {counted(found.files, 'file')}, {counted(found.lines, 'line')} below the "
        f"checkpoints, {counted(found.recognised, 'document')} recognised.{_kept(found.kept)}"
    )
    if found.absent:
        out.print(f"{counted(found.absent, 'document')} not in the output: the next run sends them.")
    if found.gone:
        out.print(f"The output holds {counted(found.gone, 'content')} of which no file is left to prove it.")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _kept(path: Path | None) -> str:
    return f" The one before is kept as {visible(str(path))}." if path else ""
