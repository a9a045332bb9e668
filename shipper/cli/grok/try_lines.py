"""`shipper grok test`: match an expression, or those of a pipeline, against lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from shipper.cli.console import visible
from shipper.cli.grok.trial import (
    Folders,
    Trial,
    existing_files,
    folders_options,
    json_option,
    pipeline_option,
    timeout_option,
    trial_from,
)
from shipper.errors import Exit
from shipper.grok.coverage import Line
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.wording import counted


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line: fields, or why there are none."""

    line: Line
    fields: dict[str, Any] | None
    explanation: str

    def as_text(self) -> str:
        """One line for a person."""
        outcome = visible(json.dumps(self.fields, ensure_ascii=False)) if self.fields is not None else "no match: "
        return f"{self.line.file}:{self.line.number}: {outcome}{visible(self.explanation)}"

    def as_json(self) -> dict[str, Any]:
        """One entry of the JSON document."""
        place = {"file": self.line.file, "line": self.line.number, "matched": self.fields is not None}
        return {**place, "fields": self.fields} if self.fields is not None else {**place, "reason": self.explanation}


@click.command("test", short_help="Match an expression, or a pipeline's, against lines.")
@click.argument("arguments", nargs=-1, metavar="[PATTERN] [FILES]...")
@pipeline_option
@folders_options
@timeout_option
@json_option
def command(arguments: tuple[str, ...], pipeline: str | None, where: Folders, timeout: float, as_json: bool) -> int:
    """Match PATTERN against each line of FILES (or of standard input) and show the fields, or where it fails.

    Known are the patterns that come with shipper, those of /etc/shipper/patterns, and those of --patterns. With
    --pipeline, multi-line events are put together and headers left out as the pipeline says. Exit code: 0 every line
    matches, 1 some do not, 2 the expression is wrong.
    """
    trial, files = trial_from(arguments, pipeline, where)
    names = existing_files(files)
    results = (result(trial, event, timeout) for name in names for event in trial.events(name))
    counts = print_json(trial, results) if as_json else print_text(results)
    return Exit.CLEAN if counts.failed == 0 else Exit.FINDINGS


def result(trial: Trial, line: Line, seconds: float) -> Result:
    """Match one event, within the time that it may take."""
    try:
        with time_limit(seconds):
            for grok in trial.groks:
                if (fields := grok.match(line.text)) is not None:
                    return Result(line, fields, "")
            explained = [grok.explain(line.text) for grok in trial.groks]
            return Result(line, None, str(max(explained, key=lambda each: each.end - each.start)))
    except MatchTimeout:
        return Result(line, None, f"It took longer than {seconds:g} s.")


@dataclass(slots=True)
class Counts:
    """How many lines matched."""

    matched: int = 0
    failed: int = 0

    def add(self, outcome: Result) -> None:
        """Count one line."""
        if outcome.fields is None:
            self.failed += 1
        else:
            self.matched += 1


def print_text(results: Iterator[Result]) -> Counts:
    """One line each, and a summary."""
    counts = Counts()
    for each in results:
        counts.add(each)
        click.echo(each.as_text())
    click.echo(f"{counted(counts.matched, 'line')} matched, {counts.failed} did not.", err=True)
    return counts


def print_json(trial: Trial, results: Iterator[Result]) -> Counts:
    """One document with everything."""
    counts = Counts()
    entries = []
    for each in results:
        counts.add(each)
        entries.append(each.as_json())
    patterns = [grok.pattern for grok in trial.groks]
    document = {"patterns": patterns, "matched": counts.matched, "failed": counts.failed, "lines": entries}
    click.echo(json.dumps(document, ensure_ascii=False))
    return counts
