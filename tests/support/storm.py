"""A cluster at which everything goes wrong at random, as a seed says, and which stays true to what it acknowledged."""

from __future__ import annotations

import random
import threading
from collections import Counter

import orjson
from xxhash import xxh3_64_intdigest

from support.bulk_faults import (
    broken_gzip,
    dripping_body,
    dripping_headers,
    half_a_gzip,
    half_an_answer,
    half_closed_when_idle,
    in_the_failure_store,
    items_cut_off,
    no_answer,
    no_http,
    one_item_missing,
    one_item_too_many,
    page,
    redirect,
    reset_after_receipt,
    reset_before_storing,
    reset_while_storing,
    some_items,
    swallowed,
    whole,
)
from support.bulk_server import Exchange, Fault, Item, failed_item

BUSY = failed_item(429, "es_rejected_execution_exception", "rejected execution of coordinating operation")
POISON = failed_item(400, "document_parsing_exception", "[1:2] failed to parse field [x] of type [long]")


def too_large(exchange: Exchange) -> None:
    """413, unless it is a single document, which a cluster that changes its mind would make a dead letter of."""
    if len(exchange.creations) > 1:
        exchange.answer(413, None)
    else:
        exchange.answer_items(exchange.store())


OFTEN: dict[str, Fault] = {
    "429 for some items": some_items(7, BUSY),
    "429 for all items": some_items(1, BUSY),
    "429 whole": whole(429, "circuit_breaking_exception"),
    "503 whole": whole(503, "service_unavailable_exception"),
    "503 for some items": some_items(11, failed_item(503, "node_closed_exception")),
    "500": whole(500),
    "408": whole(408),
    "413": too_large,
    "one item missing": one_item_missing,
    "one item too many": one_item_too_many,
    "items cut off": items_cut_off,
    "half an answer": half_an_answer,
    "broken gzip": broken_gzip,
    "half a gzip": half_a_gzip,
    "no HTTP": no_http,
    "page with 502": page(502),
    "page with 200": page(200),
    "reset before storing": reset_before_storing,
    "reset while storing": reset_while_storing,
    "reset after storing": reset_after_receipt,
    "half-closed when idle": half_closed_when_idle,
}
SELDOM: dict[str, Fault] = {
    "never answered": no_answer,
    "swallowed": swallowed,
    "dripping body": dripping_body,
    "dripping headers": dripping_headers,
    "401": whole(401, "security_exception"),
    "403 whole": whole(403, "security_exception"),
    "403 block": some_items(2, failed_item(403, "cluster_block_exception")),
    "503 of shards": some_items(2, failed_item(503, "unavailable_shards_exception")),
    "404": whole(404, "index_not_found_exception"),
    "400 of the shard limit": some_items(2, failed_item(400, "validation_exception", "maximum shards open")),
    "400 of an unknown kind": some_items(3, failed_item(400, "some_new_exception")),
    "failure store": in_the_failure_store(),
    "redirect": redirect,
}
"""Each of them costs a deadline, or holds the dataset for seconds: each has its turn twice."""
ELSEWHERE: dict[str, Fault] = {name: OFTEN[name] for name in ("503 whole", "page with 502", "reset before storing")}
"""For what is not a bulk request."""


class Storm:
    """Give its `trouble` and `rule` to a `BulkServer`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._often: list[str] = []
        self._seldom = self._random.sample([*SELDOM, *SELDOM], 2 * len(SELDOM))
        self._lock = threading.Lock()
        self.met: Counter[str] = Counter()
        self.requests = 0

    def trouble(self, path: str) -> Fault | None:
        """The fault that the next request meets."""
        with self._lock:
            chance = self._random.random()
            if path != "/_bulk":
                return ELSEWHERE[self._random.choice(list(ELSEWHERE))] if chance < 0.05 else None
            self.requests += 1
            if self._seldom and chance < 0.15:
                return self._met(self._seldom.pop())
            return self._met(self._next_often()) if chance < 0.3 else None

    def rule(self, index: str, name: str, body: bytes) -> Item | None:
        """What becomes of a document, whatever its request meets."""
        return POISON if self.poisons(orjson.loads(body)["message"]) else None

    def poisons(self, line: str) -> bool:
        """Whether a line is refused for good: one in a thousand."""
        return xxh3_64_intdigest(line.encode(), self._seed) % 1000 == 0

    def _next_often(self) -> str:
        """All in turn, in another order each time."""
        self._often = self._often or self._random.sample(list(OFTEN), len(OFTEN))
        return self._often.pop()

    def _met(self, name: str) -> Fault:
        self.met[name] += 1
        return OFTEN.get(name) or SELDOM[name]
