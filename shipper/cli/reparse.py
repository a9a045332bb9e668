"""`shipper reparse`: brings a corrected pipeline to lines that were stored unparsed."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from shipper.audit.auditor import Auditor
from shipper.audit.request import Request
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, silent
from shipper.parse.pipeline import Pipeline
from shipper.parse.steps.grok import FAILURE
from shipper.reload.accepted import pipelines_in_force
from shipper.reload.definitions import load_pipelines
from shipper.reparse import Reparsed, Reparser, remember
from shipper.send.outputs import open_output
from shipper.settings import InputSettings, Settings
from shipper.start import datasets
from shipper.wording import counted


@click.command("reparse", short_help="Bring a corrected pipeline to lines that were stored unparsed.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--input", "name", required=True, metavar="NAME", help="The input whose documents are meant.")
@click.option("--tag", default=FAILURE, show_default=True, help="Documents that carry this tag are parsed again.")
@click.option("--dry-run", is_flag=True, help="Change nothing; tell what would change.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(path: Path, *, name: str, tag: str, dry_run: bool, as_json: bool) -> int:
    """Parse stored documents that carry a tag again, by the pipeline as its files are now, and replace them.

    Their lines are read from disk and proved to be the same. What would carry the tag again stays as it is, and so
    does what is gone from disk. Documents keep their ids. The agent may run meanwhile.

    Exit codes: 0 every tagged document was replaced; 1 some were left; 2 wrong usage or configuration; 3 the output
    did not take all, or a file could not be read.
    """
    settings = configuration(path)
    item = next((item for item in settings.inputs if item.name == name), None)
    if item is None:
        allowed = ", ".join(item.name for item in settings.inputs)
        raise UsageError(f"--input {name}: there is no such input. The configuration has {allowed}.")
    pipeline, found = _reparse(settings, item, tag, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(_document(item, pipeline, tag, found, dry_run=dry_run), indent=2))
    else:
        _print(pipeline, tag, found, dry_run=dry_run)
    if found.undelivered:
        return Exit.UNFINISHED
    return Exit.FINDINGS if found.unchanged or found.gone else Exit.CLEAN


def _reparse(settings: Settings, item: InputSettings, tag: str, *, dry_run: bool) -> tuple[Pipeline, Reparsed]:
    clock = SystemClock()
    with pipelines_in_force(settings) as pipelines:
        guard = pipelines[item.name].guard
        pipeline = load_pipelines(replace(settings, inputs=(item,)), guard)[item.name]
        known = datasets(settings, {**pipelines, item.name: pipeline})
        with closing(open_output(settings.output, known, clock, EventsLog(silent))) as output:
            auditor = Auditor(settings, pipelines, output, clock.time, time.sleep)
            request = Request(inputs=(item.name,))
            context = auditor.context(request)
            reparser = Reparser(context, output, pipeline, tag, dry_run=dry_run)
            families, _ = auditor.families(request, context)
            if not dry_run:
                remember(settings, pipeline)
            for family in families:
                reparser.reparse(family)
            output.refresh()
    return pipeline, reparser.found


def _document(item: InputSettings, pipeline: Pipeline, tag: str, found: Reparsed, *, dry_run: bool) -> dict[str, Any]:
    head = {"input": item.name, "pipeline": pipeline.name, "version": pipeline.version, "tag": tag}
    return {**head, **asdict(found), "dry_run": dry_run}


def _print(pipeline: Pipeline, tag: str, found: Reparsed, *, dry_run: bool) -> None:
    done = "would be replaced" if dry_run else "replaced"
    click.echo(
        f"{counted(found.tagged, 'document')} {'carries' if found.tagged == 1 else 'carry'} {visible(tag)} "
        f"from other versions than {pipeline.version}: "
        f"{found.replaced:,} {done}, {found.unchanged:,} would be tagged again or filtered, "
        f"{found.gone:,} without their lines on disk, {len(found.undelivered):,} not taken by the output."
    )
    for name, reason in found.undelivered.items():
        click.echo(f"  {name}: {visible(reason)}", err=True)
