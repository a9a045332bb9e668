"""`shipper check`: is the configuration right, do the pipelines keep their samples, is the output there?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.checked_inputs import CheckedInput, closed, ignored_zones, overlaps, unreadable
from shipper.cli.console import console, visible
from shipper.cli.update_samples import update_samples
from shipper.clock import SystemClock
from shipper.config import Loaded, load_with_origins
from shipper.config.show import Shown, shown
from shipper.errors import ConfigurationError, Exit, OutputError, Problem, UsageError
from shipper.events_log import EventsLog, silent
from shipper.parse.definition import load_pipeline
from shipper.parse.samples import run_samples
from shipper.read.discover import discover
from shipper.send.outputs import open_output
from shipper.settings import ElasticsearchSettings, InputSettings, Settings, SQLiteSettings
from shipper.start import datasets
from shipper.wording import counted


@dataclass(slots=True)
class Report:
    """What was found."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    inputs: list[CheckedInput] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    output: str | None = None
    """Identity of the output, if it was asked."""
    output_problems: list[str] = field(default_factory=list)
    """What keeps documents from being stored there."""

    @property
    def exit_code(self) -> Exit:
        """Mistakes weigh most, then an output that is away, then warnings."""
        if self.problems:
            return Exit.USAGE
        if self.output_problems:
            return Exit.UNFINISHED
        return Exit.FINDINGS if self.warnings else Exit.CLEAN


