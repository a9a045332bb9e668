"""Where agents leave their ledgers for others to see: documents of their own, of which the latest wins.

They are no log documents: nothing of what is proved of lines depends on them, and shipping never waits for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class LedgerKind(StrEnum):
    """What a document tells."""

    AGENT = "agent"
    """A sign of life of an agent: who it is, how it is, what it is to ship."""
    FILE = "file"
    """A log file, and how far it is settled."""
    FATE = "fate"
    """The tally of a file's lines, by bucket, that met one fate."""


class LedgerDocument(NamedTuple):
    """One document."""

    id: str
    """The latest of one id wins."""
    kind: LedgerKind
    host: str
    agent: str
    """Names an agent on its host."""
    body: bytes
    """One line of JSON."""


class LedgerIndex(Protocol):
    """Takes and gives ledger documents. OutputError where it does not answer, or not whole."""

    def write(self, documents: Sequence[LedgerDocument]) -> None:
        """Store all of them, in the place of those with the same ids."""

    def refresh(self) -> None:
        """Make all that was written before visible."""

    def read(self, kind: LedgerKind, *, host: str | None = None, agent: str | None = None) -> Iterator[dict[str, Any]]:
        """All documents of a kind, in no order; of one host or agent only, if wanted. None if nobody ever wrote."""

    def close(self) -> None:
        """Release connections."""
