"""Pipelines written in a test, and lines through them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shipper.hashes import chain_start
from shipper.parse.definition import load_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.read.framing import frame
from shipper.records import Event, Filtered, Mark, Refusal, Source
from shipper.settings import InputSettings

HOST = "dtn01.example.org"
PATH = "/var/log/app.log"


@dataclasses.dataclass
class Lab:
    """A folder for definitions and patterns."""

    folder: Path

    def pipeline(self, text: str, *, patterns: str = "", **settings: Any) -> Pipeline:
        """The pipeline that a definition's text describes; without a dataset it gets one."""
        if "dataset:" not in text:
            text = "dataset: app\n" + text
        (self.folder / "app.yml").write_text(text)
        folders = []
        if patterns:
            (self.folder / "patterns").mkdir(exist_ok=True)
            (self.folder / "patterns" / "app.grok").write_text(patterns)
            folders.append(self.folder / "patterns")
        return load_pipeline(
            "app",
            InputSettings("app", (PATH,), "app", **settings),
            pipeline_dirs=[self.folder],
            pattern_dirs=folders,
        )


@dataclasses.dataclass
class Outcome:
    """What became of lines."""

    documents: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    bodies: list[bytes] = dataclasses.field(default_factory=list)
    indices: list[str] = dataclasses.field(default_factory=list)
    ids: list[str] = dataclasses.field(default_factory=list)
    filtered: list[Filtered] = dataclasses.field(default_factory=list)
    refused: list[Refusal] = dataclasses.field(default_factory=list)
    marks: list[Mark] = dataclasses.field(default_factory=list)
    unparsed: int = 0
    notices: list[str] = dataclasses.field(default_factory=list)

    @property
    def times(self) -> list[str]:
        return [document["@timestamp"] for document in self.documents]

    @property
    def tags(self) -> list[list[str]]:
        return [document["tags"] for document in self.documents]


class Reading:
    """A file that is parsed as it grows: each read continues where the one before ended, from its carry."""

    def __init__(self, pipeline: Pipeline, marks: Sequence[Mark] = (), path: str = PATH) -> None:
        self.pipeline = pipeline
        self.source = Source(HOST, "app", path, "0123456789abcdef")
        self.marks = list(marks)
        self.carry: str | None = None
        self.offset = 0
        self.chain = chain_start(HOST, "app")
        self.outcome = Outcome()

    def events(self, data: bytes, *, final: bool = False) -> list[Event]:
        frames = frame(data, self.offset, self.chain, self.pipeline.framing, (), final=final)
        self.offset += frames.consumed
        self.chain = frames.chain
        return frames.events

    def read(self, data: bytes, *, modified: float = 0.0, at_end: bool = False, final: bool = False) -> Outcome:
        """Parse more bytes with a new parser, as after a restart; everything so far."""
        parser = self.pipeline.parser(self.source, self.marks, self.carry)
        parsed = parser.parse(self.events(data, final=final), modified=modified, at_end=at_end)
        self.carry = parsed.carry
        self.marks += parsed.marks
        out = self.outcome
        out.documents += [json.loads(document.body) for document in parsed.documents]
        out.bodies += [document.body for document in parsed.documents]
        out.indices += [document.index for document in parsed.documents]
        out.ids += [document.id for document in parsed.documents]
        out.filtered += parsed.filtered
        out.refused += parsed.refused
        out.marks += parsed.marks
        out.unparsed += parsed.unparsed
        out.notices += parsed.notices
        return out


def without_shapes(pipeline: Pipeline) -> Pipeline:
    """The same pipeline, which writes each document the general way, by itself."""
    rules = dataclasses.replace(pipeline._rules, shapes=None)
    return Pipeline(pipeline.name, pipeline.definition, pipeline._target, pipeline.framing, rules, pipeline.field_types)


def parse(pipeline: Pipeline, *lines: str, marks: Sequence[Mark] = (), path: str = PATH) -> Outcome:
    """Whole lines through a pipeline, as one read of a file."""
    return Reading(pipeline, marks, path).read("".join(f"{line}\n" for line in lines).encode())


def parse_one(pipeline: Pipeline, line: str) -> dict[str, Any]:
    """The only document of a line."""
    (document,) = parse(pipeline, line).documents
    return document
