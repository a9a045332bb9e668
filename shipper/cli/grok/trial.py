"""What the commands of `shipper grok` share: the library, the expressions to try, and the lines to try them on."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import click

from shipper import config, resources
from shipper.errors import UsageError
from shipper.grok import Grok, Library
from shipper.grok.coverage import Line
from shipper.parse.definition import load_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.read.files import open_content
from shipper.read.framing import read_events
from shipper.records import Framing
from shipper.settings import InputSettings

SITE = Path("/etc/shipper")
patterns_option = click.option(
    "--patterns",
    "directories",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A directory of pattern files, or one file; its definitions win. Can be given several times.",
)
config_option = click.option(
    "-c", "--config", "path", type=click.Path(exists=True, path_type=Path), metavar="FILE",
    help="Know also the patterns and pipelines of this configuration.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
pipeline_option = click.option(
    "--pipeline", metavar="NAME", help="Instead of PATTERN, the expressions that this pipeline tries on lines."
)


timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="A line that takes longer is given up and counts as timed out.",
)


class Source(Protocol):
    """Uncompressed content that is read from the beginning."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; empty at the end."""


def unwatched(_name: str, content: Source) -> Source:
    """The content as it is; the commands that show progress count what is read instead."""
    return content


class Folders(NamedTuple):
    """Where definitions are looked for, beside those that come with shipper and those of the site; the last wins."""

    patterns: tuple[Path, ...]
    pipelines: tuple[Path, ...] = ()


def folders(path: Path | None, directories: tuple[Path, ...]) -> Folders:
    """Those of a configuration, if one is named, and of --patterns. Raises ConfigurationError."""
    if path is None:
        return Folders(directories)
    settings = config.load(path)
    return Folders((*settings.pattern_dirs, *directories), tuple(settings.pipeline_dirs))


def folders_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options -c and --patterns; the command is called with `where`, the folders that they name."""

    @wraps(command)
    def with_folders(*, path: Path | None, directories: tuple[Path, ...], **others: Any) -> int:
        return command(where=folders(path, directories), **others)

    return config_option(patterns_option(with_folders))


@dataclass(frozen=True, slots=True)
class Trial:
    """Expressions, of which the first that matches gives the fields, and how lines become what they are tried on."""

    groks: tuple[Grok, ...]
    framing: Framing = field(default_factory=Framing)
    header: re.Pattern[str] | None = None
    """Lines that are not tried."""
    drop_blank: bool = False
    types: Mapping[str, str] = field(default_factory=dict)
    """Types that the pipeline gives to fields."""

    def events(self, name: str, watch: Callable[[str, Source], Source] = unwatched) -> Iterator[Line]:
        """The events of a file, also of a compressed one, or of standard input (`-`); bad bytes are shown as codes."""
        for lines in self.blocks(name, watch):
            yield from lines

    def blocks(self, name: str, watch: Callable[[str, Source], Source] = unwatched) -> Iterator[list[Line]]:
        """The events in lists of what was read at once."""
        shown = "stdin" if name == "-" else name
        with ExitStack() as stack:
            content: Source = sys.stdin.buffer if name == "-" else stack.enter_context(closing(open_content(name)))
            number = 1
            for events in read_events(watch(name, content), self.framing, "", "", (), final=True):
                lines = []
                for event in events:
                    text = event.raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n").removesuffix("\n")
                    if self._is_tried(text):
                        lines.append(Line(shown, number, text))
                    number += event.tally.lines
                yield lines

    def _is_tried(self, text: str) -> bool:
        if self.drop_blank and not text.strip():
            return False
        return self.header is None or self.header.match(text) is None


def trial_from(arguments: tuple[str, ...], pipeline: str | None, where: Folders) -> tuple[Trial, list[str]]:
    """What to try, and the arguments that are left: the first is the PATTERN unless a pipeline is named."""
    if pipeline is not None:
        return trial_of(pipeline, where), list(arguments)
    if not arguments:
        raise UsageError("Give a PATTERN, or the name of a pipeline with --pipeline.")
    pattern, *rest = arguments
    return Trial((library(where.patterns).compile(pattern),)), rest


def existing_files(names: list[str]) -> list[str]:
    """The names of files that can be read; `-` is standard input, which is also meant when there is none."""
    existing = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return [str(existing.convert(name, None, None)) for name in names or ("-",)]


def trial_of(name: str, where: Folders) -> Trial:
    """What a pipeline tries first on the text of an event."""
    found = pipeline_named(name, *where)
    rules = json.loads(found.definition)["rules"]
    patterns = next(filter(None, map(_tried_on_lines, rules["parse"])), None)
    if patterns is None:
        raise UsageError(f"The pipeline {name} has no grok step that reads the line; see `shipper parse --pipeline`.")
    known = library(where.patterns)
    header = re.compile(rules["header"]) if "header" in rules else None
    types = {name: kind for name, kind in rules["types"].items() if isinstance(kind, str)}
    return Trial(tuple(map(known.compile, patterns)), found.framing, header, rules["blank"] == "drop", types)


def _tried_on_lines(step: Mapping[str, Any]) -> list[str]:
    """The expressions that a step tries on the text of an event: its own, or those with which its branches begin."""
    if step.get("first"):
        return [pattern for branch in step["first"] for pattern in _tried_on_lines(branch[0])]
    return list(step.get("grok") or ()) if step["field"] == "message" else []


def pipeline_named(name: str, pattern_dirs: tuple[Path, ...], pipeline_dirs: tuple[Path, ...] = ()) -> Pipeline:
    """A pipeline as installed, or as the site or a folder overrides it."""
    # The zone of the times does not matter here, and pipelines that leave it to the input want one.
    settings = InputSettings(name, (), name, timezone="UTC")
    patterns = (*site("patterns"), *pattern_dirs)
    return load_pipeline(name, settings, pipeline_dirs=(*site("pipelines"), *pipeline_dirs), pattern_dirs=patterns)


def site(folder: str) -> tuple[Path, ...]:
    """The site's own folder of patterns or pipelines, if there is one."""
    return (SITE / folder,) if (SITE / folder).is_dir() else ()


def library(directories: tuple[Path, ...]) -> Library:
    """The bundled patterns, those that come with shipper, the site's, and the given ones, in this order."""
    return Library.load([resources.patterns()], glob="*.grok").with_files([*site("patterns"), *directories])


def print_document(document: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
