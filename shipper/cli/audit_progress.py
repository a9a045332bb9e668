"""How long an audit will take, and how far it is: for people who wait for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from shipper.audit.auditor import Progress
from shipper.audit.context import Level
from shipper.cli.console import age_text, size_text

_BYTES_PER_SECOND = {Level.LEDGER: 150 << 20, Level.DISK: 150 << 20, Level.CONTENTS: 4 << 20}
"""About what one processor reads: a number to decide whether to wait."""
_WORTH_SAYING = 10.0
"""Seconds from which on an estimate is printed where nobody watches, too."""


@contextmanager
def progress_of(level: Level) -> Iterator[Progress]:
    """Says how long it will take; shows on a terminal how far the audit is."""
    if not sys.stderr.isatty():
        yield lambda done, of: _estimate(level, of) if not done else None
        return
    from rich.console import Console  # noqa: PLC0415  only where someone looks
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("read"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("audit", total=None)

        def show(done: int, of: int) -> None:
            if not done and of:
                bar.console.print(_estimate_text(level, of))
            bar.update(task, completed=done, total=of)

        yield show


def _estimate(level: Level, size: int) -> None:
    if size and size / _BYTES_PER_SECOND[level] > _WORTH_SAYING:
        click.echo(_estimate_text(level, size), err=True)


def _estimate_text(level: Level, size: int) -> str:
    seconds = size / _BYTES_PER_SECOND[level]
    return f"About {size_text(size)} of logs are to be read: {age_text(max(seconds, 1))} or so."
