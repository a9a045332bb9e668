"""What must not change while state exists, for ids and index names depend on it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from shipper.errors import StateError
from shipper.settings import InputSettings, Settings

MACHINE = "machine"
"""What the machine's id is recorded under."""


def facts(settings: Settings, datasets: Mapping[str, str], machine: str) -> dict[str, str]:
    """What is recorded at the first start. `datasets` gives the dataset of each input, `machine` the machine's id."""
    found = {"host": settings.host, **({MACHINE: machine} if machine else {})}  # a container may have none
    for item in settings.inputs:
        found[f"input:{item.name}"] = json.dumps(sorted(item.paths))
        found[f"dataset:{datasets[item.name]}"] = f"{item.namespace}/{item.period}"
    return found


def check(recorded: Mapping[str, str], settings: Settings, now: Mapping[str, str]) -> None:
    """Raise StateError where documents would get other ids or places than before."""
    if recorded.get("host", now["host"]) != now["host"]:
        raise StateError(
            f"The host name is {now['host']!r} now; the state was made under {recorded['host']!r}. Document ids depend "
            f"on it. Set `host: {recorded['host']}` if this is the same host; if it is a copy of another machine, give "
            "it a state folder of its own."
        )
    before, machine = recorded.get(MACHINE), now.get(MACHINE)
    if before and machine and before != machine:
        raise StateError(
            f"The machine id is {machine!r} now; the state was made under {before!r}. If the host was moved to this "
            "machine, or installed anew, run: shipper state adopt. If this is a copy of a machine that goes on "
            "shipping, give it a `host` and a state folder of its own."
        )
    check_inputs(recorded, settings)
    for key, value in now.items():
        if key.startswith("dataset:") and recorded.get(key, value) != value:
            raise StateError(
                f"Dataset {key.removeprefix('dataset:')} is shipped to namespace/period {value} now, before to "
                f"{recorded[key]}. Its lines would be stored a second time. Put the old values back."
            )


def check_host(recorded: Mapping[str, str], host: str) -> None:
    """Raise StateError where the state is that of another host."""
    if recorded.get("host", host) != host:
        raise StateError(
            f"The host name is {host!r}; the state was made under {recorded['host']!r}, and says nothing of other "
            f"hosts. Set `host: {recorded['host']}` if this is the same host; to do without the state, use --no-state."
        )


def check_inputs(recorded: Mapping[str, str], settings: Settings) -> None:
    """Raise StateError where an input has got another name."""
    for item in settings.inputs:
        _check_renamed(recorded, settings, item)


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
