"""`shipper run`: the agent."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from shipper import config
from shipper.agent import Agent
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.outputs import naming_output, one_output, output_option, run_all, run_all_once
from shipper.clock import Bell, SystemClock
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog
from shipper.operate.figures import Totals
from shipper.operate.logs import writer_for
from shipper.operate.monitoring import monitored
from shipper.operate.notify import Notifier
from shipper.operate.signals import on_signals
from shipper.read.watch import Changes, Watcher
from shipper.records import OutcomeKind
from shipper.settings import Settings
from shipper.start import agent
from shipper.wording import counted


@click.command("run", short_help="Ship the lines of all inputs, until stopped or with --once to their ends.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Ship up to the end of all files, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON document with what was done.")
@output_option
@click.option("--supervisor", type=int, hidden=True, help="The process that started this agent: stop when it is gone.")
def command(path: Path, *, once: bool, as_json: bool, output: str | None, supervisor: int | None) -> int:
    """Ship the lines of all inputs, and go on doing so until stopped.

    SIGTERM or Ctrl-C finish what is under way within a limit; what is not finished then is sent by the next run.
    SIGHUP looks at pattern and pipeline files, and tries again what waits, at once; see `shipper reload`.

    With several outputs an agent runs for each of them, so that one that is away holds no other up.

    Exit codes: 0 done (--once: everything up to the ends of the files is settled); 1 with --once: there are dead
    letters among it, or files that could not be read; 2 wrong usage or configuration; 3 could not finish: output
    away, state unusable.
    """
    if as_json and not once:
        raise UsageError("--json prints what was done: it needs --once.")
    settings = config.load(path)
    write = writer_for(sys.stderr, os.environ, time.time)
    if output is None and settings.outputs:
        if once:
            return run_all_once(settings, path, as_json=as_json)
        return run_all(settings, path, EventsLog(write))
    settings = one_output(settings, output)
    # Records in flight are many and never form cycles: looking through them so often finds nothing and costs much.
    gc.set_threshold(100_000, 50, 50)
    gc.freeze()
    events = EventsLog(naming_output(write, settings.output_name))
    return _once(settings, events, as_json=as_json) if once else _run(settings, events, supervisor)


def _once(settings: Settings, events: EventsLog, *, as_json: bool) -> int:
    started = time.monotonic()
    clock = SystemClock()
    with (
        monitored(_without_port(settings), clock, events) as monitor,
        agent(settings, clock, events) as running,
        _progress(running) as progress,
    ):
        monitor.attach(running.snapshot)
        running.once(progress)
        summary = _summary(running, time.monotonic() - started)
        unreadable = len(running.reader.unreadable)
    click.echo(json.dumps(summary) if as_json else _sentence(summary, unreadable))
    return Exit.FINDINGS if summary["dead_letters"] or unreadable else Exit.CLEAN


def _run(settings: Settings, events: EventsLog, supervisor: int | None) -> int:
    stopped = hung_up = False
    bell = Bell()
    changes = Changes(bell)
    notifier = Notifier.from_environment(os.environ, os.getpid())
    settings = _turning_for(notifier.watchdog, settings)
    clock = SystemClock()

    def stop() -> None:
        nonlocal stopped
        stopped = True
        bell.ring()

    def reload() -> None:
        nonlocal hung_up
        hung_up = True
        bell.ring()

    def asked() -> bool:
        nonlocal hung_up
        was, hung_up = hung_up, False
        return was

    def stopping() -> bool:
        notifier.alive()
        monitor.turn()
        return stopped or supervisor not in (None, os.getppid())

    with (
        on_signals(stop=stop, reload=reload),
        monitored(settings, clock, events) as monitor,
        agent(settings, clock, events, bell=bell, giving_up=stopping) as running,
        closing(Watcher(settings.inputs, changes, running.reader.sizes, events)),
    ):
        monitor.attach(running.snapshot)
        notifier.ready()
        events.info("started", host=settings.host, inputs=len(settings.inputs), state=str(settings.state))
        running.run(stopping, asked, changes.take)
        notifier.stopping()
        events.info("stopped", lines=running.totals.lines)
    return Exit.CLEAN


def _turning_for(watchdog: float | None, settings: Settings) -> Settings:
    """The settings with which the main loop turns twice in a watchdog's time, also where nothing happens."""
    return settings if watchdog is None else replace(settings, rescan=min(settings.rescan, watchdog / 2))


def _without_port(settings: Settings) -> Settings:
    """The settings for a single pass, which leaves its metrics in the file only: an agent may hold the port."""
    metrics = settings.metrics
    return settings if metrics is None else replace(settings, metrics=replace(metrics, port=None))


def _summary(running: Agent, seconds: float) -> dict[str, Any]:
    totals = running.totals
    return {
        "lines": totals.lines,
        "documents": totals.documents,
        "stored": totals.outcomes[OutcomeKind.STORED],
        "already_stored": totals.outcomes[OutcomeKind.ALREADY_STORED],
        "filtered": dict(sorted(totals.filtered.items())),
        "dead_letters": totals.outcomes[OutcomeKind.REFUSED] + totals.refused,
        "unparsed": totals.unparsed,
        "pending_lines": running.reader.pending_lines(),
        "files": running.reader.matching,
        "seconds": round(seconds, 3),
    }


def _sentence(summary: dict[str, Any], unreadable: int) -> str:
    return (
        f"{counted(summary['lines'], 'line')} of {counted(summary['files'], 'file')}: "
        f"{counted(summary['stored'], 'document')} stored, {summary['already_stored']:,} were there already, "
        f"{counted(sum(summary['filtered'].values()), 'line')} filtered, "
        f"{counted(summary['dead_letters'], 'dead letter')}, {summary['unparsed']:,} shipped unparsed, "
        f"{counted(summary['pending_lines'], 'line')} pending, in {summary['seconds']} s.{_warning(unreadable)}"
    )


def _warning(unreadable: int) -> str:
    if not unreadable:
        return ""
    if unreadable == 1:
        return " 1 file could not be read: `shipper status` names it."
    return f" {unreadable:,} files could not be read: `shipper status` names them."


@contextmanager
def _progress(running: Agent) -> Iterator[Callable[[Totals], None]]:
    """Shows on a terminal how far the pass is; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  only where someone looks
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading")

        def show(totals: Totals) -> None:
            stored = totals.outcomes[OutcomeKind.STORED]
            text = (
                f"{counted(totals.lines, 'line')} read, {counted(stored, 'document')} stored, "
                f"{counted(running.reader.to_open, 'file')} to open"
            )
            bar.update(task, description=text)

        yield show
