"""Where in a cluster the documents of a dataset lie. No input, no output.

Plain indices are named by event time, so that the place of a document follows from the document: sending it again, at
any time, meets the same id. In a data stream that holds only as long as it is not rolled over: the next index of the
stream does not know the ids of the one before.
"""

from __future__ import annotations

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

    def names(self, dataset: Dataset) -> list[str]:
        """Names and patterns of all that a dataset's documents are sent to."""
        alias = INDEX_PREFIX + dataset_key(dataset)
        return [f"{alias}-*"] if self is Layout.INDICES else [alias, f"{alias}-{SUSPECT}"]


def layout_of(settings: ElasticsearchSettings) -> Layout:
    """The layout that a site has chosen."""
    return Layout.DATA_STREAM if settings.data_stream else Layout.INDICES
