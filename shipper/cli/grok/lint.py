"""`shipper grok lint`: mistakes and dangers in pattern files and in the expressions of pipelines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from shipper import resources
from shipper.cli.console import console, visible
from shipper.cli.grok.pipelines import expressions
from shipper.cli.grok.trial import config_option, folders, json_option, library, patterns_option, print_document, site
from shipper.errors import Exit
from shipper.grok.definitions import pattern_files
from shipper.grok.lint import Finding, Subject, Tried, lint


@click.command("lint", short_help="Find mistakes and dangers in pattern files.")
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(exists=True, path_type=Path))
@config_option
@patterns_option
@json_option
def command(folder: Path | None, path: Path | None, directories: tuple[Path, ...], as_json: bool) -> int:
    """Look at the pattern files of DIR (or at one file); without DIR, at those that come with shipper, those of
    /etc/shipper/patterns and of --config, and at the expressions of all pipelines.

    \b
    wrong        cannot be compiled: undefined names, loops, bad regular expressions
    exponential  may take exponential time on lines that fail
    unanchored   may begin anywhere in a line
    wildcards    two wildcards without anything between them
    unreachable  an alternative that is never taken
    lazy-end     a lazy wildcard at the end, which matches nothing
    type         a type that does not exist
    shadows      hides another definition of its name (a note where that one is of another folder)
    unused       no pattern and no pipeline uses it (a note)

    Exit code: 0 nothing but notes, 1 there is something to repair, 2 wrong usage, or a file that is no pattern file.
    """  # noqa: D301 - for click the character \b keeps the lines of a paragraph
    found = lint(_everything(path, directories) if folder is None else _one(folder, directories))
    if as_json:
        print_document([each._asdict() for each in found])
    else:
        _print(found)
    return Exit.FINDINGS if any(not each.is_note for each in found) else Exit.CLEAN


def _one(folder: Path, directories: tuple[Path, ...]) -> Subject:
    return Subject(library((*directories, folder)), _files([folder]))


def _everything(path: Path | None, directories: tuple[Path, ...]) -> Subject:
    pattern_dirs, pipeline_dirs = folders(path, directories)
    own = [*site("patterns"), *pattern_dirs]
    files = _files([resources.patterns()], "*.grok") | _files(own)
    tried = [Tried(each.text, each.file, str(each.step)) for each in expressions(pattern_dirs, pipeline_dirs)]
    return Subject(library(pattern_dirs), files, tuple(tried))


def _files(folders: Iterable[Path], glob: str = "*") -> frozenset[str]:
    return frozenset(str(path) for folder in folders for path in pattern_files(folder, glob))


def _print(found: list[Finding]) -> None:
    from rich.text import Text  # noqa: PLC0415  only where a person reads

    terminal = console(sys.stdout)
    for each in found:
        place = ":".join(str(part) for part in (each.file, each.line) if part is not None)
        style = "cyan" if each.is_note else "yellow"
        label = f"{each.rule} (note)" if each.is_note else each.rule
        terminal.print(
            Text.assemble(
                (visible(place), "bold"), ": ", (label, style), f": {visible(each.name)}: {visible(each.message)}"
            )
        )
    notes = sum(each.is_note for each in found)
    click.echo(f"{len(found) - notes} to repair, {notes} notes.", err=True)
