"""The whole comparison of transfers with flows: which logs are read, which index is asked, in which order.

Transfers come first, for they say which flows are worth keeping; then the index, then local logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from shipper.correlate.causes import Cause, find_causes
from shipper.correlate.entries import Entry
from shipper.correlate.flows import LAYOUTS, Flow, FlowReader, Layout
from shipper.correlate.gathering import CONTROL_PORTS, Gathered
from shipper.correlate.hosts import Hosts
from shipper.correlate.judgement import Judged, judge_by_index, judge_by_logs, without_transfer
from shipper.correlate.matching import Limits
from shipper.correlate.transfers import Skipped, Transfer, transfers
from shipper.errors import UsageError


@dataclass(frozen=True, slots=True)
class Rules:
    """How transfers and flows are recognised and compared."""

    hosts: Hosts = field(default_factory=Hosts)
    limits: Limits = field(default_factory=Limits)
    layouts: tuple[Layout, ...] = LAYOUTS
    zone: tzinfo = UTC
    """Of times in an index that name none."""
    control_ports: frozenset[int] = CONTROL_PORTS
    default_host: str = ""
    """The server of transfers that do not name it."""
    since: float = float("-inf")
    """Only transfers that began then or later; seconds since the epoch."""
    until: float = float("inf")
    """Only transfers that began before."""


@dataclass(slots=True)
class Compared:
    """What came of it."""

    rules: Rules
    judged: list[Judged]
    causes: list[Cause]
    skipped: Skipped
    index: Gathered | None
    logs: Gathered | None
    index_read_at: float
    """When the index was asked; what is missing may have arrived since. Seconds since the epoch."""
    loose: list[Flow]
    """Flows of the judging source that look like streams and belong to no transfer."""
    duplicates: list[Flow]
    """Flows of which the index holds more than one document."""
    strangers: int
    """Documents of the index, or records of the logs, that tell of no flow."""


def compare(
    gridftp: Iterable[Entry],
    index: Iterable[Entry] | None,
    logs: Iterable[Entry] | None,
    rules: Rules,
    now: Callable[[], float],
    index_name: str = "the index",
) -> Compared:
    """Compare the transfers of a log with the flows of an index, of logs, or of both."""
    skipped = Skipped()
    found = [
        transfer
        for transfer in transfers(gridftp, rules.hosts, rules.default_host, skipped)
        if rules.since <= transfer.start < rules.until
    ]
    if not found:
        raise UsageError("There is no transfer in the GridFTP logs, or none in the time that was asked for.")
    found.sort(key=lambda transfer: (transfer.start, transfer.host))
    read_at = now()
    reader = FlowReader(rules.hosts, rules.layouts, rules.zone)
    indexed = None if index is None else _gathered(found, index, reader, rules)
    if indexed is not None:
        reader.require_flows(index_name)
    log_reader = FlowReader(rules.hosts)
    logged = None if logs is None else _gathered(found, logs, log_reader, rules)
    judged = _judged(found, indexed, logged, rules, reader.would_know)
    main = indexed or logged
    assert main is not None
    return Compared(
        rules=rules,
        judged=judged,
        causes=find_causes(judged, main.flows),
        skipped=skipped,
        index=indexed,
        logs=logged,
        index_read_at=read_at,
        loose=without_transfer(judged, main),
        duplicates=[flow for flow in indexed.flows if len(flow.documents) > 1] if indexed else [],
        strangers=reader.strangers + log_reader.strangers,
    )


def _gathered(found: Sequence[Transfer], entries: Iterable[Entry], reader: FlowReader, rules: Rules) -> Gathered:
    gathered = Gathered(found, rules.control_ports)
    gathered.add_all(_flows(entries, reader))
    return gathered


def _flows(entries: Iterable[Entry], reader: FlowReader) -> Iterator[Flow | None]:
    for entry in entries:
        yield reader.flow(entry)


def _judged(
    found: Sequence[Transfer],
    index: Gathered | None,
    logs: Gathered | None,
    rules: Rules,
    would_know: Callable[[str], bool],
) -> list[Judged]:
    if index is not None:
        return judge_by_index(found, index, logs, rules.hosts, rules.limits, would_know)
    if logs is not None:
        return judge_by_logs(found, logs, rules.hosts, rules.limits)
    raise UsageError("Flows are needed to compare the transfers with: give --tstat, --index or both.")
