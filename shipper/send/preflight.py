"""What would keep documents from being stored rightly in a cluster, found before the first of them is sent.

Nothing is changed. What keeps documents from being stored at all is a problem; what lets them be stored, but not as the
pipelines mean it, is a warning. Each is a whole sentence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shipper.errors import OutputError
from shipper.events_log import EventsLog, silent
from shipper.send.bulk import INDEX_PREFIX
from shipper.send.connection import Connection
from shipper.send.layout import SUSPECT, Layout, dataset_key, layout_of
from shipper.send.ledger_template import LEDGER_INDEX, ledger_template
from shipper.send.output import Dataset
from shipper.send.privileges import lack_sentence, lacking, lacking_for_ledger
from shipper.send.questions import Questions
from shipper.send.roles import MANAGE_TEMPLATES
from shipper.send.setup import Setup
from shipper.send.templates import templates
from shipper.send.whole import decoded
from shipper.settings import ElasticsearchSettings

_REMEDY = "Run: shipper setup --apply"

CLOCK_TOLERANCE = 30.0
"""Seconds by which the clocks of this host and of the cluster's nodes may differ."""


@dataclass(slots=True)
class Preflight:
    """What was found."""

    identity: str
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def examine(
    settings: ElasticsearchSettings, datasets: Sequence[Dataset], now: Callable[[], float], *, fleet: bool = False
) -> Preflight:
    """Look at credentials, templates, mappings and clocks. Raises OutputError if the cluster does not answer.

    `now` gives seconds since the epoch; `fleet`: ledger documents are to be written, too.
    """
    connection = Connection(settings)
    try:
        missing = sorted(lacking(connection, datasets, layout_of(settings), "agent", MANAGE_TEMPLATES))
        if ("", "monitor") in missing:
            return Preflight("", problems=[lack_sentence(missing, "the agent")])
        found = Preflight(Questions(connection).cluster_uuid())
        needed = [item for item in missing if item != ("", MANAGE_TEMPLATES)]
        found.problems += [lack_sentence(needed, "the agent")] if needed else []
        found.problems += _templates(connection, settings, datasets, may_install=needed == missing)
        if not any(privilege == "view_index_metadata" for _, privilege in missing):
            found.warnings += _mappings(connection, datasets, layout_of(settings))
        found.warnings += _clocks(connection, now)
        if fleet:
            found.warnings += _ledger(connection, settings, may_install=needed == missing)
    finally:
        connection.close()
    return found


def _templates(
    connection: Connection, settings: ElasticsearchSettings, datasets: Sequence[Dataset], *, may_install: bool
) -> Iterator[str]:
    """Templates without which a dataset would be held."""
    setup = Setup(connection, datasets, EventsLog(silent), layout_of(settings))
    missing = [template.name for template in setup.missing()]
    if not missing or (settings.setup == "auto" and may_install):
        return
    reason = "setup is manual" if settings.setup == "manual" else f"the credentials lack {MANAGE_TEMPLATES}"
    yield (
        f"These index templates are missing, or made from other types than the pipelines declare: {', '.join(missing)}."
        f" The agent will not install them, because {reason}; run: shipper setup --apply"
    )


def _ledger(connection: Connection, settings: ElasticsearchSettings, *, may_install: bool) -> Iterator[str]:
    """What keeps the ledger from being written, and no line from being shipped."""
    setup = Setup(connection, (), EventsLog(silent), others=(ledger_template(),))
    if missing := sorted(lacking_for_ledger(connection, "agent")):
        yield lack_sentence(missing, "an agent that writes its ledger to the output (`fleet`)")
    elif setup.missing() and not (settings.setup == "auto" and may_install):
        yield f"The index template {LEDGER_INDEX} is missing, without which no ledger is written (`fleet`). {_REMEDY}"


def _mappings(connection: Connection, datasets: Sequence[Dataset], layout: Layout) -> Iterator[str]:
    """Fields whose type in an index that is there is not the one that the pipelines need."""
    for dataset in datasets:
        usual, suspect = (types_in(t.body["template"]["mappings"]) for t in templates(dataset, layout))
        differing: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        of_suspects = f"{INDEX_PREFIX}{dataset_key(dataset)}-{SUSPECT}"
        for index, mappings in _live(connection, layout.names(dataset)).items():
            wanted = suspect if of_suspects in index else usual
            live = types_in(mappings)
            for name, kind in wanted.items():
                if live.get(name, kind) != kind:
                    differing[name, live[name], kind].append(index)
        for (name, is_, should), indices in sorted(differing.items()):
            yield (
                f"The field {name} is {is_} in {_count(indices)}, but the pipelines of {dataset.name} make it {should}:"
                " there its values are refused or cannot be found. A mapping that is there cannot be changed; index "
                "the documents anew, or wait for the next period."
            )


def types_in(mappings: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """The types of all fields by dotted name."""
    found: dict[str, str] = {}
    for name, mapping in mappings.get("properties", {}).items():
        found[above + name] = mapping.get("type", "object")
        found |= types_in(mapping, f"{above}{name}.")
    return found


def _live(connection: Connection, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    target = f"/{','.join(names)}/_mapping?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=all"
    content = decoded(connection.request("GET", target), "the mappings of our indices")
    return {index: found["mappings"] for index, found in sorted(content.items())}


def _count(indices: Sequence[str]) -> str:
    return indices[0] if len(indices) == 1 else f"{len(indices)} indices, for example {indices[-1]}"


def _clocks(connection: Connection, now: Callable[[], float]) -> Iterator[str]:
    """Nodes whose clocks differ from ours: an answer names a moment between those of question and answer."""
    before = now()
    answer = connection.request("GET", "/_nodes/stats/process?filter_path=nodes.*.name,nodes.*.timestamp")
    after = now()
    nodes = decoded(answer, "the clocks of its nodes").get("nodes", {})
    if not nodes:
        raise OutputError("Elasticsearch did not tell the clock of any of its nodes.")
    for node in nodes.values():
        there = node["timestamp"] / 1000
        ahead = there - min(max(there, before), after)
        if abs(ahead) > CLOCK_TOLERANCE:
            moment = datetime.fromtimestamp(there, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield (
                f"The clock of the node {node.get('name')} says {moment}, {abs(ahead):.0f} s "
                f"{'after' if ahead > 0 else 'before'} that of this host: one of them is wrong."
            )
