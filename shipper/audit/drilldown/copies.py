"""Documents of one id in several indices: whether they are equal, and which of them is where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import orjson

from shipper.audit.context import Context
from shipper.audit.findings import DELETE
from shipper.records import Stored

_IDS_PER_PAGE = 50


class Copies(NamedTuple):
    """All copies of one document, in two indices or more."""

    document: Stored
    """One of them."""
    kept: str
    """The place of the one that stays, if the others can be deleted; else empty."""
    others: tuple[str, ...]
    """The places of those that are too many."""
    body: bytes
    """Of each of them, if they can be deleted."""
    obstacle: str
    """Why they cannot: what follows the words "document … is in …, too"."""

    @property
    def repair(self) -> str | None:
        """What mends it."""
        return DELETE if self.kept else None

    def evidence(self, place: str) -> str:
        """Of the copy in one of the other places."""
        why = f"; its equal in {self.kept} is in its place" if self.kept else self.obstacle
        return f"document {self.document.id} is in {place}, too{why}"


def grouped(documents: Iterable[Stored]) -> list[list[Stored]]:
    """The documents by id, and then by place, of those whose id is there more than once."""
    found: dict[str, list[Stored]] = {}
    for document in documents:
        found.setdefault(document.id, []).append(document)
    return [sorted(group, key=lambda document: document.place) for group in found.values() if len(group) > 1]


def compared(context: Context, input_name: str, groups: Iterable[Sequence[Stored]]) -> Iterator[list[Copies]]:
    """The copies of each group, compared, some at a time. Raises OutputError."""
    waiting = iter(groups)
    while page := list(islice(waiting, _IDS_PER_PAGE)):
        bodies = context.output.copies([(document.place, document.id) for group in page for document in group])
        yield [_copies(context, input_name, group, bodies) for group in page]


def _copies(
    context: Context, input_name: str, group: Sequence[Stored], bodies: Mapping[tuple[str, str], bytes]
) -> Copies:
    places = [document.place for document in group]
    held = [bodies.get((document.place, document.id)) for document in group]
    body = held[0]
    if body is None or any(other != body for other in held):
        return _undecided(group, f"; the one in {places[0]} has another content")
    kept = context.output.home(_index_of(context, input_name, body), places)
    if kept is None:
        return _undecided(group, "; none of its indices is the one that its time belongs into")
    return Copies(group[0], kept, tuple(place for place in places if place != kept), body, "")


def _undecided(group: Sequence[Stored], obstacle: str) -> Copies:
    return Copies(group[0], "", tuple(document.place for document in group[1:]), b"", obstacle)


def _index_of(context: Context, input_name: str, body: bytes) -> str:
    content = orjson.loads(body)
    version = str(content.get("shipper", {}).get("pipeline", ""))
    return context.rulebook.pipeline(input_name, version).index_of(content)
