"""`shipper status`: how far every file is, what stands still, and whether an agent runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from shipper import config
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import age_text, columns, console, moment, size_text, visible
from shipper.cli.outputs import each_output, output_option
from shipper.clock import Bell, SystemClock
from shipper.errors import Exit, UsageError
from shipper.operate.status import FileStatus
from shipper.operate.totals import Totals
from shipper.overview import Overview, agent_runs, overview
from shipper.settings import Settings
from shipper.wording import counted

WATCH_INTERVAL = 2.0
"""Seconds between two looks of `--watch`."""
MOST_FILES = 20
"""Files that are shown without `--all`."""
_NOT_NEEDED = [("patterns_dir",), ("pipelines_dir",), ("output",)]
"""Keys by which nothing is shown: an agent that runs goes on when a folder or a key file has gone, and so does this."""


@click.command("status", short_help="Show files, lag, stalls and dead letters, also while the agent runs.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with every file.")
@click.option("--watch", is_flag=True, help="Look again every two seconds until interrupted.")
@click.option("--all", "every", is_flag=True, help=f"Show every file, also where there are more than {MOST_FILES}.")
@output_option
def command(path: Path, *, as_json: bool, watch: bool, every: bool, output: str | None) -> int:
    """Show how far every file is, which stand still and why, and what was refused.

    Files that need attention come first, then those that are behind; with many files only these are shown. With
    several outputs each is shown, if none is named.

    The exit code is 1 if there is something to look at: a stall, a dead letter, bytes lost at the source, bytes that
    were unread when their file vanished, or a file that cannot be read.
    """
    if as_json and watch:
        raise UsageError("--json prints one document; it cannot be used together with --watch.")
    settings = config.load(path, leave_out=_NOT_NEEDED)
    chosen = each_output(settings, output)
    if watch:
        _watch(chosen, every=every)
    seen = {each.output_name: (overview(each), agent_runs(each.state)) for each in chosen}
    if not as_json:
        click.echo(_views(seen, every=every))
    else:
        documents = [document(found, running=running) for found, running in seen.values()]
        whole = {"outputs": [{"name": n, **d} for n, d in zip(seen, documents, strict=True)]}
        click.echo(json.dumps(whole if output is None and settings.outputs else documents[0], indent=2))
    return Exit.FINDINGS if any(worries(found, running=running) for found, running in seen.values()) else Exit.CLEAN


def worries(found: Overview, *, running: bool) -> bool:
    """Whether there is something to look at."""
    return bool(
        found.stalls or found.dead_letters or any(file.needs_attention(running=running) for file in found.files)
    )


def document(found: Overview, *, running: bool) -> dict[str, Any]:
    """The answer of `--json`."""
    return {
        "agent": "running" if running else "stopped",
        "host": found.host,
        "state": str(found.state),
        "output": found.output,
        "other_outputs": list(found.other_outputs),
        "totals": _totals(found.totals),
        "inputs": {name: _totals(each) for name, each in found.inputs.items()},
        "dead_letters": dict(found.dead_letters),
        "stalls": [{"scope": s.scope, "reason": s.reason, "since": moment(s.since)} for s in found.stalls],
        "files": [_file(file, running=running) for file in found.files],
    }


def view(found: Overview, *, running: bool, every: bool) -> str:
    """What people see."""
    ordered = sorted(found.files, key=lambda file: _urgency(file, running=running))
    pressing = [file for file in ordered if file.needs_attention(running=running) or file.behind]
    chosen = ordered if every or len(ordered) <= MOST_FILES else pressing[:MOST_FILES]
    shown = _shown(chosen, len(pressing), len(ordered))
    return "\n".join([*_head(found, running=running), *_inputs(found), *shown, *_tail(found, chosen)])


def _views(seen: Mapping[str, tuple[Overview, bool]], *, every: bool) -> str:
    """The view of each output, under its name if it has one."""
    views = [
        (f"[{name}]\n" if name else "") + view(found, running=running, every=every)
        for name, (found, running) in seen.items()
    ]
    return "\n\n".join(views)


def _watch(chosen: Sequence[Settings], *, every: bool) -> None:
    from rich.live import Live  # noqa: PLC0415  only where a person reads
    from rich.text import Text  # noqa: PLC0415

    clock, bell = SystemClock(), Bell()
    with Live(console=console(sys.stdout), auto_refresh=False) as live:
        while True:
            seen = {each.output_name: (overview(each), agent_runs(each.state)) for each in chosen}
            text = _views(seen, every=every)
            live.update(Text(text), refresh=True)
            clock.wait(bell, WATCH_INTERVAL)


def _urgency(file: FileStatus, *, running: bool) -> tuple[bool, bool, float, int, str, str]:
    """Sorts what needs attention first, then what is behind longest."""
    attention = file.needs_attention(running=running)
    return (not attention, not file.behind, -(file.waiting or 0.0), -(file.lag or 0), file.input, file.path)


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "files": totals.files,
        "states": dict(totals.states),
        "lag_bytes": totals.lag,
        "lag_seconds": round(totals.waiting, 3),
        **_fates(totals.lines),
    }


def _fates(lines: Mapping[str, int]) -> dict[str, Any]:
    """Lines by fate, nested as in the other commands."""
    return {
        "stored": lines.get("stored", 0),
        "filtered": {fate.partition(":")[2]: count for fate, count in lines.items() if fate.startswith("filtered:")},
        "dead_letters": {fate.partition(":")[2]: count for fate, count in lines.items() if fate.startswith("dead:")},
    }


def _file(file: FileStatus, *, running: bool) -> dict[str, Any]:
    error = file.error
    return {
        "input": file.input,
        "path": file.path,
        "first_path": file.first_path,
        "fingerprint": file.fingerprint or None,
        "device": file.device,
        "inode": file.inode,
        "state": file.state.value,
        "needs_attention": file.needs_attention(running=running),
        "size": file.size,
        "checkpoint": file.checkpoint,
        "lag_bytes": file.lag,
        "lag_seconds": None if file.waiting is None else round(file.waiting, 3),
        "lines": _fates(file.lines),
        "lost_bytes": file.lost_bytes,
        "pipeline": file.pipeline or None,
        "last_error": error and {"message": error.message, "at": None if error.at is None else moment(error.at)},
    }


def _head(found: Overview, *, running: bool) -> Iterator[str]:
    yield f"The agent is {'running' if running else 'stopped'} on {found.host}, state in {visible(str(found.state))}."
    if found.output is None:
        yield "Nothing was shipped yet."
    else:
        others = f"; the state also knows {', '.join(found.other_outputs)}" if found.other_outputs else ""
        yield f"Output {found.output}{others}."
    yield ""


def _inputs(found: Overview) -> Iterator[str]:
    head = ("input", "files", "behind", "oldest", "stored", "filtered", "dead", "states")
    rows = [(name, *_numbers(each), _states(each)) for name, each in found.inputs.items()]
    rows.append(("all", *_numbers(found.totals), "shared lines once"))
    yield from columns([head, *rows], numbers=range(1, 7))


def _numbers(totals: Totals) -> tuple[str, ...]:
    lag, age = size_text(totals.lag), age_text(totals.waiting) if totals.lag else "-"
    return (f"{totals.files:,}", lag, age, *_counts(totals.lines))


def _states(totals: Totals) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(totals.states.items(), key=lambda item: -item[1]))


def _counts(lines: Mapping[str, int]) -> tuple[str, str, str]:
    fates = _fates(lines)
    return (
        f"{fates['stored']:,}",
        f"{sum(fates['filtered'].values()):,}",
        f"{sum(fates['dead_letters'].values()):,}",
    )


def _shown(chosen: Sequence[FileStatus], pressing: int, files: int) -> Iterator[str]:
    """The files that are shown, and how many are not."""
    if chosen:
        yield ""
        head = ("input", "state", "size", "checkpoint", "behind", "oldest", "file")
        yield from columns([head, *map(_row, chosen)], numbers=range(2, 6))
    if pressing > len(chosen):
        yield f"… and {pressing - len(chosen):,} more that are behind or need attention; `--all` shows every file."
    elif files > len(chosen):
        yield f"{counted(files - len(chosen), 'file')} with nothing to look at; `--all` shows every file."


def _row(file: FileStatus) -> tuple[str, ...]:
    age = "-" if file.lag == 0 else age_text(file.waiting)
    return (file.input, file.state.value, size_text(file.size), size_text(file.checkpoint), size_text(file.lag), age,
            visible(file.path))  # fmt: skip


def _tail(found: Overview, chosen: Sequence[FileStatus]) -> Iterator[str]:
    yield ""
    for stall in found.stalls:
        yield f"Stall since {moment(stall.since)}: {visible(stall.scope)}: {visible(stall.reason)}"
    for category, count in found.dead_letters.items():
        yield f"Dead letters: {count} ({category}); see them with: shipper dead-letters list"
    for file in chosen:
        if file.error:
            at = "" if file.error.at is None else f" at {moment(file.error.at)}"
            yield f"Last error of {visible(file.path)}{at}: {visible(file.error.message)}"
        if file.lost_bytes:
            yield f"Lost at the source: at least {counted(file.lost_bytes, 'byte')} of {visible(file.path)}"
