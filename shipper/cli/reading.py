"""What commands that read logs of others have in common: progress on a terminal, and time zones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shipper.errors import UsageError


@contextmanager
def reading(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows how far the reading is: called with the number of files that are done, and of all."""
    if not sys.stderr.isatty():
        yield lambda done, of: None  # noqa: ARG005
        return
    from rich.console import Console  # noqa: PLC0415  only where someone looks
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn(f"{what}: files"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def time_zone(name: str) -> tzinfo:
    """The zone of a name. Raises UsageError."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--timezone {name}: there is no such time zone; write for example Europe/Rome.") from error
