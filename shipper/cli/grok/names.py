"""`shipper grok list`: the names of all patterns, with what they stand for and where they are written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shipper.cli.console import console, visible
from shipper.cli.grok.trial import Folders, folders_options, json_option, library, print_document
from shipper.errors import Exit
from shipper.grok.definitions import Definition
from shipper.wording import counted


@click.command("list", short_help="List the names of all patterns.")
@click.argument("part", default="")
@folders_options
@json_option
def command(part: str, where: Folders, as_json: bool) -> int:
    """List all patterns whose name contains PART (in upper or lower case), each with its file and definition.

    Exit code: 0 something was found, 1 nothing was.
    """
    known = library(where.patterns)
    found = [known[name] for name in sorted(known) if part.lower() in name.lower()]
    if as_json:
        print_document([entry(definition) for definition in found])
    else:
        _print_table(found)
    return Exit.CLEAN if found else Exit.FINDINGS


def entry(definition: Definition) -> dict[str, str | int | None]:
    """A definition for a JSON document."""
    place = {"file": definition.file, "line": definition.line}
    return {"name": definition.name, **place, "definition": definition.body}


def place_of(definition: Definition) -> str:
    """File and line of a definition."""
    return visible(f"{definition.file}:{definition.line}")


def _print_table(found: list[Definition]) -> None:
    from rich.table import Table  # noqa: PLC0415  only where a person reads
    from rich.text import Text  # noqa: PLC0415

    table = Table("name", "file", "definition", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    table.columns[0].overflow = "fold"
    for definition in found:
        file = f"{Path(definition.file or '').name}:{definition.line}"
        table.add_row(Text(definition.name, "cyan"), Text(visible(file), "dim"), Text(visible(definition.body)))
    console(sys.stdout).print(table)
    click.echo(f"{counted(len(found), 'pattern')}.", err=True)
