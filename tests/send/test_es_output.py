from __future__ import annotations

import io
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bulk_faults import (
    dripping_body,
    dripping_headers,
    half_an_answer,
    items,
    no_answer,
    one_item_missing,
    page,
    reset_after_receipt,
    reset_before_storing,
    whole,
)
from support.bulk_server import CLUSTER, BulkServer, Fault, Item, failed_item
from support.clock import VirtualClock
from support.es_documents import DATASET, batch_of, documents

from shipper.errors import OutputError
from shipper.events_log import EventsLog, text_writer
from shipper.records import Document, Outcome, OutcomeKind
from shipper.send import deadline as deadlines
from shipper.send.connection import Connection
from shipper.send.elasticsearch import CREDENTIALS_GRACE, ElasticsearchOutput
from shipper.send.output import Dataset, Scope
from shipper.send.questions import ALL_INDICES
from shipper.send.templates import templates
from shipper.settings import ElasticsearchSettings

STORED, ALREADY, RETRY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED, OutcomeKind.RETRY
PAUSED, REFUSED = OutcomeKind.PAUSED, OutcomeKind.REFUSED
DATASETS = [Dataset(DATASET, "default", {"gridftp.nbytes": "long"})]
Open = Callable[..., ElasticsearchOutput]


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def open_output(server: BulkServer, clock: VirtualClock, log: io.StringIO) -> Iterator[Open]:
    outputs: list[ElasticsearchOutput] = []

    def open_one(*hosts: str, **changes: object) -> ElasticsearchOutput:
        settings = ElasticsearchSettings(hosts or (server.url,), **{"deadline": 10.0, **changes})
        outputs.append(ElasticsearchOutput(settings, DATASETS, clock, EventsLog(text_writer(log))))
        return outputs[-1]

    yield open_one
    for output in outputs:
        output.close()


def kinds(output: ElasticsearchOutput, some: list[Document]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in outcomes(output, some)]


def outcomes(output: ElasticsearchOutput, some: list[Document]) -> list[Outcome]:
    return list(output.send(batch_of(some)).outcomes)


def contents(some: list[Document]) -> dict[tuple[str, str], bytes]:
    return {("shipper-" + document.index, document.id): document.body for document in some}


def test_documents_are_stored_once_however_often_they_are_sent(server: BulkServer, open_output: Open) -> None:
    output, some = open_output(), documents(50)
    assert kinds(output, some) == [STORED] * 50
    assert kinds(output, some) == [ALREADY] * 50
    assert server.stored == contents(some)


@pytest.mark.parametrize("compress", [True, False])
def test_bodies_travel_as_they_are_with_and_without_compression(
    server: BulkServer, open_output: Open, compress: bool
) -> None:
    some = documents(20)
    assert kinds(open_output(compress=compress), some) == [STORED] * 20
    assert server.stored == contents(some)
    sent = [headers for _, path, headers in server.requests if path.startswith("/_bulk")]
    assert [headers.get("content-encoding") for headers in sent] == ["gzip" if compress else None]
    assert [headers["content-type"] for headers in sent] == ["application/x-ndjson"]


@pytest.mark.parametrize(
    "fault",
    [
        reset_before_storing,
        reset_after_receipt,
        one_item_missing,
        half_an_answer,
        whole(429),
        whole(500),
        whole(503),
        page(502),
        page(504),
        page(200),
    ],
)
def test_an_unknown_or_passing_failure_is_sent_again_and_ends_with_each_document_once(
    server: BulkServer, open_output: Open, fault: Fault
) -> None:
    output, some = open_output(), documents(10)
    server.script.append(fault)
    assert kinds(output, some) == [RETRY] * 10
    assert set(kinds(output, some)) <= {STORED, ALREADY}
    assert server.stored == contents(some)


def test_a_lost_answer_is_sent_once_and_not_repeated_behind_our_back(server: BulkServer, open_output: Open) -> None:
    server.script += [reset_after_receipt, reset_after_receipt]
    assert kinds(open_output(), documents(5)) == [RETRY] * 5
    assert server.bulk_sizes == [5]


