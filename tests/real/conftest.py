"""A node with narrow limits, where it can with security on, for tests that want either; one of each kind at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.elasticsearch_node import EIGHT, NINE, ElasticsearchNode
from support.opensearch_node import OPENSEARCH, OpenSearchNode
from support.secured_node import PASSWORD, USER, SecuredNode

from shipper.settings import ElasticsearchSettings

LIMITS = {"http.max_content_length": "1mb", "indexing_pressure.memory.limit": "400kb"}


@dataclass(frozen=True)
class Limited:
    """The node, and how to speak with it."""

    node: ElasticsearchNode
    credentials: dict[str, str]

    def settings(self, **more: Any) -> ElasticsearchSettings:
        """Those of an output of ours that may do everything there."""
        return ElasticsearchSettings((self.node.url,), **self.credentials, **more)


@pytest.fixture(scope="session", params=[NINE, EIGHT, OPENSEARCH])
def limited(request: pytest.FixtureRequest, need_elasticsearch: Callable[[str], None]) -> Iterator[Limited]:
    """Requests of at most 1 MB, 400 kB of them at once. It is not cleared: each test has names of its own.

    (The distribution for tests cannot delete data streams, nor templates that they use.)
    """
    need_elasticsearch(request.param)
    if request.param == OPENSEARCH:
        found = Limited(OpenSearchNode(settings=LIMITS), {})
    else:
        found = Limited(SecuredNode(request.param, settings=LIMITS), {"username": USER, "password": PASSWORD})
    try:
        found.node.start()
        yield found
    finally:
        found.node.remove()
