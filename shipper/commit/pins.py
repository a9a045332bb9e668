"""What must not change while state exists, for ids and index names depend on it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from shipper.errors import StateError
from shipper.settings import InputSettings, Settings


def facts(settings: Settings, datasets: Mapping[str, str], machine: str) -> dict[str, str]:
    """What is recorded at the first start. `datasets` gives the dataset of each input, `machine` the machine's id."""
    found = {"host": settings.host, "machine": machine}
    for item in settings.inputs:
        found[f"input:{item.name}"] = json.dumps(sorted(item.paths))
        found[f"dataset:{datasets[item.name]}"] = f"{item.namespace}/{item.period}"
    return found


def check(recorded: Mapping[str, str], settings: Settings, now: Mapping[str, str]) -> None:
    """Raise StateError where documents would get other ids or places than before."""
    for key, what in (("host", "host name"), ("machine", "machine id")):
        if recorded.get(key, now[key]) != now[key]:
            raise StateError(
                f"The {what} is {now[key]!r} now; the state was made under {recorded[key]!r}. Document ids depend on "
                f"it. Set `host: {recorded.get('host')}` if this is the same host; if it is a copy of another machine, "
                "give it a state folder of its own."
            )
    for item in settings.inputs:
        _check_renamed(recorded, settings, item)
    for key, value in now.items():
        if key.startswith("dataset:") and recorded.get(key, value) != value:
            raise StateError(
                f"Dataset {key.removeprefix('dataset:')} is shipped to namespace/period {value} now, before to "
                f"{recorded[key]}. Its lines would be stored a second time. Put the old values back."
            )


def _check_renamed(recorded: Mapping[str, str], settings: Settings, item: InputSettings) -> None:
    if f"input:{item.name}" in recorded:
        return
    configured = {f"input:{other.name}" for other in settings.inputs}
    for key, value in recorded.items():
        if not key.startswith("input:") or key in configured:
            continue
        if shared := sorted({*item.paths}.intersection(json.loads(value))):
            old = key.removeprefix("input:")
            raise StateError(
                f"Input {item.name!r} has paths that input {old!r} had: {', '.join(shared)}. Document ids depend on "
                f"the input's name: under a new one every line would be stored a second time. Call it {old!r} again, "
                "or give other paths."
            )
