"""What a definition tells readers of its fields: one entry for each, also where it names many by a pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase

from shipper.parse.models import AboutModel, FieldAboutModel, PipelineModel

_SIGNS = frozenset("*?[")


def is_pattern(name: str) -> bool:
    """Whether a name in `about` stands for all fields that are named like it: `tstat.[cs]_ip`, `dns.answers.*`."""
    return not _SIGNS.isdisjoint(name)


def named_fields(model: PipelineModel) -> list[str]:
    """The fields that a definition names and ships, in its order."""
    named = dict.fromkeys([*model.types, *model.ecs, *model.derive, *model.set])
    return [name for name in named if not any(f"{name}.".startswith(f"{helper}.") for helper in model.remove)]


def named_singly(model: PipelineModel) -> list[str]:
    """The names in `about` that a check looks up: those that are no patterns, and patterns that fit no field."""
    fields = named_fields(model)
    return [
        name
        for name in model.about.fields
        if not (is_pattern(name) and any(fnmatchcase(field, name) for field in fields))
    ]


def spelled_out(model: PipelineModel) -> AboutModel:
    """The key `about` with patterns replaced by the fields that the definition names and no entry before has."""
    told = model.about.fields
    fields: dict[str, FieldAboutModel] = {}
    for name, entry in told.items():
        if not is_pattern(name):
            fields[name] = entry
            continue
        for field in named_fields(model):
            if field not in fields and field not in told and fnmatchcase(field, name):
                fields[field] = entry
    return model.about.model_copy(update={"fields": fields})
