"""What another request has put into a cluster's memory counts as stored there once it is on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.bulk_faults import page, reset_after_receipt, whole
from support.bulk_server import BulkServer, Fault
from support.clock import VirtualClock
from support.es_documents import DATASET, batch_of, documents

from shipper.events_log import EventsLog, silent
from shipper.records import ALREADY_STORED, STORED, Document, Outcome, OutcomeKind
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset
from shipper.settings import ElasticsearchSettings

DEADLINE = 10.0
FLUSH = f"/shipper-{DATASET}-default-2026.11/_flush"


@pytest.fixture
def output(server: BulkServer, clock: VirtualClock) -> Iterator[ElasticsearchOutput]:
    datasets = [Dataset(DATASET, "default", {"gridftp.nbytes": "long"})]
    opened = ElasticsearchOutput(
        ElasticsearchSettings((server.url,), deadline=DEADLINE), datasets, clock, EventsLog(silent)
    )
    yield opened
    opened.close()


def sent(output: ElasticsearchOutput, some: list[Document], attempt: int = 0) -> list[Outcome]:
    return list(output.send(replace(batch_of(some), attempt=attempt)).outcomes)


def flushes(server: BulkServer) -> list[str]:
    return [path.partition("?")[0] for _, path, _ in server.requests if "/_flush" in path]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (whole(503), OutcomeKind.RETRY),
        (lambda exchange: exchange.break_off(), OutcomeKind.RETRY),
        (whole(403, "security_exception"), OutcomeKind.PAUSED),
        (page(200), OutcomeKind.RETRY),
        (lambda exchange: exchange.answer(200, {"_shards": {"total": 2, "failed": 1}}), OutcomeKind.RETRY),
    ],
    ids=["away", "no answer", "not permitted", "a page", "a shard failed"],
)
def test_what_is_there_already_after_a_lost_answer_waits_until_its_index_is_flushed(
    server: BulkServer, output: ElasticsearchOutput, clock: VirtualClock, fault: Fault, kind: OutcomeKind
) -> None:
    clock.advance(2 * DEADLINE)
    *some, new = documents(3)
    server.script.append(reset_after_receipt)
    assert {outcome.kind for outcome in sent(output, some)} == {OutcomeKind.RETRY}
    server.trouble = lambda path: fault if path.endswith("/_flush") else None
    *waiting, stored = sent(output, [*some, new], attempt=1)
    assert {outcome.kind for outcome in waiting} == {kind}
    assert "there already could not be brought to disk" in waiting[0].reason
    assert stored == STORED
    server.trouble = lambda path: None
    assert sent(output, some, attempt=2) == [ALREADY_STORED] * 2
    assert flushes(server)[-1] == FLUSH


def test_at_its_start_an_agent_does_not_rely_on_what_another_one_may_be_sending(
    server: BulkServer, output: ElasticsearchOutput, clock: VirtualClock
) -> None:
    some = documents(2)
    assert sent(output, some) == [STORED] * 2
    assert flushes(server) == []
    assert sent(output, some) == [ALREADY_STORED] * 2
    assert flushes(server) == [FLUSH]
    clock.advance(DEADLINE)
    assert sent(output, some) == [ALREADY_STORED] * 2
    assert flushes(server) == [FLUSH], "whoever sent it has given up long ago"
