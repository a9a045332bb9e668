"""`shipper dead-letters`: what the output refused for good, why, and sending it again."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import console, moment, visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.commit.dead_letters import DeadLetter, DeadLetters
from shipper.commit.state import State
from shipper.dead_letters import Located, Retried, located, retry
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog
from shipper.operate.logs import writer_for
from shipper.overview import looking
from shipper.settings import Settings
from shipper.start import locked, without_agent
from shipper.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

_configuration = click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

_Which = Callable[[DeadLetters], list[DeadLetter]]
_ID_CONTEXT = {"ignore_unknown_options": True}
"""An id may begin with a hyphen."""


@click.group("dead-letters", short_help="List, show, send again or discard what the output refused for good.")
def command() -> None:
    """Documents that the output refused for good: their lines are safe here, with the reason.

    They count as settled: the file they come from goes on. After the cause is gone, for example a field was added to
    a mapping, `retry` stores them.
    """


@command.command("list", short_help="List them: when, where, which line, why.")
@_configuration
@_as_json
def list_command(path: Path, *, as_json: bool) -> int:
    """List the dead letters of the configured output, oldest first, also while the agent runs."""
    letters = _letters(configuration(path))
    if as_json:
        click.echo(json.dumps({"dead_letters": [_row(letter) for letter in letters]}, indent=2))
    elif letters:
        console(sys.stdout).print(_table(letters))
    else:
        click.echo("There are no dead letters.")
    return Exit.CLEAN


@command.command("show", short_help="Show one with its whole document.", context_settings=_ID_CONTEXT)
@_configuration
@_as_json
@click.argument("identifier", metavar="ID")
def show_command(path: Path, identifier: str, *, as_json: bool) -> int:
    """Show a dead letter: reason, place of its line, and the document as it was to be stored."""
    (found,) = _chosen(_letters(configuration(path)), [identifier])
    answer = _row(found) | _details(found)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return Exit.CLEAN
    out = console(sys.stdout)
    for key, value in answer.items():
        text = json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else str(value)
        out.print(f"{key}: " + "\n".join(visible(line) for line in text.splitlines()))
    return Exit.CLEAN


@command.command("retry", short_help="Send them again.", context_settings=_ID_CONTEXT)
@_configuration
@_as_json
@click.option("--all", "everything", is_flag=True, help="All dead letters of the configured output.")
@click.argument("identifiers", metavar="[ID]...", nargs=-1)
def retry_command(path: Path, identifiers: Sequence[str], *, everything: bool, as_json: bool) -> int:
    """Send dead letters again, unchanged. What is stored then counts as stored; the rest stays with its reason.

    The text of discarded ones is gone; should the output hold one all the same, it counts as stored, too.

    The agent must not run meanwhile: it holds the state.

    Exit codes: 0 all are stored; 1 some were refused again; 3 the output is away or an agent runs.
    """
    if everything == bool(identifiers):
        raise UsageError("Name the ids of dead letters, or give --all; `shipper dead-letters list` shows them.")
    found = _retry(configuration(path), identifiers, everything=everything)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        _print_retried(found)
    if found.undelivered:
        return Exit.UNFINISHED
    return Exit.FINDINGS if found.refused or (identifiers and found.given_up) else Exit.CLEAN


@command.command("discard", short_help="Give them up.", context_settings=_ID_CONTEXT)
@_configuration
@_as_json
@click.option("--all", "everything", is_flag=True, help="All dead letters of the configured output.")
@click.option("--category", metavar="NAME", help="Those of a category, for example `mapping`.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("identifiers", metavar="[ID]...", nargs=-1)
def discard_command(
    path: Path, identifiers: Sequence[str], *, everything: bool, category: str | None, yes: bool, as_json: bool
) -> int:
    """Give dead letters up for good: their text is dropped from the state, and makes room.

    They were never stored, and will not be. Their lines still count as dead letters in `status` and for the audit; in
    the log files nothing changes. The agent must not run meanwhile: it holds the state.
    """
    if sum((everything, bool(category), bool(identifiers))) != 1:
        raise UsageError("Name the ids of dead letters, or give --category NAME, or --all.")
    settings = configuration(path)
    letters = _letters(settings)
    wanted = [found for found in letters if everything or found.letter.refusal.category == category]
    names = [found.letter.refusal.document.id for found in (_chosen(letters, identifiers) if identifiers else wanted)]
    if category and not names:
        known = ", ".join(sorted({found.letter.refusal.category for found in letters})) or "none"
        raise UsageError(f"--category {category}: there are no such dead letters. There are: {known}.")
    if names and not yes:
        click.confirm(f"{counted(len(names), 'document')} will never be stored. Discard?", abort=True, err=True)
    discarded = _discard(settings, names) if names else 0
    if as_json:
        click.echo(json.dumps({"discarded": discarded}, indent=2))
    else:
        click.echo(f"{discarded:,} discarded.")
    return Exit.CLEAN


def _discard(settings: Settings, names: Sequence[str]) -> int:
    with locked(settings.state), closing(State.open(settings.state, settings.host)) as state:
        output = state.output_in_use()
        assert output is not None, "there are dead letters, so there was an output"
        state.look_at_output(output)
        return state.dead_letters.discard(names)


def _letters(settings: Settings, which: _Which = DeadLetters.all) -> list[Located]:
    with looking(settings) as seen:
        if seen is None:
            return []
        state, _ = seen
        return located(which(state.dead_letters), state.files.all())


def _chosen(letters: Sequence[Located], identifiers: Sequence[str]) -> list[Located]:
    by_id = {found.letter.refusal.document.id: found for found in letters}
    unknown = [name for name in identifiers if name not in by_id]
    if unknown:
        raise UsageError(f"There is no dead letter {', '.join(unknown)}; `shipper dead-letters list` shows all.")
    return [by_id[name] for name in dict.fromkeys(identifiers)]


def _retry(settings: Settings, identifiers: Sequence[str], *, everything: bool) -> Retried:
    letters = _letters(settings, DeadLetters.with_discarded)
    wanted = letters if everything else _chosen(letters, identifiers)
    if not wanted:
        return Retried()
    clock, events = SystemClock(), EventsLog(writer_for(sys.stderr, os.environ, time.time))
    with without_agent(settings, clock, events) as (_, state, output):
        if not state.look_at_output(output.identity):
            raise UsageError(f"The dead letters are not for the configured output {output.identity}.")
        # Read once more: an agent may have run between the look and the lock.
        names = {found.letter.refusal.document.id for found in wanted}
        present = [letter for letter in state.dead_letters.with_discarded() if letter.refusal.document.id in names]
        return retry(present, state, output, settings, clock, random.random)


def _row(found: Located) -> dict[str, Any]:
    document, category, reason = found.letter.refusal
    return {
        "id": document.id,
        "refused_at": moment(found.letter.refused_at),
        "input": document.source.input,
        "path": found.path,
        "line": found.line,
        "offset": document.offset,
        "category": category,
        "reason": reason,
        "text": _text(found.letter),
    }


def _details(found: Located) -> dict[str, Any]:
    document = found.letter.refusal.document
    return {
        "index": document.index,
        "pipeline": document.pipeline,
        "lines": document.tally.lines,
        "bytes": document.tally.bytes,
        "document": orjson.loads(document.body),
    }


def _text(letter: DeadLetter) -> str:
    """The event's text as it was to be stored: redacted."""
    return str(orjson.loads(letter.refusal.document.body).get("message", ""))


def _table(letters: Sequence[Located]) -> Table:
    from rich.table import Table  # noqa: PLC0415  only where a person reads

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for name in ("id", "refused at", "category", "file:line", "reason", "text"):
        table.add_column(name, overflow="fold")
    for found in letters:
        row = _row(found)
        place = f"{row['path']}:{row['line']}" if row["line"] else f"{row['path']} at byte {row['offset']}"
        table.add_row(
            row["id"], row["refused_at"], *(visible(t) for t in (row["category"], place, row["reason"], row["text"]))
        )
    return table


def _print_retried(found: Retried) -> None:
    out = console(sys.stdout)
    out.print(
        f"{len(found.stored)} stored, {len(found.refused)} refused again, {len(found.undelivered)} not delivered."
    )
    for name, reason in (found.refused | found.undelivered).items():
        out.print(f"{name}: {visible(reason)}")
    if found.given_up:
        out.print(f"{counted(len(found.given_up), 'document')} discarded before: the output holds none of them.")
