"""`shipper grok suggest`: a first pattern for a log, from its lines."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice

import click

from shipper.cli.console import console, visible
from shipper.cli.grok.trial import (
    Folders,
    Trial,
    existing_files,
    folders_options,
    json_option,
    library,
    print_document,
)
from shipper.errors import Exit
from shipper.grok.suggest import Suggestion, suggest
from shipper.wording import counted

SHOWN = 5
LINE = 4000
"""Characters of a line that are looked at; longer ones are left out."""


@click.command("suggest", short_help="Suggest a first pattern for a log.")
@click.argument("file", default="-", metavar="[FILE]")
@click.option(
    "--lines", "most", type=click.IntRange(min=1), default=2000, show_default=True, metavar="N",
    help="Lines from the beginning that are looked at.",
)  # fmt: skip
@folders_options
@json_option
def command(file: str, most: int, where: Folders, as_json: bool) -> int:
    """Look at the first lines of FILE (also a compressed one; standard input without it) and print patterns that match
    them, the one that matches most first, each with the share of the lines that it matches.

    Columns get the names of the header, name=value pairs their own; other fields are named after what they look like:
    rename them, and go on with `shipper grok coverage`. Exit code: 0 the first pattern matches every line, 1 it does
    not, or there is none.
    """
    (name,) = existing_files([file])
    lines = [line.text for line in islice(Trial(()).events(name), most) if len(line.text) <= LINE]
    found = suggest(lines, library(where.patterns))
    if as_json:
        print_document([asdict(each) for each in found])
    else:
        _print(found)
    return Exit.CLEAN if found and found[0].matched == found[0].lines else Exit.FINDINGS


def _print(found: list[Suggestion]) -> None:
    from rich.text import Text  # noqa: PLC0415  only where a person reads

    terminal = console(sys.stdout)
    for each in found[:SHOWN]:
        share = 100 * each.matched / each.lines
        of, fields = counted(each.lines, "line"), counted(each.fields, "field")
        said = f"# {share:.2f} % ({each.matched:,} of {of}), {fields}, {each.kind}"
        terminal.print(Text(said, "bold green" if each.matched == each.lines else "bold yellow"))
        terminal.print(Text(visible(each.pattern)), soft_wrap=True)
    if not found:
        click.echo("No line has a shape that could be suggested.", err=True)