@pytest.mark.parametrize("fault", [dripping_body, dripping_headers, no_answer])
def test_a_server_that_drips_or_falls_silent_costs_no_more_than_the_deadline(
    server: BulkServer, open_output: Open, fault: Fault
) -> None:
    output, some = open_output(deadline=0.5), documents(5)
    server.script.append(fault)
    started = time.monotonic()
    sent = outcomes(output, some)
    assert time.monotonic() - started < 5
    assert [outcome.kind for outcome in sent] == [RETRY] * 5
    assert "no whole answer within 0.5 s" in sent[0].reason
    assert kinds(open_output(), some) == [ALREADY] * 5


def test_a_deadline_that_the_socket_notices_before_the_alarm_is_told_in_the_same_words(
    server: BulkServer, open_output: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines._Alarm, "_ring", lambda alarm: None)
    server.script.append(no_answer)
    (sent, *_) = outcomes(open_output(deadline=0.5), documents(5))
    assert (sent.kind, "no whole answer within 0.5 s" in sent.reason) == (RETRY, True)


def test_each_document_of_a_mixed_answer_has_its_own_outcome(server: BulkServer, open_output: Open) -> None:
    some = documents(6)
    verdicts = {
        some[1].id: failed_item(400, "document_parsing_exception", "[1:2] failed to parse"),
        some[2].id: failed_item(429, "es_rejected_execution_exception"),
        some[4].id: failed_item(403, "cluster_block_exception"),
    }

    def verdict(index: str, name: str, body: bytes) -> Item | None:
        return verdicts.get(name)

    server.script.append(items(verdict))
    assert kinds(open_output(), some) == [STORED, REFUSED, RETRY, STORED, PAUSED, STORED]
    assert server.stored == contents([some[0], some[3], some[5]])


def test_a_request_that_is_too_large_is_halved_until_it_fits(
    server: BulkServer, open_output: Open, log: io.StringIO
) -> None:
    some = documents(64, padding=1000)
    server.size_limit = 12_000
    assert kinds(open_output(), some) == [STORED] * 64
    assert server.stored == contents(some)
    assert "request too large" in log.getvalue()


def test_a_limit_once_learned_is_kept_to(server: BulkServer, open_output: Open) -> None:
    output = open_output()
    server.size_limit = 1_000_000
    assert kinds(output, documents(20, padding=70_000)) == [STORED] * 20
    refused = server.too_large
    assert refused > 0
    assert kinds(output, documents(20, seed="other", padding=70_000)) == [STORED] * 20
    assert server.too_large == refused


def test_only_the_document_that_is_too_large_alone_is_refused(server: BulkServer, open_output: Open) -> None:
    small, large = documents(5), documents(1, seed="large", padding=20_000)
    server.size_limit = 12_000
    assert kinds(open_output(), [*small[:2], *large, *small[2:]]) == [STORED, STORED, REFUSED, STORED, STORED, STORED]
    assert server.stored == contents(small)


def test_once_a_part_fails_as_a_whole_the_rest_waits_unsent(server: BulkServer, open_output: Open) -> None:
    output, some = open_output(), documents(40, padding=10_000)
    server.size_limit = 150_000
    server.script += [whole(429)]
    assert kinds(output, some) == [RETRY] * 40
    assert server.bulk_sizes == [10]


def test_no_document_leaves_before_the_template_of_its_index_is_there(server: BulkServer, open_output: Open) -> None:
    assert kinds(open_output(), documents(3)) == [STORED] * 3
    paths = [(method, path.partition("?")[0]) for method, path, _ in server.requests]
    name = f"/_index_template/shipper-{DATASET}-default"
    assert paths == [("GET", name), ("PUT", name), ("POST", "/_bulk")]
    assert server.templates[f"shipper-{DATASET}-default"] == templates(DATASETS[0])[0].body


