"""A document that is stored, whose answer was lost, and that is refused when it is sent again, is no dead letter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from support.bulk_faults import page, reset_after_receipt, whole
from support.bulk_server import BulkServer, Fault, Item, failed_item
from support.clock import VirtualClock
from support.es_documents import DATASET, batch_of, documents
from support.site import Site, transfer

from shipper.agent import Totals
from shipper.events_log import EventsLog, silent
from shipper.records import ALREADY_STORED, STORED, Document, Outcome, OutcomeKind
from shipper.send.connection import Answer, Connection
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.layout import Layout
from shipper.send.output import Dataset
from shipper.send.refusals import Refusals
from shipper.settings import ElasticsearchSettings
from shipper.start import agent

LINES = [transfer(number) for number in range(60)]
NO_FIELD = failed_item(400, "document_parsing_exception", "failed to parse field [gridftp.nbytes] of type [long]")
REFUSED = Outcome(OutcomeKind.REFUSED, "mapping", "it does not fit")


@pytest.fixture
def output(server: BulkServer) -> Iterator[ElasticsearchOutput]:
    datasets = [Dataset(DATASET, "default", {"gridftp.nbytes": "long"})]
    settings = ElasticsearchSettings((server.url,), deadline=10.0)
    opened = ElasticsearchOutput(settings, datasets, VirtualClock(), EventsLog(silent))
    yield opened
    opened.close()


@pytest.fixture
def site(tmp_path: Path, server: BulkServer) -> Site:
    site = Site(tmp_path, store=ElasticsearchSettings((server.url,), deadline=10.0))
    site.write("a.log", LINES)
    return site


def refuse(server: BulkServer, *some: Document) -> None:
    """From now on the mapping takes these no more; a cluster looks at that before it looks at ids."""
    ids = {document.id for document in some}
    server.rule = lambda index, name, body: NO_FIELD if name in ids else None


def limit(server: BulkServer, *_: Document) -> None:
    """From now on no request is small enough."""
    server.size_limit = 10


def kinds(output: ElasticsearchOutput, some: list[Document]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in output.send(batch_of(some)).outcomes]


@pytest.mark.parametrize("change", [refuse, limit], ids=["by its mapping", "by its size"])
def test_what_was_stored_before_it_is_refused_is_already_stored(
    server: BulkServer, output: ElasticsearchOutput, change: Callable[..., None]
) -> None:
    one, other = documents(2)
    server.script.append(reset_after_receipt)
    assert kinds(output, [one]) == [OutcomeKind.RETRY]
    change(server, one, other)
    assert kinds(output, [one, other]) == [OutcomeKind.ALREADY_STORED, OutcomeKind.REFUSED]
    assert [name for _, name in server.stored] == [one.id]


def test_nothing_is_asked_where_nothing_is_refused(server: BulkServer, output: ElasticsearchOutput) -> None:
    kinds(output, documents(3))
    assert not [path for _, path, _ in server.requests if "_mget" in path]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (whole(503), OutcomeKind.RETRY),
        (whole(429), OutcomeKind.RETRY),
        (lambda exchange: exchange.break_off(), OutcomeKind.RETRY),
        (whole(403, "security_exception"), OutcomeKind.PAUSED),
        (page(200), OutcomeKind.PAUSED),
        (lambda exchange: exchange.answer(200, {"docs": []}), OutcomeKind.PAUSED),
    ],
    ids=["away", "busy", "no answer", "not permitted", "a page", "half an answer"],
)
def test_while_nobody_tells_whether_it_is_stored_a_refused_document_waits(
    server: BulkServer, output: ElasticsearchOutput, fault: Fault, kind: OutcomeKind
) -> None:
    one, other = documents(2)
    refuse(server, one)
    server.trouble = lambda path: fault if path == "/_mget" else None
    waits, stored = output.send(batch_of([one, other])).outcomes
    assert (waits.kind, stored) == (kind, STORED)
    assert "Whether documents that were refused are stored already" in waits.reason
    server.trouble = lambda path: None
    assert kinds(output, [one]) == [OutcomeKind.REFUSED]


class Streams:
    """A cluster with a data stream of two indices, of which the older one holds a document."""

    def __init__(self, held: str) -> None:
        self._held = held

    def request(self, method: str, target: str, body: bytes = b"", **_: str) -> Answer:
        if target.startswith("/_resolve/index/shipper-gridftp.transfer-default?"):
            indices = [f".ds-shipper-gridftp.transfer-default-2026.11.0{number}-00000{number}" for number in (1, 2)]
            return Answer(200, orjson.dumps({"data_streams": [{"backing_indices": indices}]}))
        if target.startswith("/_resolve/index/"):
            return Answer(404, b"{}")
        asked = orjson.loads(body)["docs"]
        docs = [{**place, "found": (place["_index"][-1], place["_id"]) == ("1", self._held)} for place in asked]
        return Answer(200, orjson.dumps({"docs": docs}))


def test_every_index_of_a_stream_is_asked() -> None:
    one, other, suspect = documents(3)
    suspect.index = f"{DATASET}-default-suspect"
    refusals = Refusals(cast("Connection", Streams(one.id)), Layout.DATA_STREAM)
    assert refusals.proved([one, other, suspect], [REFUSED, REFUSED, REFUSED]) == [ALREADY_STORED, REFUSED, REFUSED]


def test_an_index_that_is_not_there_holds_nothing() -> None:
    class Empty:
        def request(self, *_: Any, **__: Any) -> Answer:
            return Answer(200, orjson.dumps({"docs": [{"error": {"type": "index_not_found_exception"}}]}))

    refusals = Refusals(cast("Connection", Empty()), Layout.INDICES)
    assert refusals.proved(documents(1), [REFUSED]) == [REFUSED]


def ship(site: Site) -> Totals:
    with agent(site.settings, VirtualClock(), EventsLog(silent), threads=0) as running:
        running.once()
        return running.totals


def no_number_fits(server: BulkServer) -> None:
    def rule(index: str, name: str, body: bytes) -> Item | None:
        return NO_FIELD if orjson.loads(body)["gridftp"]["nbytes"] % 2 else None

    server.rule = rule


def one_fits(server: BulkServer) -> None:
    """A request may be as large as one document."""
    server.size_limit = 1


@pytest.mark.parametrize("change", [no_number_fits, one_fits], ids=["400", "413"])
def test_stored_unanswered_and_then_refused_is_stored_once_and_no_dead_letter(
    server: BulkServer, site: Site, change: Callable[[BulkServer], None]
) -> None:
    def stored_and_cut(exchange: Any) -> None:
        reset_after_receipt(exchange)
        change(server)

    server.script.append(stored_and_cut)
    totals = ship(site)
    assert totals.outcomes[OutcomeKind.REFUSED] == 0
    assert totals.outcomes[OutcomeKind.ALREADY_STORED] == len(server.stored) == len(LINES)
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.totals.dead_letters) == ("closed", len(LINES), 0)


def test_without_its_state_an_agent_makes_no_dead_letters_of_what_is_stored(server: BulkServer, site: Site) -> None:
    ship(site)
    for path in (site.root / "state").glob("state.db*"):
        path.unlink()
    no_number_fits(server)
    site.write("b.log", [transfer(number) for number in range(1000, 1010)])
    totals = ship(site)
    assert (totals.outcomes[OutcomeKind.ALREADY_STORED], totals.outcomes[OutcomeKind.REFUSED]) == (60, 5)
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.totals.dead_letters) == ("closed", 65, 5)
