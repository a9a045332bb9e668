"""Shows the demo's story: live on a terminal, as plain text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shipper.demo.story import Growth, Story, Summary
from shipper.wording import counted

REPORT_LINES = 14
"""So much of a command's output is shown; the rest is counted."""


def play(folder: Path, console: Console) -> Summary:
    """Play the story in an empty folder and show it on the console; raises DemoError if a promise breaks."""
    with Stage(console) as stage:
        summary = Story(folder, stage).play()
    found = f"{counted(summary.lines, 'line')}, {counted(summary.documents, 'document')}"
    console.print(f"\nAll promises kept: {found}, {summary.seconds:.0f} s.", style="bold green")
    return summary


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
            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        self._live.update(_growth_table(logs))

    def kept(self, promise: str) -> None:
        """Show a promise that was kept."""
        self._console.print(Text.assemble(("   ✓ ", "green"), promise))

    def printed(self, command: str, text: str) -> None:
        """Show a command and the beginning of what it printed."""
        self._end_growth()
        self._console.print(f"   $ {command}", style="cyan")
        lines = text.rstrip().splitlines()
        for line in lines[:REPORT_LINES]:
            self._console.print(f"   {line}", style="dim", soft_wrap=True)
        if len(lines) > REPORT_LINES:
            self._console.print(f"   … and {counted(len(lines) - REPORT_LINES, 'more line')}", style="dim")

    def _end_growth(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._growth:
            self._console.print(_growth_table(self._growth))
            self._growth = ()


def _growth_table(logs: Sequence[Growth]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(" log")
    table.add_column("file")
    table.add_column("lines written", justify="right")
    table.add_column("stored", justify="right")
    for log in logs:
        table.add_row(f" {log.log}", f"{log.path.parent.name}/{log.path.name}", str(log.written), str(log.stored))
    return table
