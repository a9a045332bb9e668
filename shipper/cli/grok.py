"""`shipper grok`: try grok expressions on lines of text."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from shipper import resources
from shipper.cli.console import visible
from shipper.errors import Exit, UsageError
from shipper.grok import Grok, Library
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.parse.definition import load_pipeline
from shipper.read.files import open_content
from shipper.read.framing import read_events
from shipper.records import Framing
from shipper.settings import InputSettings

SITE = Path("/etc/shipper")
LINE_SECONDS = 1.0
"""A line that takes longer counts as timed out."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line (or an event of several) of a file or of standard input, without the newline at its end."""

    file: str
    number: int
    text: str


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


@click.group("grok", short_help="Try grok expressions.")
def command() -> None:
    """Try grok expressions on lines of text."""


@command.command("test", short_help="Match an expression, or a pipeline's, against lines.")
@click.argument("arguments", nargs=-1, metavar="[PATTERN] [FILES]...")
@click.option(
    "--pipeline", metavar="NAME", help="Instead of PATTERN, the expressions that this pipeline tries on lines."
)
@click.option(
    "--patterns",
    "directories",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A directory of pattern files, or one file; its definitions win. Can be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def test(arguments: tuple[str, ...], pipeline: str | None, directories: tuple[Path, ...], as_json: bool) -> int:
    """Match PATTERN against each line of FILES (or of standard input) and show the fields, or where it fails.

    Known are the patterns that come with shipper, those of /etc/shipper/patterns, and those of --patterns. With
    --pipeline, multi-line events are put together and headers left out as the pipeline says. Exit code: 0 every line
    matches, 1 some do not, 2 the expression is wrong.
    """
    if pipeline is None and not arguments:
        raise UsageError("Give a PATTERN, or the name of a pipeline with --pipeline.")
    if pipeline is None:
        pattern, *files = arguments
        trial = Trial((library(directories).compile(pattern),))
    else:
        files = list(arguments)
        trial = trial_of(pipeline, directories)
    existing = click.Path(exists=True, dir_okay=False, allow_dash=True)
    names = [str(existing.convert(name, None, None)) for name in files or ("-",)]
    results = (trial.result(event) for name in names for event in trial.events(name))
    counts = print_json(trial, results) if as_json else print_text(results)
    return Exit.CLEAN if counts.failed == 0 else Exit.FINDINGS


@dataclass(frozen=True, slots=True)
class Trial:
    """Expressions, of which the first that matches gives the fields, and how lines become what they are tried on."""

    groks: tuple[Grok, ...]
    framing: Framing = field(default_factory=Framing)
    header: re.Pattern[str] | None = None
    """Lines that are not tried."""
    drop_blank: bool = False

    def events(self, name: str) -> Iterator[Line]:
        """The events of a file, also of a compressed one, or of standard input (`-`); bad bytes are shown as codes."""
        with ExitStack() as stack:
            content = sys.stdin.buffer if name == "-" else stack.enter_context(closing(open_content(name)))
            number = 1
            for events in read_events(content, self.framing, "", "", (), final=True):
                for event in events:
                    text = event.raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n").removesuffix("\n")
                    if self._is_tried(text):
                        yield Line("stdin" if name == "-" else name, number, text)
                    number += event.tally.lines

    def _is_tried(self, text: str) -> bool:
        if self.drop_blank and not text.strip():
            return False
        return self.header is None or self.header.match(text) is None

    def result(self, line: Line) -> Result:
        """Match one event, within the time that it may take."""
        try:
            with time_limit(LINE_SECONDS):
                for grok in self.groks:
                    if (fields := grok.match(line.text)) is not None:
                        return Result(line, fields, "")
                explained = [grok.explain(line.text) for grok in self.groks]
                return Result(line, None, str(max(explained, key=lambda each: each.end - each.start)))
        except MatchTimeout:
            return Result(line, None, f"It took longer than {LINE_SECONDS:g} s.")


def trial_of(name: str, directories: tuple[Path, ...]) -> Trial:
    """What a pipeline tries first on the text of an event."""
    # The zone of the times does not matter here, and pipelines that leave it to the input want one.
    settings = InputSettings(name, (), name, timezone="UTC")
    folders = (SITE / "pipelines",) if (SITE / "pipelines").is_dir() else ()
    found = load_pipeline(name, settings, pipeline_dirs=folders, pattern_dirs=(*site_patterns(), *directories))
    rules = json.loads(found.definition)["rules"]
    steps = [step["grok"] for step in rules["parse"] if step.get("grok") and step["field"] == "message"]
    if not steps:
        raise UsageError(f"The pipeline {name} has no grok step that reads the line; see `shipper parse --pipeline`.")
    known = library(directories)
    header = re.compile(rules["header"]) if "header" in rules else None
    return Trial(tuple(map(known.compile, steps[0])), found.framing, header, rules["blank"] == "drop")


def site_patterns() -> tuple[Path, ...]:
    """The folder of the site's own patterns, if there is one."""
    return (SITE / "patterns",) if (SITE / "patterns").is_dir() else ()


def library(directories: tuple[Path, ...]) -> Library:
    """The bundled patterns, those that come with shipper, the site's, and the given ones, in this order."""
    return Library.load([resources.patterns()], glob="*.grok").with_files([*site_patterns(), *directories])


@dataclass(slots=True)
class Counts:
    """How many lines matched."""

    matched: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        """Count one line."""
        if result.fields is None:
            self.failed += 1
        else:
            self.matched += 1


def print_text(results: Iterator[Result]) -> Counts:
    """One line each, and a summary."""
    counts = Counts()
    for each in results:
        counts.add(each)
        click.echo(each.as_text())
    click.echo(f"{counts.matched} lines matched, {counts.failed} did not.", err=True)
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
