"""What every output can do: take batches and tell, exactly, what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shipper.records import Batch, BucketTally, Document, Outcome, Receipt, Stored


@dataclass(frozen=True, slots=True)
class Dataset:
    """What outputs are told of a dataset that is shipped: for templates and views."""

    name: str
    namespace: str
    field_types: Mapping[str, str]
    """Dotted field -> type of the pipeline (`long`, `ip`, `keyword` …)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents an audit asks for; empty parts mean all."""

    host: str | None = None
    inputs: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    since: float | None = None
    """Event time (seconds since the epoch) before which nothing is asked for."""


class Replacement(NamedTuple):
    """A document that is to stand for the one that is stored under its id."""

    document: Document
    place: str
    """Where the stored one lies, see `Stored.place`."""


class Period(NamedTuple):
    """Lines of one bucket of a file whose event time lies in one step of time."""

    host: str
    input: str
    fingerprint: str
    bucket: int
    start: int
    """Seconds since the epoch when the step begins: a multiple of the step."""
    lines: int
    bytes: int = 0
    """Of these lines, as they are on disk."""


class Flaw(NamedTuple):
    """Documents that arrived, but not with all their values as they were meant."""

    host: str
    input: str
    tag: str
    """What parsing says of them; empty where the index ignored a field."""
    field: str
    """The field that the index ignored; empty where a tag tells."""
    documents: int
    lines: int


class Output(Protocol):
    """Where documents go. `send` never raises for an outcome; questions raise `OutputError` if not answered whole."""

    @property
    def identity(self) -> str:
        """Names this very cluster or database (uuid): checkpoints belong to it."""

    def announce(self, datasets: Sequence[Dataset]) -> None:
        """Take note of other field types than those it was opened with; they hold for what is sent from now on."""

    def send(self, batch: Batch) -> Receipt:
        """Store the batch, creating only. Blocks up to a deadline. An unknown outcome is RETRY for its documents."""

    def refresh(self) -> None:
        """Make all that was stored before visible to the questions below."""

    def hosts(self) -> list[str]:
        """The hosts whose documents are held."""

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held per fingerprint and bucket, counted by the output."""

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """Every document of the fingerprint with first <= log.offset < last, by offset."""

    def bodies(self, ids: Sequence[str], *, fingerprint: str) -> dict[str, bytes]:
        """The JSON bodies of documents, by id; ids that are not held are absent."""

    def copies(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The JSON bodies of documents by (place, id), as they are now; what is not held is absent."""

    def home(self, index: str, places: Collection[str]) -> str | None:
        """Of these places the one where a document of this `Document.index` belongs; None if none of them is."""

    def absent(self, indices: Collection[str]) -> dict[str, str]:
        """Of these `Document.index` those that have no place at all now, each with the name that it would have."""

    def anchors(self, fingerprint: str) -> list[tuple[int, str]]:
        """The date marks that documents of the fingerprint carry: (shipper.date_from, shipper.date), by offset."""

    def history(self, scope: Scope, step: int) -> Iterator[Period]:
        """The lines and bytes that are held by file, bucket and step of event time (seconds)."""

    def flaws(self, scope: Scope, tags: Sequence[str]) -> Iterator[Flaw]:
        """How many documents carry one of the tags, and of how many the index ignored a field."""

    def replace(self, replacements: Sequence[Replacement]) -> list[Outcome]:
        """Put documents in the places of those that are stored under their ids; STORED for each that was.

        Where the new time belongs elsewhere, the new one is stored first and the old one deleted then.
        """

    def delete(self, places: Iterable[tuple[str, str]]) -> int:
        """Delete documents by (place, id); for repairs of duplicates only. Returns how many were there."""

    def close(self) -> None:
        """Release connections."""
