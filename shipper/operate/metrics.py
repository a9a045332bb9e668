"""What Prometheus scrapes: one snapshot of the agent, made when somebody asks, so that shipping pays nothing for it.

Names follow Prometheus' rules: base units, `_total` for what only grows, a label for the input and none for files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from shipper import __version__
from shipper.operate.figures import Snapshot
from shipper.operate.reminders import Standstill


class AgentCollector(Collector):
    """The metrics of an agent that may not be there yet."""

    def __init__(self, events: Mapping[str, int], now: Callable[[], float]) -> None:
        """`events` counts the named events; `now` gives seconds since the epoch."""
        self._events = events
        self._now = now
        self.snapshot: Callable[[], Snapshot] | None = None
        """Set when the agent is ready."""

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now."""
        yield _labelled(GaugeMetricFamily, "shipper_build_info", "The version that runs.", "version", {__version__: 1})
        # Copied in one step: the agent goes on counting meanwhile.
        yield _labelled(CounterMetricFamily, "shipper_events", "Named events of the log.", "event", dict(self._events))
        yield GaugeMetricFamily("shipper_ready", "Whether the agent has begun to ship.", int(self.snapshot is not None))
        if self.snapshot is not None:
            snapshot = self.snapshot()
            yield from _of_inputs(snapshot)
            yield from _of_sending(snapshot)
            yield from _of_limits(snapshot)
            yield from _of_standstills(snapshot.standstills, self._now())


def registry_of(collector: AgentCollector) -> CollectorRegistry:
    """The agent's metrics, and those of its process that every program exports."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _labelled(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    name: str,
    text: str,
    label: str,
    values: Mapping[str, float],
) -> Metric:
    family = kind(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _of_inputs(snapshot: Snapshot) -> Iterator[Metric]:
    inputs = snapshot.inputs
    counters: dict[str, tuple[str, Mapping[str, float]]] = {
        "shipper_read_lines": ("Lines read.", {name: each.lines for name, each in inputs.items()}),
        "shipper_read_bytes": ("Bytes read, uncompressed.", {name: each.bytes for name, each in inputs.items()}),
        "shipper_parsed_documents": ("Documents made.", {name: each.documents for name, each in inputs.items()}),
        "shipper_unparsed_documents": (
            "Documents that no pattern matched, shipped raw.",
            {name: each.unparsed for name, each in inputs.items()},
        ),
    }
    for metric, (text, values) in counters.items():
        yield _labelled(CounterMetricFamily, metric, text, "input", values)
    lines = CounterMetricFamily(
        "shipper_settled_lines",
        "Lines below the checkpoints, by what became of them.",
        labels=["input", "fate", "cause"],
    )
    sizes = CounterMetricFamily("shipper_settled_bytes", "Bytes of these lines.", labels=["input", "fate", "cause"])
    for name, each in inputs.items():
        for family, counted in ((lines, dict(each.settled_lines)), (sizes, dict(each.settled_bytes))):
            for fate, count in counted.items():
                what, _, cause = fate.partition(":")
                family.add_metric([name, what, cause], count)
    yield from (lines, sizes)
    unread = "Bytes in open files that are not read yet."
    yield _labelled(GaugeMetricFamily, "shipper_unread_bytes", unread, "input", snapshot.unread)
    yield GaugeMetricFamily("shipper_matching_files", "Files that the inputs match.", snapshot.matching)
    yield _labelled(GaugeMetricFamily, "shipper_files", "Files by what is done with them.", "state", snapshot.files)


def _of_sending(snapshot: Snapshot) -> Iterator[Metric]:
    answers = "Documents sent, by what the output said; one that is sent again is counted again."
    yield _labelled(CounterMetricFamily, "shipper_sent_documents", answers, "outcome", snapshot.outcomes)
    limits = [*map(str, snapshot.request_limits), "+Inf"]
    yield HistogramMetricFamily(
        "shipper_batch_seconds",
        "Time that the output took for a batch.",
        buckets=list(zip(limits, accumulate(snapshot.request_counts), strict=True)),
        sum_value=snapshot.request_seconds,
    )
    text = "When a checkpoint moved last, in seconds since the epoch; 0 before the first time."
    yield GaugeMetricFamily("shipper_last_commit_timestamp_seconds", text, snapshot.committed_at)


def _of_limits(snapshot: Snapshot) -> Iterator[Metric]:
    for name, text, value in (
        ("shipper_in_flight_documents", "Documents without a final outcome.", snapshot.documents_in_flight),
        ("shipper_in_flight_bytes", "Their size.", snapshot.bytes_in_flight),
        ("shipper_in_flight_limit_bytes", "The size at which reading waits.", snapshot.memory),
        ("shipper_dead_letter_bytes", "Size of the dead letters.", snapshot.dead_letter_bytes),
        ("shipper_dead_letter_limit_bytes", "The size at which their files wait.", snapshot.dead_letter_limit),
    ):
        yield GaugeMetricFamily(name, text, value)


def _of_standstills(standstills: Sequence[Standstill], now: float) -> Iterator[Metric]:
    """Files are told together: their paths would be a label without end."""
    since: dict[str, float] = {}
    for each in standstills:
        scope = each.kind if each.kind == "file" else each.scope
        since[scope] = min(each.since, since.get(scope, each.since))
    seconds = {scope: max(0.0, now - began) for scope, began in since.items()}
    yield _labelled(GaugeMetricFamily, "shipper_stall_seconds", "For how long it stands still.", "scope", seconds)
    kinds = Counter(each.kind for each in standstills)
    yield _labelled(GaugeMetricFamily, "shipper_stalls", "How many stand still, by kind.", "kind", kinds)
