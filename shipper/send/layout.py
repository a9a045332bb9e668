"""Where in a cluster the documents of a dataset lie. No input, no output.

Plain indices are named by event time, so that the place of a document follows from the document: sending it again, at
any time, meets the same id. In a data stream that holds only as long as it is not rolled over: the next index of the
stream does not know the ids of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum

from shipper.send.bulk import INDEX_PREFIX
from shipper.send.output import Dataset
from shipper.settings import ElasticsearchSettings

SUSPECT = "suspect"
"""The period of times that cannot be right."""


def dataset_key(dataset: Dataset) -> str:
    """`<dataset>-<namespace>`: what the names of its indices have in common."""
    return f"{dataset.name}-{dataset.namespace}"


class Layout(Enum):
    """How a dataset's documents are laid out."""

    INDICES = "indices"
    DATA_STREAM = "data stream"

    def target(self, index: str) -> str:
        """The name to send to for a document of the index `<dataset>-<namespace>-<period>`."""
        if self is Layout.INDICES:
            return INDEX_PREFIX + index
        key, _, period = index.rpartition("-")
        return f"{INDEX_PREFIX}{key}-{SUSPECT}" if period == SUSPECT else INDEX_PREFIX + key

    def home(self, index: str, places: Collection[str]) -> str | None:
        """Of these indices the one where a document of the index `<dataset>-<namespace>-<period>` belongs, if any.

        In a data stream it is the oldest of its backing indices: where it was sent first.
        """
        target = self.target(index)
        if self is Layout.INDICES:
            return target if target in places else None
        # Elasticsearch puts the day before the number, OpenSearch does not.
        backing = re.compile(rf"\.ds-{re.escape(target)}-(?:[0-9]{{4}}\.[0-9]{{2}}\.[0-9]{{2}}-)?([0-9]{{6,}})")
        found = [(int(match[1]), match[0]) for place in places if (match := backing.fullmatch(place))]
        return min(found)[1] if found else None

    def names(self, dataset: Dataset) -> list[str]:
        """Names and patterns of all that a dataset's documents are sent to."""
        alias = INDEX_PREFIX + dataset_key(dataset)
        return [f"{alias}-*"] if self is Layout.INDICES else [alias, f"{alias}-{SUSPECT}"]


def layout_of(settings: ElasticsearchSettings) -> Layout:
    """The layout that a site has chosen."""
    return Layout.DATA_STREAM if settings.data_stream else Layout.INDICES
