"""Documents that are there already, and perhaps not on disk yet.

A cluster answers 409 as soon as another request has put the document into memory, and syncs nothing for it. While that
request is under way, a node that crashes loses the document, though it was told to be there. So what is there already,
sent by a request whose end nobody saw, counts when its index was flushed, which returns once all of it is on disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipper.errors import OutputError
from shipper.records import Document, Outcome, OutcomeKind
from shipper.send.connection import Connection
from shipper.send.failures import failed
from shipper.send.layout import Layout
from shipper.send.whole import check_shards, decoded

_CATEGORY = "not_on_disk"
_WHAT = "Documents that are there already could not be brought to disk"
_INDICES_PER_REQUEST = 20
"""Elasticsearch takes 4096 bytes of address."""


class Durable:
    """Sees to it that what is there already stays there."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self._connection = connection
        self._layout = layout

    def proved(self, documents: Sequence[Document], outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes; what is there already waits if its index cannot be flushed."""
        there = [outcome.kind is OutcomeKind.ALREADY_STORED for outcome in outcomes]
        pairs = zip(documents, there, strict=True)
        obstacle = self._flushed(sorted({self._layout.target(one.index) for one, is_there in pairs if is_there}))
        if obstacle is None:
            return outcomes
        return [obstacle if is_there else outcome for outcome, is_there in zip(outcomes, there, strict=True)]

    def _flushed(self, indices: Sequence[str]) -> Outcome | None:
        """Why some of the indices are not on disk; None if all are."""
        for at in range(0, len(indices), _INDICES_PER_REQUEST):
            obstacle = self._flush(indices[at : at + _INDICES_PER_REQUEST])
            if obstacle is not None:
                return obstacle
        return None

    def _flush(self, indices: Sequence[str]) -> Outcome | None:
        answer = self._connection.request("POST", f"/{','.join(indices)}/_flush?filter_path=_shards,error,status")
        if answer.status != 200:
            return failed(_WHAT, answer, _CATEGORY)
        try:
            check_shards(decoded(answer, "a flush"), "a flush", least=len(indices))
        except OutputError as error:
            return Outcome(OutcomeKind.RETRY, _CATEGORY, f"{_WHAT}: {error}")
        return None
