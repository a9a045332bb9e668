"""The pattern and pipeline files on disk: how they look, and the pipelines that they make for the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from shipper import resources
from shipper.errors import ConfigurationError, Problem, ShipperError
from shipper.parse.definition import load_pipeline
from shipper.parse.guard import Guard
from shipper.parse.pipeline import Pipeline
from shipper.settings import Settings

Stamps = Mapping[str, tuple[int, int, int]]
"""Path -> modification time in nanoseconds, size, inode."""


@dataclass(slots=True)
class Candidates:
    """What the files on disk make of each input."""

    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    """By input; those that could be compiled."""
    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By input; why the others could not."""


def load_candidates(settings: Settings, guard: Guard) -> Candidates:
    """Compile every input's pipeline. Mistakes are part of the answer: whether they matter is the caller's question."""
    found = Candidates()
    for position, item in enumerate(settings.inputs):
        try:
            found.pipelines[item.name] = load_pipeline(
                item.pipeline,
                item,
                pipeline_dirs=settings.pipeline_dirs,
                pattern_dirs=settings.pattern_dirs,
                guard=guard,
            )
        except ConfigurationError as error:
            found.problems[item.name] = tuple(_of_input(problem, position) for problem in error.problems)
        except ShipperError as error:  # a folder that is not there
            found.problems[item.name] = (Problem(str(error)),)
    return found


def _of_input(problem: Problem, position: int) -> Problem:
    """A mistake that is in no file of patterns or pipelines is the input's own."""
    return problem if problem.file else replace(problem, key=f"inputs.{position}.{problem.key}")


def load_pipelines(settings: Settings, guard: Guard | None = None) -> dict[str, Pipeline]:
    """The pipeline of each input from the files on disk, by the input's name. Raises ConfigurationError."""
    found = load_candidates(settings, guard or Guard())
    refuse_problems(found.problems)
    return found.pipelines


def refuse_problems(problems: Mapping[str, tuple[Problem, ...]]) -> None:
    """Raise all of them as one ConfigurationError, each once, if there are any."""
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problem for each in problems.values() for problem in each)))


def stamps(settings: Settings) -> Stamps:
    """How all files look that definitions are made of; what vanishes meanwhile is not there."""
    folders = [resources.patterns(), resources.pipelines(), *settings.pattern_dirs, *settings.pipeline_dirs]
    return {str(path): look for folder in folders for path in _files(folder) if (look := _look(path)) is not None}


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
    for pattern in ("*", "samples/*"):
        yield from folder.glob(pattern)


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
