"""The grok expressions of all pipelines: what the patterns are for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from shipper.cli.grok.trial import pipeline_named, site
from shipper.parse.definition import pipeline_file, pipeline_names


class Expression(NamedTuple):
    """One alternative of a grok step."""

    pipeline: str
    file: str
    step: int
    """Number of the step in the pipeline; the expressions of one step are tried in their order."""
    text: str


def expressions(pattern_dirs: tuple[Path, ...], pipeline_dirs: tuple[Path, ...] = ()) -> Iterator[Expression]:
    """Of the installed pipelines, the site's and those of the folders. Raises ConfigurationError for a wrong one."""
    folders = (*site("pipelines"), *pipeline_dirs)
    for name in pipeline_names(folders):
        rules = json.loads(pipeline_named(name, pattern_dirs, pipeline_dirs).definition)["rules"]
        file = str(pipeline_file(name, folders))
        for number, step in enumerate(_grok_steps(rules["parse"])):
            yield from (Expression(name, file, number, text) for text in step)


def _grok_steps(steps: list[dict[str, Any]]) -> Iterator[list[str]]:
    for step in steps:
        if step.get("grok"):
            yield step["grok"]
        for branch in step.get("first") or ():
            yield from _grok_steps(branch)
