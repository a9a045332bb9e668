"""Refused documents that may be stored all the same.

A cluster looks into a document before it looks at its id. So one that is sent again, because an answer was lost, the
agent was killed or its state was lost, can be refused though it is stored: a limit was lowered meanwhile, or a mapping
changed. How often it was sent does not tell, for who sent it first may be gone. So every refused document is asked for
by its id before it becomes a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipper.errors import OutputError
from shipper.records import ALREADY_STORED, Document, Outcome, OutcomeKind
from shipper.send.bulk import decode
from shipper.send.connection import Connection
from shipper.send.copies import Place, held, presence
from shipper.send.failures import failed
from shipper.send.layout import Layout

_CATEGORY = "refusal"
_WHAT = "Whether documents that were refused are stored already could not be asked"
_PLACES_PER_REQUEST = 1000


class Refusals:
    """Tells refused documents that are stored from those that are not."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self._connection = connection
        self._layout = layout

    def proved(self, documents: Sequence[Document], outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes: of refused documents those that are stored are so already; while nobody tells, all wait."""
        refused = [position for position, outcome in enumerate(outcomes) if outcome.kind is OutcomeKind.REFUSED]
        if not refused:
            return outcomes
        stored = self._stored([documents[position] for position in refused])
        proved = list(outcomes)
        for position in refused:
            if isinstance(stored, Outcome):
                proved[position] = stored
            elif documents[position].id in stored:
                proved[position] = ALREADY_STORED
        return proved

    def _stored(self, documents: Sequence[Document]) -> set[str] | Outcome:
        """The ids of those that the cluster holds, or what to do where it does not tell."""
        indices = self._indices({self._layout.target(document.index) for document in documents})
        if isinstance(indices, Outcome):
            return indices
        places = [
            (index, document.id) for document in documents for index in indices[self._layout.target(document.index)]
        ]
        found: set[str] = set()
        for some in _pages(places):
            answer = presence(self._connection, some)
            if answer.status != 200:
                return failed(_WHAT, answer, _CATEGORY)
            try:
                found |= held(answer, some)
            except OutputError as error:
                return Outcome(OutcomeKind.PAUSED, _CATEGORY, f"{_WHAT}: {error}")
        return found

    def _indices(self, targets: set[str]) -> dict[str, list[str]] | Outcome:
        """By the name that documents are sent to: the indices that may hold them, which of a stream are several."""
        if self._layout is Layout.INDICES:
            return {target: [target] for target in targets}
        found: dict[str, list[str]] = {}
        for target in targets:
            answer = self._connection.request("GET", f"/_resolve/index/{target}?expand_wildcards=all")
            match answer.status, decode(answer.body):
                case 404, _:
                    found[target] = []
                case 200, {"data_streams": [*streams]}:
                    found[target] = [index for stream in streams for index in stream["backing_indices"]]
                case _:
                    return failed(_WHAT, answer, _CATEGORY)
        return found


def _pages(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    return (places[at : at + _PLACES_PER_REQUEST] for at in range(0, len(places), _PLACES_PER_REQUEST))