def test_the_template_is_looked_up_once_per_index(server: BulkServer, open_output: Open) -> None:
    output = open_output()
    for index in (f"{DATASET}-default-2026.11", f"{DATASET}-default-2026.12"):
        for seed in ("a", "b"):
            assert kinds(output, documents(2, seed=seed, index=index)) == [STORED] * 2
    looked_up = [path for method, path, _ in server.requests if method == "GET"]
    assert looked_up == [f"/_index_template/shipper-{DATASET}-default"] * 2


def test_a_template_that_is_there_is_kept(server: BulkServer, open_output: Open) -> None:
    tuned = {**templates(DATASETS[0])[0].body, "template": {"settings": {"index.number_of_replicas": 2}}}
    server.templates[f"shipper-{DATASET}-default"] = tuned
    assert kinds(open_output(), documents(3)) == [STORED] * 3
    assert server.templates == {f"shipper-{DATASET}-default": tuned}


def test_a_template_from_other_types_is_replaced(server: BulkServer, open_output: Open) -> None:
    old = templates(Dataset(DATASET, "default", {}))[0]
    server.templates[old.name] = dict(old.body)
    assert kinds(open_output(), documents(3)) == [STORED] * 3
    assert server.templates[old.name] == templates(DATASETS[0])[0].body


def test_suspect_times_go_to_an_index_with_a_template_of_its_own(server: BulkServer, open_output: Open) -> None:
    index = f"{DATASET}-default-suspect"
    assert kinds(open_output(), documents(3, index=index)) == [STORED] * 3
    assert list(server.templates) == [f"shipper-{index}"]


def test_without_a_template_manual_setup_pauses_the_dataset_and_says_what_to_do(
    server: BulkServer, open_output: Open
) -> None:
    output = open_output(setup="manual")
    sent = outcomes(output, documents(3))
    assert [outcome.kind for outcome in sent] == [PAUSED] * 3
    assert "is missing; run: shipper setup --apply" in sent[0].reason
    assert server.stored == {}
    assert set(output.apply_setup().values()) == {None}
    assert kinds(output, documents(3)) == [STORED] * 3


def test_a_dataset_without_template_does_not_hold_the_others(server: BulkServer, open_output: Open) -> None:
    ready, unready = documents(4), documents(4, seed="b", index="tstat.tcp-default-2026.11")
    usual = templates(DATASETS[0])[0]
    server.templates[usual.name] = dict(usual.body)
    mixed = [document for pair in zip(ready, unready, strict=True) for document in pair]
    assert kinds(open_output(setup="manual"), mixed) == [STORED, PAUSED] * 4
    assert server.stored == contents(ready)


@pytest.mark.parametrize(("status", "kind"), [(403, PAUSED), (400, PAUSED), (503, RETRY), (429, RETRY)])
def test_a_template_that_cannot_be_looked_up_holds_its_documents(
    server: BulkServer, open_output: Open, status: int, kind: OutcomeKind
) -> None:
    server.template_status = status
    sent = outcomes(open_output(), documents(2))
    assert [outcome.kind for outcome in sent] == [kind] * 2
    assert "could not be looked up" in sent[0].reason
    assert server.stored == {}


def test_refused_credentials_are_retried_for_a_while_before_they_count(
    server: BulkServer, open_output: Open, clock: VirtualClock
) -> None:
    output, some = open_output(), documents(2)
    server.refused_credentials = 3
    assert kinds(output, some) == [RETRY] * 2
    clock.now += CREDENTIALS_GRACE - 1
    assert kinds(output, some) == [RETRY] * 2
    clock.now += 1
    assert kinds(output, some) == [PAUSED] * 2
    assert kinds(output, some) == [STORED] * 2


def test_the_patience_with_refused_credentials_begins_anew_after_a_good_answer(
    server: BulkServer, open_output: Open, clock: VirtualClock
) -> None:
    output, some = open_output(), documents(2)
    server.refused_credentials = 1
    assert kinds(output, some) == [RETRY] * 2
    assert kinds(output, some) == [STORED] * 2
    clock.now += 10 * CREDENTIALS_GRACE
    server.refused_credentials = 1
    assert kinds(output, some) == [RETRY] * 2


