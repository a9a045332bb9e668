"""`shipper grok coverage`: how well expressions fit whole files."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from shipper.cli.console import console
from shipper.cli.grok.coverage_report import Why, document, print_report
from shipper.cli.grok.trial import (
    Folders,
    Source,
    existing_files,
    folders_options,
    json_option,
    pipeline_option,
    print_document,
    timeout_option,
    trial_from,
    unwatched,
)
from shipper.errors import Exit
from shipper.grok import Grok
from shipper.grok.coverage import Cluster, Coverage
from shipper.grok.explain import Explanation
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.read.files import Content

CLUSTERS = 20
"""Clusters of failures that are explained and shown, the largest first."""


@click.command("coverage", short_help="Measure how well an expression fits whole files.")
@click.argument("arguments", nargs=-1, metavar="[PATTERN] [FILES]...")
@pipeline_option
@folders_options
@timeout_option
@json_option
def command(arguments: tuple[str, ...], pipeline: str | None, where: Folders, timeout: float, as_json: bool) -> int:
    """Match PATTERN, or the expressions of a pipeline, against all lines of FILES (also compressed ones; standard input
    without FILES), in bounded memory, and report:

    lines that matched, failed or took too long; failures by shape, with a count, an example and the piece that fails;
    how often each alternative matched, and which never did; for each field how often it is filled, what its values
    look like and how many there are; microseconds per line, and the slowest line.

    Exit code: 0 every line matches, 1 some do not, 2 the expression is wrong.
    """
    trial, files = trial_from(arguments, pipeline, where)
    names = existing_files(files)
    coverage = Coverage(trial.groks, time.perf_counter_ns, timeout, trial.types)
    with progress(names) as watch:
        for name in names:
            for lines in trial.blocks(name, watch):
                coverage.add(lines)
    largest = sorted(coverage.clusters.values(), key=lambda each: -each.count)[:CLUSTERS]
    reasons = [Why(cluster, explained(trial.groks, cluster, timeout)) for cluster in largest]
    if as_json:
        print_document(document(coverage, reasons))
    else:
        print_report(coverage, reasons, console(sys.stdout))
    return Exit.CLEAN if coverage.matched == coverage.lines else Exit.FINDINGS


def explained(groks: tuple[Grok, ...], cluster: Cluster, seconds: float) -> Explanation | None:
    """Why the example of a cluster fails: of several expressions, the one that gets furthest; None: too slow to say."""
    try:
        with time_limit(seconds):
            return max((grok.explain(cluster.example.text) for grok in groks), key=lambda each: each.progress)
    except MatchTimeout:
        return None


@contextmanager
def progress(names: list[str]) -> Iterator[Callable[[str, Source], Source]]:
    """A bar over the bytes of all files, on a terminal only; gives what to wrap around a file's content."""
    if not sys.stderr.isatty() or "-" in names:
        yield unwatched
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    total = sum(Path(name).stat().st_size for name in names)
    columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=total)

        def watched(_name: str, content: Source) -> Source:
            return _Watched(content, lambda read: bar.advance(task, read))

        yield watched


class _Watched:
    """Content that tells how far the file behind it was read."""

    def __init__(self, content: Source, advance: Callable[[int], None]) -> None:
        self._content = content
        self._advance = advance
        self._told = 0

    def read(self, size: int, /) -> bytes:
        data = self._content.read(size)
        content: Content = self._content  # type: ignore[assignment]
        passed = content.passed()
        self._advance(passed - self._told)
        self._told = passed
        return data
