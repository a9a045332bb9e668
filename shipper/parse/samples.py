"""Samples of pipelines: lines and what becomes of them, kept beside the definition and run at load and in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shipper.errors import ConfigurationError, Problem
from shipper.hashes import chain_start, chains, tally_of
from shipper.parse.definition import pipeline_file, restore_pipeline
from shipper.parse.marked_yaml import read_marked
from shipper.parse.models import PipelineModel, SampleModel
from shipper.parse.pipeline import Pipeline
from shipper.parse.validation import validated
from shipper.records import Event, Framing, Mark, MarkKind, Parsed, Source

_NO_SAMPLES = (
    "The pipeline has no samples: write real lines of the log into this file, each as `- text: 'LINE'`; `shipper check "
    "--update-samples` fills in what becomes of them."
)
_HOST, _INPUT = "host.example.org", "samples"
_OURS = (("message",), ("shipper",), ("host", "name"), ("event", "dataset"), ("log", "offset"), ("log", "file"))
"""What every document has, whatever its pipeline."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a sample: its document's fields by dotted names, or else the rule that filters it."""

    fields: dict[str, Any] | None
    rule: str | None

    @property
    def tags(self) -> frozenset[str]:
        """The tags of the document."""
        return frozenset((self.fields or {}).get("tags", ()))


def run_samples(pipeline: Pipeline, pipeline_dirs: Sequence[Path] = ()) -> list[Problem]:
    """Parse the samples of a pipeline and say where the outcome is another; a pipeline without samples is a problem.

    Raises ConfigurationError for a samples file that is not there or not valid.
    """
    file = samples_file(pipeline.name, pipeline_dirs)
    if not file.exists():
        raise ConfigurationError([Problem(_NO_SAMPLES, str(file))])
    written = read_marked(file)
    samples = validated(tuple[SampleModel, ...], written)
    if not samples:
        return [Problem("There is no sample in this file.", written.file)]
    return [
        Problem(f"The sample '{sample.name or place + 1}' {difference}", written.file, written.line((place,)))
        for place, sample in enumerate(samples)
        for difference in differences(sample, outcome(pipeline, sample))
    ]


def samples_file(name: str, pipeline_dirs: Sequence[Path] = ()) -> Path:
    """The file with the samples of a pipeline, whether it is there or not. Raises ConfigurationError."""
    definition = pipeline_file(name, pipeline_dirs)
    model = validated(PipelineModel, read_marked(definition))
    return definition.parent / (model.samples or f"samples/{name}.yml")


def outcome(pipeline: Pipeline, sample: SampleModel) -> Outcome | None:
    """What a pipeline makes of a sample; None for one that is not a single event by the pipeline's `lines`."""
    suited = _in_zone(pipeline, sample.timezone)
    lines = sample.text.encode().split(b"\n")
    if not _is_one_event(lines, suited.framing):
        return None
    parsed = _parse(suited, sample, [line + b"\n" for line in lines])
    if parsed.documents:
        return Outcome(_parsed_part(orjson.loads(parsed.documents[-1].body)), None)
    return Outcome(None, parsed.filtered[-1].rule)


def differences(sample: SampleModel, found: Outcome | None) -> list[str]:
    """What is other than the sample says: the ends of sentences about it."""
    if found is None:
        return ["is not one event by the definition's 'lines'."]
    fate = f"filtered by '{found.rule}'" if found.rule else "shipped"
    if sample.filtered is not None:
        return [] if sample.filtered == found.rule else [f"is not filtered by '{sample.filtered}' but {fate}."]
    if found.fields is None:
        return [f"is {fate}, not shipped."]
    expected = expected_fields(sample)
    return [
        f"has {name} = {_shown(found.fields.get(name))}, expected is {_shown(expected.get(name))}."
        for name in sorted(found.fields.keys() | expected.keys())
        if _shown(found.fields.get(name)) != _shown(expected.get(name))
    ]


def expected_fields(sample: SampleModel) -> dict[str, Any]:
    """The fields that a sample expects, by dotted names."""
    return flat({"tags": [], **(sample.expect or {})})


def _in_zone(pipeline: Pipeline, timezone: str | None) -> Pipeline:
    """The same pipeline for an input in the sample's zone."""
    if timezone is None:
        return pipeline
    recorded = orjson.loads(pipeline.definition)
    recorded["input"]["timezone"] = timezone
    return restore_pipeline(orjson.dumps(recorded, option=orjson.OPT_SORT_KEYS).decode(), pipeline.guard)


def _is_one_event(lines: Sequence[bytes], framing: Framing) -> bool:
    if framing.splits is not None and any(framing.splits.search(line, 1) for line in lines):
        return False
    if framing.starts is not None:
        return not any(framing.starts.match(line) for line in lines[1:])
    if framing.continues is not None:
        return all(framing.continues.match(line) for line in lines[1:])
    return len(lines) == 1


def _parse(pipeline: Pipeline, sample: SampleModel, lines: Sequence[bytes]) -> Parsed:
    before = [line.encode() + b"\n" for line in sample.before]
    links = chains([*before, *lines], chain_start(_HOST, _INPUT))
    events, offset = [], 0
    for place, group in enumerate([*([line] for line in before), lines]):
        raw = b"".join(group)
        events.append(Event(offset, tally_of(group), links[place], raw))
        offset += len(raw)
    marks = [Mark(0, MarkKind.DATE, sample.date)] if sample.date else []
    source = Source(_HOST, _INPUT, f"/samples/{pipeline.name}", f"{links[0]:016x}")
    parsed = pipeline.parser(source, marks, None).parse(events, modified=0.0, at_end=False)
    last = events[-1].offset
    parsed.documents = [document for document in parsed.documents if document.offset == last]
    parsed.filtered = [filtered for filtered in parsed.filtered if filtered.offset == last]
    return parsed


def _parsed_part(body: dict[str, Any]) -> dict[str, Any]:
    """A document's fields by dotted names, without those that every document has."""
    for *parents, name in _OURS:
        place = body
        for parent in parents:
            place = place[parent]
        del place[name]
    return flat(body)


def flat(fields: Mapping[str, Any], parent: str = "") -> dict[str, Any]:
    """Nested fields by dotted names."""
    dotted: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            dotted.update(flat(value, f"{parent}{name}."))
        else:
            dotted[f"{parent}{name}"] = value
    return dotted


def _shown(value: Any) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()
