"""Where missing documents belong, and whether that index is still there: it may be deleted whole, for its age."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shipper.audit.context import Context
from shipper.audit.findings import Cause, Finding
from shipper.parse.pipeline import Pipeline
from shipper.send.retention import DAY, has_expired
from shipper.settings import ElasticsearchSettings, Settings


def retentions(settings: Settings, pipelines: Mapping[str, Pipeline]) -> dict[str, float]:
    """How long the documents of each input are kept (seconds), where that is limited: as the longest of its dataset."""
    general = settings.output.retention if isinstance(settings.output, ElasticsearchSettings) else None
    of_dataset: dict[tuple[str, str], float] = defaultdict(float)
    datasets = {item.name: (pipelines[item.name].dataset, item.namespace) for item in settings.inputs}
    for item in settings.inputs:
        key = datasets[item.name]
        of_dataset[key] = max(of_dataset[key], item.retention or general or 0.0)
    return {name: of_dataset[key] for name, key in datasets.items() if of_dataset[key]}


def with_places(
    context: Context, input_name: str, findings: Sequence[tuple[Finding, Collection[str]]]
) -> list[Finding]:
    """Findings of missing documents, each with the `Document.index` of all that it is about. Raises OutputError."""
    absent = context.output.absent({index for _, indices in findings for index in indices})
    kept = context.retention.get(input_name)
    return [_placed(finding, indices, absent, kept, context.now) for finding, indices in findings]


def _placed(
    finding: Finding, indices: Collection[str], absent: Mapping[str, str], kept: float | None, now: float
) -> Finding:
    names = sorted(absent[index] for index in indices if index in absent)
    if not names:
        return finding
    evidence = f"{finding.evidence}; there is no index {', '.join(names)} any more"
    if kept is None or not all(index in absent and has_expired(index, kept, now) for index in indices):
        return replace(finding, evidence=evidence)
    days = "day" if kept == DAY else f"{kept / DAY:g} days"
    evidence += f", and what it held is older than the {days} for which documents are kept"
    return replace(finding, cause=Cause.EXPIRED, evidence=evidence, repair=None)
