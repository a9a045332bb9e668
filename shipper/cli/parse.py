"""`shipper parse`: what a pipeline makes of files or of standard input, without shipping anything."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import click

from shipper.cli.console import visible
from shipper.clock import SystemClock
from shipper.errors import Exit
from shipper.hostname import full_host_name
from shipper.parse.definition import load_pipeline
from shipper.parse.guard import Guard
from shipper.read.files import open_content
from shipper.records import Document, Parsed
from shipper.settings import InputSettings
from shipper.whole_logs import WholeLog, blocks_of, parsed
from shipper.wording import counted

SITE = Path("/etc/shipper")
EVENT_SECONDS = 1.0
"""Processor time after which an event is shown raw, as the agent by default ships it."""
_OURS = ("@timestamp", "message", "shipper", "tags", "host", "log.offset", "log.file", "event.dataset")


@dataclass(slots=True)
class Counts:
    """What became of the lines."""

    documents: int = 0
    unparsed: int = 0
    refused: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    inferred: dict[str, None] = field(default_factory=dict)
    """Fields without a declared type, in the order in which they were met."""

    def add(self, parsed: Parsed) -> None:
        """Count one list of events."""
        self.documents += len(parsed.documents)
        self.unparsed += parsed.unparsed
        self.refused += len(parsed.refused)
        self.inferred.update(dict.fromkeys(parsed.notices))
        for filtered in parsed.filtered:
            self.filtered[filtered.rule] += filtered.tally.lines

    def sentence(self) -> str:
        """For a person."""
        rules = "".join(
            f", {counted(lines, 'line')} filtered by '{rule}'" for rule, lines in sorted(self.filtered.items())
        )
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{counted(self.documents, 'document')}, {self.unparsed} of them unparsed{rules}{refused}."

    def notice(self) -> str:
        """What the definition does not say, for a person."""
        names = visible(", ".join(self.inferred))
        return f"The definition gives these fields no type, so their first values decided: {names}."


@click.command("parse", short_help="Show what a pipeline makes of files.")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--pipeline", "name", required=True, metavar="NAME", help="The pipeline, for example gridftp-transfer.")
@click.option("--timezone", metavar="ZONE", help="The time zone of logs that do not say it, for example Europe/Rome.")
@click.option("--input", "input_id", metavar="NAME", help="The input's name in the documents and their ids.")
@click.option("--host", metavar="NAME", help="The host's name in the documents and their ids; default: this host.")
@click.option(
    "--pipelines",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of pipeline definitions that win over those of the same name.",
)
@click.option(
    "--patterns",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A folder of pattern files that win over patterns of the same name.",
)
@click.option("--ndjson", is_flag=True, help="Print the documents as they would be stored, one JSON object a line.")
def command(
    files: tuple[str, ...],
    name: str,
    timezone: str | None,
    input_id: str | None,
    host: str | None,
    pipelines: Path | None,
    patterns: Path | None,
    ndjson: bool,
) -> int:
    """Parse FILES (also compressed ones), or standard input, as finished files and show the documents.

    Nothing is shipped and nothing is remembered. An event on which a pattern runs away is shown raw, tagged
    `_groktimeout`. Exit code: 0 every line was parsed, 1 some lines were not, or were refused, 2 the pipeline is
    wrong.
    """
    settings = InputSettings(input_id or name, files, name, timezone=timezone)
    pipeline = load_pipeline(
        name,
        settings,
        pipeline_dirs=_folders(SITE / "pipelines", pipelines),
        pattern_dirs=_folders(SITE / "patterns", patterns),
        guard=Guard(EVENT_SECONDS),
    )
    counts = Counts()
    show = _print_json if ndjson else _print_text
    with pipeline.guard.on():
        for log in map(_log, files or ("-",)):
            for _, made in parsed(log, pipeline, host or full_host_name(), settings.name):
                counts.add(made)
                show(made, sys.stdout)
    click.echo(counts.sentence(), err=True)
    if counts.inferred:
        click.echo(counts.notice(), err=True)
    return Exit.FINDINGS if counts.unparsed or counts.refused else Exit.CLEAN


def _folders(site: Path, given: Path | None) -> list[Path]:
    return [folder for folder in (site, given) if folder is not None and folder.exists()]


def _log(name: str) -> WholeLog:
    if name == "-":
        text = sys.stdin.buffer.read()
        return WholeLog("stdin", SystemClock().time(), lambda: iter([text]))
    path = Path(name).absolute()
    return WholeLog(str(path), path.stat().st_mtime, lambda: blocks_of(lambda: open_content(path)))


def _print_json(parsed: Parsed, stream: IO[str]) -> None:
    stream.write("".join(document.body.decode() + "\n" for document in parsed.documents))


def _print_text(parsed: Parsed, stream: IO[str]) -> None:
    stream.write("".join(_line(document) for document in parsed.documents))
    for refusal in parsed.refused:
        stream.write(f"refused, {refusal.category}: {visible(json.loads(refusal.document.body)['message'])}\n")


def _line(document: Document) -> str:
    """Time, tags and text, and below it the fields."""
    body = json.loads(document.body)
    fields = {name: value for name, value in _flat(body) if not name.startswith(_OURS)}
    tags = "".join(f" [{tag}]" for tag in body["tags"])
    text = visible(f"{body['@timestamp']}{tags} {body['message']}")
    shown = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return f"{text}\n    {visible(shown)}\n" if fields else f"{text}\n"


def _flat(fields: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{parent}{name}.")
        else:
            yield f"{parent}{name}", value
