"""`shipper status`: how far every file is, what stands still, and whether an agent runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipper import config
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import console, moment, size_text, visible
from shipper.clock import Bell, SystemClock
from shipper.errors import Exit, UsageError
from shipper.operate.status import FileState, FileStatus
from shipper.overview import Overview, agent_runs, overview
from shipper.settings import Settings

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

WATCH_INTERVAL = 2.0
"""Seconds between two looks of `--watch`."""

_WORRYING = (FileState.UNREADABLE, FileState.TRUNCATED)


@click.command("status", short_help="Show files, lag, stalls and dead letters, also while the agent runs.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--watch", is_flag=True, help="Look again every two seconds until interrupted.")
def command(path: Path, *, as_json: bool, watch: bool) -> int:
    """Show how far every file is, which stand still and why, and what was refused.

    The exit code is 1 if there is something to look at: a stall, a dead letter, bytes lost at the source, or a file
    that is truncated or cannot be read.
    """
    if as_json and watch:
        raise UsageError("--json prints one document; it cannot be used together with --watch.")
    settings = config.load(path)
    if watch:
        _watch(settings)
    found, running = overview(settings), agent_runs(settings.state)
    if as_json:
        click.echo(json.dumps(document(found, running=running), indent=2))
    else:
        console(sys.stdout).print(view(found, running=running))
    return Exit.FINDINGS if worries(found) else Exit.CLEAN


def worries(found: Overview) -> bool:
    """Whether there is something to look at."""
    return bool(
        found.stalls or found.dead_letters or any(file.state in _WORRYING or file.lost_bytes for file in found.files)
    )


def document(found: Overview, *, running: bool) -> dict[str, Any]:
    """The answer of `--json`."""
    return {
        "agent": "running" if running else "stopped",
        "host": found.host,
        "state": str(found.state),
        "output": found.output,
        "other_outputs": list(found.other_outputs),
        "totals": {
            "files": found.totals.files,
            "states": dict(found.totals.states),
            "lag_bytes": found.totals.lag,
            **_fates(found.totals.lines),
        },
        "dead_letters": dict(found.dead_letters),
        "stalls": [{"scope": s.scope, "reason": s.reason, "since": moment(s.since)} for s in found.stalls],
        "files": [_file(file) for file in found.files],
    }


def view(found: Overview, *, running: bool) -> Group:
    """What people see."""
    from rich.console import Group  # noqa: PLC0415  only where a person reads

    return Group(*_head(found, running=running), _table(found), *_tail(found))


def _watch(settings: Settings) -> None:
    from rich.live import Live  # noqa: PLC0415  only where a person reads

    clock, bell = SystemClock(), Bell()
    with Live(console=console(sys.stdout), auto_refresh=False) as live:
        while True:
            live.update(view(overview(settings), running=agent_runs(settings.state)), refresh=True)
            clock.wait(bell, WATCH_INTERVAL)


def _fates(lines: Mapping[str, int]) -> dict[str, Any]:
    """Lines by fate, nested as in the other commands."""
    return {
        "stored": lines.get("stored", 0),
        "filtered": {fate.partition(":")[2]: count for fate, count in lines.items() if fate.startswith("filtered:")},
        "dead_letters": {fate.partition(":")[2]: count for fate, count in lines.items() if fate.startswith("dead:")},
    }


def _file(file: FileStatus) -> dict[str, Any]:
    return {
        "input": file.input,
        "path": file.path,
        "state": file.state.value,
        "size": file.size,
        "checkpoint": file.checkpoint,
        "lag_bytes": file.lag,
        "lines": _fates(file.lines),
        "lost_bytes": file.lost_bytes,
        "pipeline": file.pipeline or None,
        "problem": file.problem or None,
    }


def _head(found: Overview, *, running: bool) -> Iterator[str]:
    yield f"The agent is {'running' if running else 'stopped'} on {found.host}, state in {found.state}."
    if found.output is None:
        yield "Nothing was shipped yet."
    else:
        others = f"; the state also knows {', '.join(found.other_outputs)}" if found.other_outputs else ""
        yield f"Output {found.output}{others}."
    yield ""


def _table(found: Overview) -> Table:
    from rich.table import Table  # noqa: PLC0415  only where a person reads

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for name in ("input", "state"):
        table.add_column(name)
    for name in ("size", "lag", "stored", "filtered", "dead"):
        table.add_column(name, justify="right")
    table.add_column("file", overflow="fold")
    for file in found.files:
        table.add_row(file.input, file.state.value, size_text(file.size), size_text(file.lag), *_counts(file.lines),
                      visible(file.path))  # fmt: skip
    lag = size_text(found.totals.lag)
    table.add_row("all", "", "", lag, *_counts(found.totals.lines), f"{found.totals.files} files, shared lines once")
    return table


def _counts(lines: Mapping[str, int]) -> tuple[str, str, str]:
    fates = _fates(lines)
    return str(fates["stored"]), str(sum(fates["filtered"].values())), str(sum(fates["dead_letters"].values()))


def _tail(found: Overview) -> Iterator[str]:
    for stall in found.stalls:
        yield f"Stall since {moment(stall.since)}: {visible(stall.scope)}: {visible(stall.reason)}"
    for category, count in found.dead_letters.items():
        yield f"Dead letters: {count} ({category}); see them with: shipper dead-letters list"
    for file in found.files:
        if file.problem:
            yield f"Unreadable: {visible(file.problem)}"
        if file.lost_bytes:
            yield f"Lost at the source: at least {file.lost_bytes} bytes of {visible(file.path)}"
