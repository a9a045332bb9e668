"""A real index behind a script: what it refuses, puts off or does not answer is said by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from shipper.errors import OutputError
from shipper.records import Batch, Document, Outcome, Receipt, Stored
from shipper.send.sqlite import SQLiteOutput
from support.agents import Site


class Faulty:
    """`verdict` may speak for a document instead of the index."""

    def __init__(self, site: Site, verdict: Callable[[Document], Outcome | None] = lambda _: None) -> None:
        self._index = SQLiteOutput(site.folder / "index.db")
        self.verdict = verdict
        self.batches = 0
        self.silent = False
        """Whether questions get no answer."""
        self._sent: dict[str, Document] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def send(self, batch: Batch) -> Receipt:
        """Ask the script for each document, and the index where the script has nothing to say."""
        self.batches += 1
        verdicts = [self.verdict(document) for document in batch.documents]
        self._sent.update((document.id, document) for document in batch.documents)
        let_through = [document for document, verdict in zip(batch.documents, verdicts, strict=True) if not verdict]
        answers = iter(self._index.send(Batch(batch.number, let_through, 0)).outcomes if let_through else ())
        return Receipt(batch, [verdict or next(answers) for verdict in verdicts])

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """As the index; OutputError while silent."""
        if self.silent:
            raise OutputError("no answer")
        return self._index.spans(fingerprint, first, last)

    def store_all(self) -> None:
        """Store whatever was ever sent, and tell nobody: the answers are lost."""
        self._index.send(Batch(0, list(self._sent.values()), 0))

    def close(self) -> None:
        """Close the index."""
        self._index.close()
