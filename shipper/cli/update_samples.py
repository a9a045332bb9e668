"""`shipper check --update-samples`: writes what comes out now into samples files, and shows the difference."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from shipper import resources
from shipper.cli.console import console, visible
from shipper.config import load
from shipper.errors import ConfigurationError, Exit, Problem, UsageError
from shipper.parse.definition import load_pipeline, pipeline_file
from shipper.parse.samples_update import Change, Update, planned_update, write_update
from shipper.settings import InputSettings, Settings
from shipper.wording import counted

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Planned:
    """What shall become of a samples file, and whether that is ours to write."""

    update: Update
    is_ours: bool
    """False for a pipeline that comes with shipper, unless in a checkout: the next upgrade would undo the change."""

    @property
    def is_written(self) -> bool:
        """Whether the file changes."""
        return self.is_ours and bool(self.update.updated)

    @property
    def is_open(self) -> bool:
        """Whether samples still come out otherwise than the file says."""
        return bool(self.update.withheld) or (bool(self.update.updated) and not self.is_ours)


def update_samples(path: Path, names: Sequence[str], accepted: Sequence[str], *, as_json: bool) -> int:
    """Update the samples of the pipelines that a configuration uses, or of those named; the exit code.

    Nothing is written unless all that was asked for is free of mistakes. Raises ConfigurationError and UsageError.
    """
    plans = _plans(load(path), names, accepted)
    _check_names(accepted, plans)
    for plan in plans:
        if plan.is_written:
            write_update(plan.update)
    if as_json:
        click.echo(json.dumps(_document(plans), indent=2))
    else:
        _print(plans, path)
    return Exit.FINDINGS if any(plan.is_open for plan in plans) else Exit.CLEAN


def _plans(settings: Settings, names: Sequence[str], accepted: Sequence[str]) -> list[Planned]:
    problems: list[Problem] = []
    plans: dict[Path, Planned] = {}
    for item in _inputs(settings, names):
        # As in `check`, mistakes of all pipelines are told together.
        try:
            plan = _plan(item, settings, accepted)
        except ConfigurationError as error:
            problems += error.problems
        else:
            plans.setdefault(plan.update.file, plan)
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    return list(plans.values())


def _inputs(settings: Settings, names: Sequence[str]) -> list[InputSettings]:
    """One input for each pipeline: the first that uses it, or one made up where none does."""
    users: dict[str, InputSettings] = {}
    for item in settings.inputs:
        users.setdefault(item.pipeline, item)
    # Samples of a pipeline that leaves the zone to its inputs name their own.
    return [users.get(name) or InputSettings(name, (), name, timezone="UTC") for name in dict.fromkeys(names or users)]


def _plan(item: InputSettings, settings: Settings, accepted: Sequence[str]) -> Planned:
    folders = settings.pipeline_dirs
    pipeline = load_pipeline(item.pipeline, item, pipeline_dirs=folders, pattern_dirs=settings.pattern_dirs)
    is_installed = pipeline_file(pipeline.name, folders).parent == resources.pipelines()
    return Planned(planned_update(pipeline, folders, accepted), not is_installed or resources.in_checkout())


def _check_names(accepted: Sequence[str], plans: Sequence[Planned]) -> None:
    known = {sample for plan in plans for sample in plan.update.samples}
    for name in accepted:
        if name not in known:
            raise UsageError(f"There is no sample '{name}'; there are {', '.join(sorted(known))}.")


def _document(plans: Sequence[Planned]) -> dict[str, Any]:
    """The answer of `--json`."""
    return {
        "verdict": "open" if any(plan.is_open for plan in plans) else "clean",
        "files": [
            {
                "file": str(plan.update.file),
                "pipeline": plan.update.pipeline,
                "written": plan.is_written,
                "updated": [_as_json(change) for change in plan.update.updated],
                "withheld": [_as_json(change) for change in plan.update.withheld],
                "diff": plan.update.difference(),
            }
            for plan in plans
        ],
    }


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "sample": change.sample,
        "line": change.line,
        "differences": list(change.differences),
        "worse": change.worse,
    }


def _print(plans: Sequence[Planned], path: Path) -> None:
    out, err = console(sys.stdout), console(sys.stderr)
    for plan in plans:
        for line in plan.update.difference().split("\n")[:-1]:
            out.print(visible(line), style=_COLOURS.get(line[:1]))
        for change in plan.update.withheld:
            for line in _worse(plan.update, change):
                err.print(visible(line), style="yellow")
        if plan.update.updated and not plan.is_ours:
            err.print(visible(_foreign(plan.update)), style="yellow")
    written = [plan for plan in plans if plan.is_written]
    samples = sum(len(plan.update.updated) for plan in written)
    err.print(f"{counted(samples, 'sample')} in {counted(len(written), 'file')} updated.")
    names = [change.sample for plan in plans for change in plan.update.withheld]
    if names:
        accept = " ".join(f"--accept {shlex.quote(name)}" for name in names)
        err.print(visible(f"If that is meant: shipper check -c {shlex.quote(str(path))} --update-samples {accept}"))


def _worse(update: Update, change: Change) -> list[str]:
    head = f"{update.file}:{change.line}: The sample {change.sample} comes out worse: {change.worse}. It is left alone."
    return [head, *(f"    It {difference}" for difference in change.differences)]


def _foreign(update: Update) -> str:
    return (
        f"{update.file}: not written, for the pipeline {update.pipeline} comes with shipper. To change it, copy the "
        "pipeline and its samples to a folder of your own."
    )
