"""When a batch is closed: by bytes, by documents or by age. Pure; the time is passed in."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.records import Batch, Document


class Batches:
    """Documents that wait for company."""

    def __init__(self, max_bytes: int, max_documents: int, max_age: float) -> None:
        self._max_bytes = max_bytes
        self._max_documents = max_documents
        self._max_age = max_age
        self._waiting: list[Document] = []
        self._bytes = 0
        self._oldest = 0.0
        self._number = 0

    def add(self, documents: Sequence[Document], now: float) -> list[Batch]:
        """Take documents; the batches that are full by now."""
        if not documents:
            return []
        if not self._waiting:
            self._oldest = now
        sizes = sum(len(document.body) for document in documents)
        if self._bytes + sizes <= self._max_bytes and len(self._waiting) + len(documents) <= self._max_documents:
            self._waiting.extend(documents)
            self._bytes += sizes
            return []
        closed = []
        for document in documents:
            size = len(document.body)
            if self._waiting and (self._bytes + size > self._max_bytes or len(self._waiting) >= self._max_documents):
                closed.append(self._close())
                self._oldest = now
            self._waiting.append(document)
            self._bytes += size
        return closed

    def due(self, now: float, least_age: float = 0.0) -> float | None:
        """Seconds until the open batch must leave by its age; None if there is none.

        `least_age`: the age that it may have in any case, where it would only wait elsewhere.
        """
        return max(0.0, self._oldest + max(self._max_age, least_age) - now) if self._waiting else None

    def flush(self) -> list[Batch]:
        """Close the open batch, whatever its age."""
        return [self._close()] if self._waiting else []

    def _close(self) -> Batch:
        self._number += 1
        batch = Batch(self._number, tuple(self._waiting), self._bytes)
        self._waiting, self._bytes = [], 0
        return batch
