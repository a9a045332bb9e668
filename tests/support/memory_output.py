"""An output in memory, as honest or as damaged as a test wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import orjson

from shipper.records import (
    ALREADY_STORED,
    STORED,
    Batch,
    BucketTally,
    Document,
    Outcome,
    Receipt,
    Stored,
    Tally,
    bucket_of,
)
from shipper.send.output import Flaw, Period, Replacement, Scope


def accept(document: Document) -> Outcome | None:
    """The answer of an output that takes everything."""
    return None


class MemoryOutput:
    """Documents by (place, id); `answer` may refuse one or put it off."""

    identity = "memory:1"

    def __init__(self, answer: Callable[[Document], Outcome | None] = accept) -> None:
        self.documents: dict[tuple[str, str], Document] = {}
        self.answer = answer
        self.batches: list[Batch] = []

    def announce(self, datasets: object) -> None:
        """Types make no difference here."""

    def send(self, batch: Batch) -> Receipt:
        """Create what is not there."""
        self.batches.append(batch)
        return Receipt(batch, [self._take(document) for document in batch.documents])

    def refresh(self) -> None:
        """Nothing to do."""

    def hosts(self) -> list[str]:
        """The hosts whose documents are held."""
        return sorted({document.source.host for document in self.documents.values()})

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held per fingerprint and bucket."""
        held: dict[tuple[str, str, str, int], BucketTally] = {}
        for document in self.documents.values():
            source = document.source
            if (scope.host not in (None, source.host)) or (scope.inputs and source.input not in scope.inputs):
                continue
            key = (source.host, source.input, source.fingerprint, bucket_of(document.offset))
            old = held.get(key, BucketTally(*key, 0, Tally(), document.offset))
            held[key] = old._replace(
                documents=old.documents + 1,
                tally=old.tally.plus(document.tally),
                first=min(old.first, document.offset),
            )
        yield from held.values()

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """Documents of a range, by offset."""
        found = [
            Stored(
                document.id, document.offset, document.tally, document.pipeline, place, document.source.path,
                (), tuple(orjson.loads(document.body)["tags"]),
            )
            for (place, _), document in self.documents.items()
            if document.source.fingerprint == fingerprint and first <= document.offset < last
        ]  # fmt: skip
        yield from sorted(found, key=lambda stored: stored.offset)

    def bodies(self, ids: Sequence[str], *, fingerprint: str) -> dict[str, bytes]:
        """Bodies by id."""
        return {
            document.id: document.body
            for document in self.documents.values()
            if document.id in set(ids) and document.source.fingerprint == fingerprint
        }

    def copies(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Bodies by (place, id)."""
        return {place: self.documents[place].body for place in places if place in self.documents}

    def home(self, index: str, places: Collection[str]) -> str | None:
        """Places are named like indices."""
        return index if index in places else None

    def absent(self, indices: Collection[str]) -> dict[str, str]:
        """Those of which no document is held."""
        return {index: index for index in indices if index not in {place for place, _ in self.documents}}

    def anchors(self, fingerprint: str) -> list[tuple[int, str]]:
        """Date marks that documents carry."""
        found = set()
        for document in self.documents.values():
            shipper = orjson.loads(document.body)["shipper"]
            if document.source.fingerprint == fingerprint and "date" in shipper:
                found.add((shipper["date_from"], shipper["date"]))
        return sorted(found)

    def history(self, scope: Scope, step: int) -> Iterator[Period]:
        """The lines that are held by file, bucket and step of event time."""
        lines: Counter[tuple[str, str, str, int, int]] = Counter()
        for document in self._of(scope):
            source = document.source
            start = document.timestamp // 1_000_000_000 // step * step
            lines[source.host, source.input, source.fingerprint, bucket_of(document.offset), start] += (
                document.tally.lines
            )
        yield from (Period(*key, count) for key, count in lines.items())

    def flaws(self, scope: Scope, tags: Sequence[str]) -> Iterator[Flaw]:
        """How many documents carry one of the tags."""
        found = Counter(
            (document.source.host, document.source.input, tag)
            for document in self._of(scope)
            for tag in orjson.loads(document.body)["tags"]
            if tag in tags
        )
        yield from (Flaw(*key, "", count, count) for key, count in found.items())

    def _of(self, scope: Scope) -> list[Document]:
        return [
            document
            for document in self.documents.values()
            if scope.host in (None, document.source.host)
            and (not scope.inputs or document.source.input in scope.inputs)
            and (scope.since is None or document.timestamp >= scope.since * 1_000_000_000)
        ]

    def replace(self, replacements: Sequence[Replacement]) -> list[Outcome]:
        """Put documents where others were."""
        for document, place in replacements:
            self.documents.pop((place, document.id), None)
            self.documents[document.index, document.id] = document
        return [STORED] * len(replacements)

    def delete(self, places: Iterable[tuple[str, str]]) -> int:
        """Delete documents."""
        return sum(self.documents.pop(place, None) is not None for place in places)

    def close(self) -> None:
        """Nothing to do."""

    def at(self, path_end: str, offset: int) -> tuple[str, str]:
        """The key of the document of a file at an offset."""
        return next(
            key
            for key, document in self.documents.items()
            if document.offset == offset and document.source.path.endswith(path_end)
        )

    def _take(self, document: Document) -> Outcome:
        answer = self.answer(document)
        if answer is not None:
            return answer
        key = (document.index, document.id)
        if key in self.documents:
            return ALREADY_STORED
        self.documents[key] = document
        return STORED
