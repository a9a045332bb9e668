"""What an index says that it holds."""

from __future__ import annotations

from typing import NamedTuple

from shipper.records.tallies import Tally


class BucketTally(NamedTuple):
    """What an index holds of one bucket of one fingerprint."""

    host: str
    input: str
    fingerprint: str
    bucket: int
    documents: int
    tally: Tally
    first: int
    """Smallest `log.offset` in the bucket."""


class Stored(NamedTuple):
    """One document as the index holds it, without its content."""

    id: str
    offset: int
    tally: Tally
    pipeline: str
    place: str
    """Where it lies: the concrete index of Elasticsearch, or the table of SQLite."""
    path: str
    ignored: tuple[str, ...] = ()
    """Fields that the index did not take (`_ignored`)."""
    tags: tuple[str, ...] = ()
