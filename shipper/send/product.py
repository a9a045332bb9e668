"""What Elasticsearch and OpenSearch call the same thing. No input, no output.

They part only where a point in time is opened and closed; all else that we ask is spoken by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import orjson


class Product(Enum):
    """Whose cluster it is."""

    ELASTICSEARCH = "Elasticsearch"
    OPENSEARCH = "OpenSearch"

    @property
    def points(self) -> str:
        """Where points in time are opened and closed."""
        return "_pit" if self is Product.ELASTICSEARCH else "_search/point_in_time"

    def point_of(self, answer: Mapping[str, Any]) -> str:
        """The name of the point in time that was opened."""
        name = answer["id" if self is Product.ELASTICSEARCH else "pit_id"]
        assert isinstance(name, str)
        return name

    def closing(self, point: str) -> bytes:
        """The body of the request that closes a point in time."""
        return orjson.dumps({"id": point} if self is Product.ELASTICSEARCH else {"pit_id": [point]})


def product_of(about: Any) -> Product:
    """Whose cluster says this about itself; nothing, from one that does not, is Elasticsearch's way."""
    match about:
        case {"version": {"distribution": "opensearch"}}:
            return Product.OPENSEARCH
    return Product.ELASTICSEARCH
