"""The node that tests of limits, privileges and data streams share: one of each kind, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.elasticsearch_node import EIGHT, NINE
from support.limited_node import LimitedNode
from support.opensearch_node import OPENSEARCH


@pytest.fixture(scope="session", params=[NINE, EIGHT, OPENSEARCH])
def limited(request: pytest.FixtureRequest, need_elasticsearch: Callable[[str], None]) -> Iterator[LimitedNode]:
    """Takes requests of at most 1 MB, 400 kB of them at once. It is not cleared: each test has names of its own.

    (The distribution for tests cannot delete data streams, nor templates that they use.)
    """
    need_elasticsearch(request.param)
    found = LimitedNode.of(request.param)
    try:
        found.node.start()
        yield found
    finally:
        found.node.remove()
