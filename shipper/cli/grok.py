"""`shipper grok`: try grok expressions on lines of text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from shipper import resources
from shipper.cli.console import visible
from shipper.errors import Exit
from shipper.grok import Grok, Library
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.read.files import open_content

SITE_PATTERNS = Path("/etc/shipper/patterns")
LINE_SECONDS = 1.0
"""A line that takes longer counts as timed out."""
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file or of standard input, without its newline."""

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


@command.command("test", short_help="Match an expression against lines.")
@click.argument("pattern")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--patterns",
    "directories",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A directory of pattern files, or one file; its definitions win. Can be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def test(pattern: str, files: tuple[str, ...], directories: tuple[Path, ...], as_json: bool) -> int:
    """Match PATTERN against each line of FILES (or of standard input) and show the fields, or where it fails.

    Known are the patterns that come with shipper, those of /etc/shipper/patterns, and those of --patterns. Exit code:
    0 every line matches, 1 some do not, 2 the expression is wrong.
    """
    grok = library(directories).compile(pattern)
    results = (result(grok, line) for name in files or ("-",) for line in lines(name))
    counts = print_json(pattern, results) if as_json else print_text(results)
    return Exit.CLEAN if counts.failed == 0 else Exit.FINDINGS


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


def library(directories: tuple[Path, ...]) -> Library:
    """The bundled patterns, those that come with shipper, the site's, and the given ones, in this order."""
    site = (SITE_PATTERNS,) if SITE_PATTERNS.is_dir() else ()
    return Library.load([resources.patterns()], glob="*.grok").with_files([*site, *directories])


def result(grok: Grok, line: Line) -> Result:
    """Match one line."""
    try:
        with time_limit(LINE_SECONDS):
            fields = grok.match(line.text)
            return Result(line, fields, "" if fields is not None else str(grok.explain(line.text)))
    except MatchTimeout:
        return Result(line, None, f"It took longer than {LINE_SECONDS:g} s.")


def lines(name: str) -> Iterator[Line]:
    """The lines of a file, also of a compressed one or of standard input (`-`); bad bytes are shown as codes."""
    for number, raw in enumerate(_raw_lines(name), 1):
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")
        yield Line("stdin" if name == "-" else name, number, text)


def _raw_lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    rest = b""
    with closing(open_content(name)) as content:
        while block := content.read(BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
    if rest:
        yield rest


def print_text(results: Iterator[Result]) -> Counts:
    """One line each, and a summary."""
    counts = Counts()
    for each in results:
        counts.add(each)
        click.echo(each.as_text())
    click.echo(f"{counts.matched} lines matched, {counts.failed} did not.", err=True)
    return counts


def print_json(pattern: str, results: Iterator[Result]) -> Counts:
    """One document with everything."""
    counts = Counts()
    entries = []
    for each in results:
        counts.add(each)
        entries.append(each.as_json())
    document = {"pattern": pattern, "matched": counts.matched, "failed": counts.failed, "lines": entries}
    click.echo(json.dumps(document, ensure_ascii=False))
    return counts
