"""A running agent and its reports on itself, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

import orjson
from xxhash import xxh3_64_hexdigest

from shipper import __version__
from shipper.clock import Clock
from shipper.events_log import EventsLog
from shipper.fleet.account import Account, Accountant
from shipper.fleet.notes import AgentNote, Identity, InputNote, StallNote, agent_id
from shipper.fleet.reporter import EVERY, PATIENCE, Reporter, Reports
from shipper.operate.figures import Snapshot
from shipper.parse.pipeline import Pipeline
from shipper.send.ledger_index import LedgerIndex
from shipper.send.outputs import open_ledger
from shipper.settings import ElasticsearchSettings, Settings


@contextmanager
def reported(
    settings: Settings,
    pipelines: Mapping[str, Pipeline],
    snapshot: Callable[[], Snapshot],
    output: str,
    clock: Clock,
    events: EventsLog,
) -> Iterator[Callable[[], Mapping[str, str]]]:
    """Report on an agent while the context lasts, if that is wanted; gives what tells of trouble with it.

    `output`: the identity of the output that it ships to.
    """
    if not settings.fleet:
        yield dict
        return
    who = Identity(settings.host, agent_id(settings.host, str(settings.state)))
    reporter = Reporter(
        who,
        Accountant(settings.state, settings.host, output),
        Signs(who, settings, pipelines, snapshot, clock),
        lambda: _open(settings, events),
        events,
    )
    with closing(Reports(reporter)):
        yield reporter.troubles


class Signs:
    """Makes the signs of life of an agent."""

    def __init__(
        self,
        who: Identity,
        settings: Settings,
        pipelines: Mapping[str, Pipeline],
        snapshot: Callable[[], Snapshot],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._pipelines = pipelines
        self._snapshot = snapshot
        self._clock = clock
        self._rules: dict[str, str] = {}
        """By version of a pipeline."""
        self._last = AgentNote(
            host=who.host,
            agent=who.agent,
            at=0.0,
            every=EVERY,
            ended=False,
            version=__version__,
            started=clock.time(),
            state=str(settings.state),
            configuration=str(settings.origin.absolute()) if settings.origin else "",
        )

    def __call__(self, account: Account | None, ended: bool) -> AgentNote:
        """The sign of life of now, with what is new in the account."""
        snapshot = self._snapshot()
        if account is not None:
            self._last = replace(self._last, dead_letters=dict(account.dead_letters))
        self._last = replace(
            self._last,
            at=self._clock.time(),
            ended=ended,
            inputs=self._inputs(),
            stalls=tuple(StallNote(*each) for each in snapshot.standstills),
            unread={name: size for name, size in dict(snapshot.unread).items() if size},
            committed_at=snapshot.committed_at,
        )
        return self._last

    def _inputs(self) -> tuple[InputNote, ...]:
        return tuple(
            InputNote(
                name=item.name,
                dataset=pipeline.dataset,
                namespace=item.namespace,
                pipeline=item.pipeline,
                version=pipeline.version,
                rules=self._rules_of(pipeline),
                expect=item.expect,
            )
            for item in self._settings.inputs
            if (pipeline := self._pipelines.get(item.name)) is not None
        )

    def _rules_of(self, pipeline: Pipeline) -> str:
        if pipeline.version not in self._rules:
            self._rules[pipeline.version] = rules_of(pipeline)
        return self._rules[pipeline.version]


def rules_of(pipeline: Pipeline) -> str:
    """The hash of what a pipeline's files say: equal on hosts that parse alike, whatever their inputs say."""
    recorded = orjson.loads(pipeline.definition)
    said = {name: recorded.get(name) for name in ("name", "rules", "patterns")}
    return xxh3_64_hexdigest(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))


def _open(settings: Settings, events: EventsLog) -> LedgerIndex:
    """With a deadline that keeps no agent from ending."""
    output = settings.output
    if isinstance(output, ElasticsearchSettings):
        output = replace(output, deadline=min(output.deadline, PATIENCE))
    return open_ledger(output, events, to_write=True)
