"""What there is to tell of a log: its definition, its types, its samples, read from the pipelines for `formats`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from shipper.errors import ConfigurationError
from shipper.parse.about import spelled_out
from shipper.parse.definition import about as told
from shipper.parse.definition import load_pipeline, pipeline_file
from shipper.parse.marked_yaml import read_marked
from shipper.parse.models import AboutModel, PipelineModel, SampleModel
from shipper.parse.samples import samples_file
from shipper.parse.validation import validated
from shipper.settings import InputSettings

ELSEWHERE = re.compile(r"as in ([\w-]+)")
UNITS = {"event.duration": "ns", "source.bytes": "bytes", "destination.bytes": "bytes", "network.bytes": "bytes"}
"""Units of common fields of which a definition says nothing."""


@dataclass(frozen=True)
class Log:
    """A log as its pipeline has it."""

    name: str
    model: PipelineModel
    about: AboutModel
    """With an entry for each field, none for patterns."""
    types: dict[str, str]
    """Of all fields."""
    zone_required: bool
    """Whether an input must give the time zone."""
    date_missing: bool
    """Whether its times lack the year or the date."""
    samples: tuple[SampleModel, ...]

    @property
    def own(self) -> str:
        """What the names of the log's own fields begin with."""
        return self.name.partition("-")[0] + "."

    @property
    def units(self) -> dict[str, str]:
        """The units of all fields that have one; a copy has that of its source."""
        said = {name: entry.unit for name, entry in self.about.fields.items() if entry.unit}
        copies = {
            target: said[rule.sources[0]]
            for target, rule in self.model.ecs.items()
            if rule.sources[0] in said and rule.scale is None and rule.map is None and rule.as_ is None
        }
        return {**copies, **UNITS, **said}

    def is_common(self, field: str) -> bool:
        """Whether it is a field that other logs have, too, or one that is computed."""
        made = field in self.model.ecs or field in self.model.derive or field in self.model.set
        return made or not field.startswith(self.own)


@cache
def read(name: str) -> Log:
    """The log that a pipeline reads. Raises ConfigurationError."""
    model = validated(PipelineModel, read_marked(pipeline_file(name)))
    pipeline = load_pipeline(name, InputSettings("documented", ("/log",), name, timezone="UTC"))
    samples = validated(tuple[SampleModel, ...], read_marked(samples_file(name)))
    constants = dict.fromkeys(model.set, "keyword")
    types = {**constants, **pipeline.field_types}
    return Log(name, model, looked_up(spelled_out(model)), types, _zone_required(name), pipeline.needs_date, samples)


def looked_up(about: AboutModel) -> AboutModel:
    """With the meaning and unit that another definition gives, where it says no more than `as in tstat-tcp`."""
    others: dict[str, AboutModel] = {}
    fields = dict(about.fields)
    for field, entry in about.fields.items():
        if reference := ELSEWHERE.fullmatch(entry.meaning):
            name = reference[1]
            others[name] = others.get(name) or told(name)
            fields[field] = others[name].fields.get(field, entry)
    return about.model_copy(update={"fields": fields})


def _zone_required(name: str) -> bool:
    try:
        load_pipeline(name, InputSettings("documented", ("/log",), name))
    except ConfigurationError:
        return True
    return False
