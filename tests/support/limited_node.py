"""A real node with narrow limits and, where there is such a thing, with security on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from shipper.settings import ElasticsearchSettings
from support.elasticsearch_node import ElasticsearchNode
from support.opensearch_node import OPENSEARCH, OpenSearchNode
from support.secured_node import PASSWORD, USER, SecuredNode

LIMITS = {"http.max_content_length": "1mb", "indexing_pressure.memory.limit": "400kb"}


@dataclass(frozen=True)
class LimitedNode:
    """The node, and how to speak with it."""

    node: ElasticsearchNode
    credentials: dict[str, str]

    @classmethod
    def of(cls, version: str) -> Self:
        """A node of a version of Elasticsearch, or of OpenSearch; not started."""
        if version == OPENSEARCH:
            return cls(OpenSearchNode(settings=LIMITS), {})
        return cls(SecuredNode(version, settings=LIMITS), {"username": USER, "password": PASSWORD})

    def settings(self, **more: Any) -> ElasticsearchSettings:
        """Those of an output of ours that may do everything there."""
        return ElasticsearchSettings((self.node.url,), **self.credentials, **more)