@click.command("check", short_help="Check configuration, pipelines and samples, and with --connect the output.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option(
    "--connect", is_flag=True,
    help="Also ask the output: credentials and privileges, templates, mappings of what is there, clocks.",
)  # fmt: skip
@click.option("--show", is_flag=True, help="Print every value in force and where it was written.")
@click.option(
    "--update-samples", "update", is_flag=True,
    help="Make the samples of your pipelines expect what comes out now, and print the difference.",
)  # fmt: skip
@click.option(
    "--pipeline", "names", multiple=True, metavar="NAME",
    help="With --update-samples: only the samples of this pipeline. Can be given several times.",
)  # fmt: skip
@click.option(
    "--accept", "accepted", multiple=True, metavar="PIPELINE/SAMPLE",
    help="With --update-samples: also update this sample, which comes out worse. Can be given several times.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    path: Path,
    *,
    connect: bool,
    show: bool,
    update: bool,
    names: tuple[str, ...],
    accepted: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check the configuration, every pipeline with its samples, and whether two inputs match the same file.

    All mistakes are told at once, each with file, line, key and what is allowed. Nothing is shipped or changed.

    With --update-samples nothing but the samples files of the pipelines in use is looked at, and these are changed:
    only the values that come out otherwise, and never by half. A sample that comes out worse (filtered, or with a tag
    that it did not have, such as _grokparsefailure) is shown and left alone, until it is named with --accept. Samples
    of pipelines that come with shipper are changed in a checkout of it only.

    Exit codes: 0 all is well; 1 there are warnings, or samples that come out worse; 2 there are mistakes; 3 the output
    cannot be used.
    """
    if update and (connect or show):
        raise UsageError("--update-samples cannot be combined with --connect or --show.")
    if update:
        return update_samples(path, names, accepted, as_json=as_json)
    if names or accepted:
        raise UsageError("--pipeline and --accept are for --update-samples.")
    report = examined(path, connect=connect, show=show)
    if as_json:
        click.echo(json.dumps(document(report), indent=2))
    else:
        _print(path, report)
    return report.exit_code


def examined(path: Path, *, connect: bool, show: bool) -> Report:
    """Everything that can be found without shipping."""
    report = Report()
    # A report is the very purpose here: mistakes of all parts are collected instead of ending at the first part.
    try:
        loaded = load_with_origins(path)
    except ConfigurationError as error:
        report.problems += error.problems
        return report
    if show:
        report.shown = shown(loaded.document, loaded.settings, loaded.places)
    for position, item in enumerate(loaded.settings.inputs):
        _check_input(report, loaded, position, item)
    report.problems = list(dict.fromkeys(report.problems))
    report.warnings += overlaps(report.inputs)
    report.warnings += unreadable(report.inputs)
    report.warnings += closed(loaded.settings.inputs)
    report.warnings += ignored_zones(loaded.settings.inputs, report.inputs)
    if connect and not report.problems:
        _ask_outputs(report, loaded.settings)
    return report


def document(report: Report) -> dict[str, Any]:
    """The answer of `--json`."""
    answer: dict[str, Any] = {
        "verdict": {0: "clean", 1: "warnings", 2: "mistakes", 3: "output unusable"}[int(report.exit_code)],
        "problems": [{"file": p.file, "line": p.line, "key": p.key, "message": p.message} for p in report.problems],
        "warnings": report.warnings,
        "inputs": [
            {
                "name": item.name,
                "pipeline": item.pipeline.name,
                "version": item.pipeline.version,
                "dataset": item.pipeline.dataset,
                "files": len(item.files),
            }
            for item in report.inputs
        ],
        "output": {"identity": report.output, "problem": "\n".join(report.output_problems) or None},
    }
    if report.shown:
        answer["settings"] = [row._asdict() for row in report.shown]
    return answer


def _check_input(report: Report, loaded: Loaded, position: int, item: InputSettings) -> None:
    settings = loaded.settings
    try:
        pipeline = load_pipeline(
            item.pipeline, item, pipeline_dirs=settings.pipeline_dirs, pattern_dirs=settings.pattern_dirs
        )
        report.problems += run_samples(pipeline, settings.pipeline_dirs)
    except ConfigurationError as error:
        report.problems += _placed(error.problems, loaded, position)
        return
    report.inputs.append(CheckedInput(item.name, pipeline, tuple(discover(item))))


def _placed(problems: Iterable[Problem], loaded: Loaded, position: int) -> Iterator[Problem]:
    """Problems without a file concern what the configuration asks for: they get the place of the input's pipeline."""
    place = loaded.places["inputs", position, "pipeline"]
    for problem in problems:
        yield problem if problem.file else Problem(problem.message, place.file, place.line, place.key)


def _ask_outputs(report: Report, settings: Settings) -> None:
    """Ask every output; where there are several, what is wrong names the one."""
    identities = []
    for each in settings.outputs or (settings,):
        before = len(report.output_problems)
        _ask_output(report, each)
        if each.output_name:
            report.output_problems[before:] = [f"{each.output_name}: {p}" for p in report.output_problems[before:]]
        identities += [report.output] if report.output else []
        report.output = None
    report.output = ", ".join(identities) or None


def _ask_output(report: Report, settings: Settings) -> None:
    try:
        if isinstance(settings.output, SQLiteSettings):
            report.output = _identity(settings.output)
        else:
            _ask_cluster(report, settings, settings.output)
    except OutputError as error:
        report.output_problems.append(str(error))


def _ask_cluster(report: Report, settings: Settings, cluster: ElasticsearchSettings) -> None:
    from shipper.send.preflight import examine  # noqa: PLC0415  each output costs only those who use it

    pipelines = {item.name: item.pipeline for item in report.inputs}
    found = examine(cluster, datasets(settings, pipelines), SystemClock().time, fleet=settings.fleet)
    report.output = found.identity or None
    report.output_problems += found.problems
    report.warnings += found.warnings


def _identity(settings: SQLiteSettings) -> str:
    if not settings.path.exists():
        return _writable_place(settings.path)
    with closing(open_output(settings, (), SystemClock(), EventsLog(silent))) as output:
        return output.identity


def _writable_place(path: Path) -> str:
    """Looks where a database would be made, without making it."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: the database is not there, and this user may not make it in {folder}.")
    return f"sqlite: to be made at {path}"


def _print(path: Path, report: Report) -> None:
    out, err = console(sys.stdout), console(sys.stderr)
    for problem in report.problems:
        err.print(visible(str(problem)), style="red")
    for warning in report.warnings:
        err.print(f"warning: {visible(warning)}", style="yellow")
    for reason in report.output_problems:
        err.print(f"output: {visible(reason)}", style="red")
    for row in report.shown:
        out.print(f"{row.key}: {visible(row.value)}  # {visible(row.origin)}")
    if report.problems:
        count = len(report.problems)
        err.print(f"{visible(str(path))}: {counted(count, 'mistake')}.")
        return
    for item in report.inputs:
        pipeline = item.pipeline
        match = f"{counted(len(item.files), 'file')} {'matches' if len(item.files) == 1 else 'match'} now"
        out.print(f"input {item.name}: pipeline {pipeline.name} {pipeline.version}, {match}")
    if report.output is not None:
        out.print(f"output: {report.output}")
    if report.exit_code is Exit.CLEAN:
        out.print(f"{visible(str(path))}: no mistakes.")
