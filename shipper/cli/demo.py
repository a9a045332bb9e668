"""`shipper demo`: shows the demo's story, live on a terminal and as plain text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import click

from shipper.demo.story import Growth, Story, Summary
from shipper.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

REPORT_LINES = 14
"""So much of a command's output is shown; the rest is counted."""


@click.command("demo", short_help="Show the whole job on bundled logs, in under a minute.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Play in this folder, which must be new or empty, and leave it: configuration, logs, index, state.",
)
def command(keep: Path | None) -> None:
    """Show the whole job on bundled log samples, in a temporary folder.

    The real agent ships three logs while they grow and rotate, is killed with kill -9 and started again. The audit
    proves that every line arrived once. Then documents are deleted from the index; the audit names exactly those
    lines and the cause, repairs them, and proves it again. Every step is checked; the exit code is 0 only if all
    came out as promised.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if keep is not None:
        _play_in(keep, console)
        return
    with TemporaryDirectory(prefix="shipper-demo-") as folder:
        play(Path(folder), console)


def play(folder: Path, console: Console) -> Summary:
    """Play the story in an empty folder and show it on the console; raises DemoError if a promise breaks."""
    with Stage(console) as stage:
        summary = Story(folder, stage).play()
    console.print(
        f"\nAll promises kept: {summary.lines} lines, {summary.documents} documents, {summary.seconds:.0f} s.",
        style="bold green",
    )
    return summary


def _play_in(folder: Path, console: Console) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"The folder {folder} is not empty. Choose another one for --keep.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        play(folder, console)
    finally:
        console.print(f"Kept in {folder}; look around with: cd {folder} && shipper audit -c shipper.yml", style="dim")


class Stage:
    """Shows the story on a console: the growth of the logs live on a terminal, at the end of a step elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = 0
        self._growth: Sequence[Growth] = ()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._end_growth()

    def step(self, title: str) -> None:
        """A step begins."""
        self._end_growth()
        self._steps += 1
        self._console.print(f"\n{self._steps}. {title}", style="bold")

    def growth(self, logs: Sequence[Growth]) -> None:
        """Show how far the logs are."""
        self._growth = logs
        # A recorded console would keep every frame.
        if not self._console.is_terminal or self._console.record:
            return
        if self._live is None:
            from rich.live import Live

            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        self._live.update(_growth_table(logs))

    def kept(self, promise: str) -> None:
        """Show a promise that was kept."""
        from rich.text import Text

        self._console.print(Text.assemble(("   ✓ ", "green"), promise))

    def printed(self, command: str, text: str) -> None:
        """Show a command and the beginning of what it printed."""
        self._end_growth()
        self._console.print(f"   $ {command}", style="cyan")
        lines = text.rstrip().splitlines()
        for line in lines[:REPORT_LINES]:
            self._console.print(f"   {line}", style="dim", soft_wrap=True)
        if len(lines) > REPORT_LINES:
            self._console.print(f"   … and {len(lines) - REPORT_LINES} more lines", style="dim")

    def _end_growth(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._growth:
            self._console.print(_growth_table(self._growth))
            self._growth = ()


def _growth_table(logs: Sequence[Growth]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(" log")
    table.add_column("file")
    table.add_column("lines written", justify="right")
    table.add_column("stored", justify="right")
    for log in logs:
        table.add_row(f" {log.log}", f"{log.path.parent.name}/{log.path.name}", str(log.written), str(log.stored))
    return table