def test_a_key_that_is_written_anew_under_its_old_time_is_used_at_once(
    server: BulkServer, open_output: Open, tmp_path: Path
) -> None:
    file = tmp_path / "api_key"
    file.write_text("old==")
    file.chmod(0o600)
    output = open_output(api_key_file=file)
    assert kinds(output, documents(1)) == [STORED]
    asked = len(server.requests)
    written = file.stat().st_mtime_ns
    file.write_text("new==")
    os.utime(file, ns=(written, written))
    assert kinds(output, documents(1, seed="another")) == [STORED]
    keys = [headers["authorization"] for _, _, headers in server.requests]
    assert (set(keys[:asked]), set(keys[asked:])) == ({"ApiKey old=="}, {"ApiKey new=="})


def test_a_server_that_was_away_is_found_again(server: BulkServer, open_output: Open) -> None:
    output, some = open_output(), documents(4)
    assert kinds(output, some[:2]) == [STORED] * 2
    server.stop()
    sent = outcomes(output, some)
    assert [outcome.kind for outcome in sent] == [RETRY] * 4
    assert sent[0].category == "unreachable"
    server.start()
    final = Counter(kinds(output, some) + kinds(output, some))
    assert set(final) <= {STORED, ALREADY, RETRY}
    assert server.stored == contents(some)


def test_when_one_host_is_away_the_next_one_takes_over(server: BulkServer, open_output: Open) -> None:
    with BulkServer() as gone:
        address = gone.url
    output, some = open_output(address, server.url), documents(4)
    for _ in range(4):
        last = kinds(output, some)
    assert last == [ALREADY] * 4
    assert server.stored == contents(some)


def test_the_identity_is_the_clusters_uuid(open_output: Open) -> None:
    assert open_output().identity == CLUSTER


@pytest.mark.parametrize("fault", [reset_before_storing, page(502)])
def test_nothing_is_sent_to_another_cluster_that_has_taken_the_name_of_the_first(
    server: BulkServer, open_output: Open, fault: Fault
) -> None:
    output, some = open_output(), documents(4)
    assert output.identity == CLUSTER
    assert kinds(output, some[:1]) == [STORED]
    server.script.append(fault)
    assert kinds(output, some) == [RETRY] * 4

    server.cluster = "_na_"
    assert kinds(output, some) == [RETRY] * 4
    server.cluster = "made-anew"
    outcome = outcomes(output, some)[0]
    assert (outcome.kind, outcome.category) == (PAUSED, "other_cluster")
    assert (
        "another cluster (made-anew) than the one that the agent began with (stand-in-cluster-uuid)" in outcome.reason
    )
    assert server.stored == contents(some[:1])

    server.cluster = CLUSTER
    assert kinds(output, some) == [ALREADY, STORED, STORED, STORED]
    asked = len(server.requests)
    assert kinds(output, some) == [ALREADY] * 4
    assert not [path for _, path, _ in server.requests[asked:] if path.startswith("/_cluster/state")]


def test_a_question_to_a_server_that_is_away_is_an_error(server: BulkServer, open_output: Open) -> None:
    output = open_output()
    server.stop()
    with pytest.raises(OutputError, match="could not be asked"):
        list(output.tallies(Scope()))
    with pytest.raises(OutputError, match="could not be asked for the cluster's identity"):
        _ = output.identity
    server.start()


def test_a_question_that_the_server_does_not_know_is_an_error(server: BulkServer, open_output: Open) -> None:
    server.unknown.add(f"/{ALL_INDICES}/_refresh")
    with pytest.raises(OutputError, match="status 405"):
        open_output().refresh()


def test_a_refused_connection_names_host_and_port_and_no_object() -> None:
    answer = Connection(ElasticsearchSettings(hosts=("http://127.0.0.1:9",))).request("GET", "/")
    assert answer.failure.startswith("ConnectionError: 127.0.0.1:9: Failed to establish a new connection")
