"""Metrics and health of an agent, as far as the configuration asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from shipper.clock import Clock
from shipper.errors import ConfigurationError, Problem
from shipper.events_log import EventsLog
from shipper.operate.figures import Snapshot
from shipper.operate.health import Health, HealthServer
from shipper.operate.reminders import Standstill
from shipper.operate.textfile import TextfileWriter
from shipper.settings import MetricsSettings, Settings

LONGEST_TURN = 60.0
"""Seconds that the main loop may take for one turn, besides its waiting for the next rescan."""


class Monitor:
    """What the agent tells those who watch it."""

    def __init__(self, turn: Callable[[], None], attach: Callable[[Callable[[], Snapshot]], None]) -> None:
        self.turn = turn
        """To be called at each turn of the main loop."""
        self.attach = attach
        """To be called with the agent's snapshot when it is ready."""


@contextmanager
def monitored(settings: Settings, clock: Clock, events: EventsLog) -> Iterator[Monitor]:
    """Serve and write metrics while the context lasts, if they are wanted. ConfigurationError if the port is taken."""
    if settings.metrics is None:
        yield Monitor(lambda: None, lambda _: None)
        return
    # Only those who want metrics pay for the library.
    from prometheus_client.exposition import choose_encoder, generate_latest  # noqa: PLC0415

    from shipper.operate.metrics import AgentCollector, registry_of  # noqa: PLC0415

    collector = AgentCollector(events.counts, clock.time)
    registry = registry_of(collector)
    health = Health(clock.monotonic, LONGEST_TURN + 2 * settings.rescan)

    def answer(accept: str) -> tuple[str, bytes]:
        encode, kind = choose_encoder(accept)
        return kind, encode(registry)

    def attach(snapshot: Callable[[], Snapshot]) -> None:
        def standstills() -> Sequence[Standstill]:
            return snapshot().standstills

        collector.snapshot, health.standstills = snapshot, standstills

    with ExitStack() as open_ones:
        if settings.metrics.port is not None:
            open_ones.enter_context(closing(_server(settings.metrics.port, health, answer, settings)))
        if settings.metrics.file is not None:
            open_ones.enter_context(closing(_writer(settings.metrics, lambda: generate_latest(registry), events)))
        yield Monitor(health.turn, attach)


def _server(port: int, health: Health, answer: Callable[[str], tuple[str, bytes]], settings: Settings) -> HealthServer:
    try:
        return HealthServer(port, health, answer)
    except OSError as error:
        message = f"Nobody can listen on port {port} of this host: {error.strerror}. Choose another one."
        raise ConfigurationError([Problem(message, str(settings.origin), key="metrics.port")]) from error


def _writer(metrics: MetricsSettings, content: Callable[[], bytes], events: EventsLog) -> TextfileWriter:
    assert metrics.file is not None
    return TextfileWriter(metrics.file, metrics.every, content, events)
