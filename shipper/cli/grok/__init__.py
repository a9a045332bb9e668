"""`shipper grok`: patterns listed, shown, tried, explained, measured, checked and made. One module per command."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "list": "names",
    "show": "show",
    "test": "try_lines",
    "explain": "explain",
    "coverage": "coverage",
    "lint": "lint",
    "suggest": "suggest",
}
"""Command name -> module in this package that holds it as `command`."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        found = import_module(f"shipper.cli.grok.{COMMANDS[name]}").command
        assert isinstance(found, click.Command)
        return found


@click.group(
    "grok",
    cls=_Commands,
    short_help="List, try, explain, measure, check and suggest patterns.",
    epilog="An expression is made of plain text, regular expressions and %{NAME:field:type}. Quote it for the shell: "
    "shipper grok test '%{IP:client} %{NUMBER:bytes:int}' access.log",
)
def command() -> None:
    """Work with grok patterns, beside or without a running agent.

    Known are the patterns bundled by pygrok, those that come with shipper, those of /etc/shipper/patterns, those of a
    configuration (-c), and those of --patterns; the last definition of a name wins.
    """
