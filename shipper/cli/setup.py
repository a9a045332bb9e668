"""`shipper setup`: the index templates that Elasticsearch needs before the first document comes."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
import orjson

from shipper import config
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import visible
from shipper.clock import SystemClock
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, text_writer
from shipper.reload.definitions import load_pipelines
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset
from shipper.send.templates import templates
from shipper.settings import ElasticsearchSettings
from shipper.start import datasets


@click.command("setup", short_help="Print or install the index templates for Elasticsearch.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--print", "show", is_flag=True, help="Print the templates as one JSON document, by name; ask nobody.")
@click.option("--apply", is_flag=True, help="Install the templates that are missing or made from other types.")
def command(path: Path, *, show: bool, apply: bool) -> int:
    """Print or install the index templates, generated from the types that the pipelines declare.

    With `setup: auto` (the default) the agent installs them by itself. With `setup: manual`, for example because the
    agent's key may not manage templates, it holds a dataset until `shipper setup --apply` was run for it.
    """
    if show == apply:
        raise UsageError("Say what to do with the templates: either --print or --apply.")
    settings = config.load(path)
    shipped = datasets(settings, load_pipelines(settings))
    if show:
        click.echo(_document(shipped))
        return Exit.CLEAN
    if not isinstance(settings.output, ElasticsearchSettings):
        click.echo("The output is SQLite, which needs no setup.", err=True)
        return Exit.CLEAN
    return _apply(settings.output, shipped)


def _document(shipped: list[Dataset]) -> bytes:
    bodies = {template.name: template.body for dataset in shipped for template in templates(dataset)}
    return orjson.dumps(bodies, option=orjson.OPT_INDENT_2)


def _apply(settings: ElasticsearchSettings, shipped: list[Dataset]) -> int:
    """Install; exit code 3 if a template could not be installed."""
    events = EventsLog(text_writer(sys.stderr))
    with closing(ElasticsearchOutput(settings, shipped, SystemClock(), events)) as output:
        obstacles = output.apply_setup()
    for name, obstacle in obstacles.items():
        click.echo(f"{name}: {'ready' if obstacle is None else visible(obstacle.reason)}")
    return Exit.UNFINISHED if any(obstacles.values()) else Exit.CLEAN
