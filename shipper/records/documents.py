"""What parsing gives: documents, and events that become none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.records.reading import Mark, Source
from shipper.records.tallies import Tally


@dataclass(slots=True)
class Document:
    """What is stored for one event."""

    id: str
    """24 characters: a function of content and position, see `shipper.hashes`."""
    source: Source
    dataset: str
    index: str
    """`<dataset>-<namespace>-<period>`: by event time, for example `gridftp.transfer-default-2026.11`."""
    timestamp: int
    """Event time in nanoseconds since the epoch, UTC."""
    offset: int
    tally: Tally
    pipeline: str
    """Version of the pipeline that made it: 16 hex digits."""
    body: bytes
    """One line of JSON, without newline."""


class Filtered(NamedTuple):
    """An event that a named rule keeps from being shipped."""

    offset: int
    rule: str
    tally: Tally


class Refusal(NamedTuple):
    """An event or document that is refused for good."""

    document: Document
    category: str
    """Short and stable, part of the ledger's fate `dead:<category>`: `mapping`, `too_large`, `incomplete` …"""
    reason: str
    """The whole explanation, in the output's own words where there are any."""


@dataclass(slots=True)
class Parsed:
    """What parsing makes of a chunk. Every event is in exactly one of documents, filtered and refused."""

    documents: list[Document]
    filtered: list[Filtered]
    refused: list[Refusal]
    marks: list[Mark]
    """Dates that were decided here; committed before any document of the chunk is sent."""
    carry: str
    """The parser's memory after the last event, as JSON: what is needed to resume here (header, last time, date)."""
    unparsed: int = 0
    """Documents that no pattern matched, shipped raw."""
    runaways: list[str] = field(default_factory=list)
    """For each event that took too long and is shipped raw: the pattern that did not come to an end."""
    notices: list[str] = field(default_factory=list)
    """Fields that the definition does not declare and whose type was inferred here, from their first values."""
