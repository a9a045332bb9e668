"""The definitions that were taken for each input: kept in the state, and in force until another one is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

from shipper.commit.state import State
from shipper.errors import ConfigurationError
from shipper.parse.definition import for_input, restore_pipeline
from shipper.parse.guard import Guard
from shipper.parse.pipeline import Pipeline
from shipper.reload.definitions import load_pipelines
from shipper.settings import Settings

_KEY = "pipeline:"


def accepted_pipelines(
    state: State, settings: Settings, guard: Guard, compiled: Mapping[str, Pipeline] | None = None
) -> dict[str, Pipeline]:
    """The pipelines that were taken last, by input, with what the inputs say of parsing now.

    `compiled` are those of the files: one that is the same need not be compiled again. An input is absent if it is
    new, names another pipeline than then, or if this version of shipper does not understand the recorded definition.
    """
    definitions, pins = state.definitions(), state.pins()
    found = {}
    for item in settings.inputs:
        recorded = definitions.get(pins.get(_KEY + item.name, ""))
        definition = for_input(recorded, item) if recorded is not None else None
        ready = (compiled or {}).get(item.name)
        if ready is not None and ready.definition == definition:
            found[item.name] = ready
        elif definition is not None:
            try:
                found[item.name] = restore_pipeline(definition, guard)
            except ConfigurationError:
                continue  # recorded by another version of shipper: the files on disk decide alone
    return found


def accept(state: State, pipelines: Mapping[str, Pipeline]) -> None:
    """Record that these are in force, by input."""
    for pipeline in pipelines.values():
        state.define(pipeline.version, pipeline.definition)
    state.pin({_KEY + name: pipeline.version for name, pipeline in pipelines.items()})


@contextmanager
def pipelines_in_force(settings: Settings, *, use_state: bool = True) -> Iterator[dict[str, Pipeline]]:
    """The pipelines that the agent uses or would use, by input, guarded against runaways within the context.

    Those that were taken last; for inputs that have none yet, or without state, those of the files. Raises
    ConfigurationError.
    """
    guard = Guard(settings.parse_timeout)
    state = State.open_read_only(settings.state, settings.host) if use_state else None
    found = {}
    if state is not None:
        with closing(state):
            found = accepted_pipelines(state, settings, guard)
    new = tuple(item for item in settings.inputs if item.name not in found)
    found.update(load_pipelines(replace(settings, inputs=new), guard))
    with guard.on():
        yield {item.name: found[item.name] for item in settings.inputs}
