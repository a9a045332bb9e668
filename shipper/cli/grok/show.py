"""`shipper grok show`: everything about one pattern."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from shipper.cli.console import console, visible
from shipper.cli.grok.names import entry, place_of
from shipper.cli.grok.pipelines import Expression, expressions
from shipper.cli.grok.trial import Folders, folders_options, json_option, library, print_document
from shipper.errors import Exit
from shipper.grok.compile import references
from shipper.grok.usage import Field, Shown, shown

if TYPE_CHECKING:
    from rich.text import Text


@click.command("show", short_help="Show one pattern: definition, expansion, fields, who uses it.")
@click.argument("name")
@folders_options
@json_option
def command(name: str, where: Folders, as_json: bool) -> int:
    """Show the pattern NAME: its definition with file and line, what it expands to, the fields that it makes and how
    their types come, the patterns and pipelines that use it, and the definitions of the same name that it hides.

    Exit code: 0 shown, 2 there is no such pattern or it is wrong.
    """
    known = library(where.patterns)
    found = shown(known, name.removeprefix("%{").removesuffix("}"))
    pipelines = sorted({each.pipeline for each in expressions(*where) if _uses(each, found.definition.name)})
    if as_json:
        print_document(document(found, pipelines))
    else:
        terminal = console(sys.stdout)
        for line in _lines(found, pipelines):
            terminal.print(line)
    return Exit.CLEAN


def _uses(expression: Expression, name: str) -> bool:
    return any(reference.name == name for reference in references(expression.text))


def document(found: Shown, pipelines: list[str]) -> dict[str, Any]:
    """For `--json`."""
    return {
        **entry(found.definition),
        "expansion": found.expansion,
        "fields": [_field(field) for field in found.fields],
        "uses": list(found.uses),
        "used_by": [definition.name for definition in found.used_by],
        "pipelines": pipelines,
        "hides": [entry(definition) for definition in found.hides],
    }


def _field(field: Field) -> dict[str, Any]:
    written = {"file": field.written.file, "line": field.written.line}
    return {"name": field.name, "type": field.type, "pattern": field.pattern, "in": field.written.name, **written}


def _lines(found: Shown, pipelines: list[str]) -> Iterator[Text]:
    definition = found.definition
    yield _line("name", definition.name, "bold cyan")
    yield _line("written", place_of(definition))
    yield _line("definition", definition.body)
    yield _line("expansion", found.expansion)
    for field in found.fields:
        matches = f"%{{{field.pattern}}}" if field.pattern else "its own expression"
        yield _line("field", f"{field.name}, matches {matches}; {field.origin}, in {field.written.name}")
    yield _line("uses", ", ".join(found.uses) or "no other pattern")
    yield _line("used by", ", ".join(user.name for user in found.used_by) or "no other pattern")
    yield _line("pipelines", ", ".join(pipelines) or "none directly")
    for hidden in found.hides:
        yield _line("hides", f"{hidden.body} ({place_of(hidden)})", "yellow")


def _line(label: str, text: str, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415  only where a person reads

    return Text.assemble((f"{label:<11}", "dim"), (visible(text), style))
