"""Documents: the JSON that is stored for an event, keys in a fixed order, and the record around it.

No field of a log can replace one that shipper sets: `@timestamp`, `message`, `log.offset`, `log.file`, `host.name`,
`event.dataset`, `shipper`, `tags`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from shipper.hashes import document_ids
from shipper.parse.fields import Fields
from shipper.parse.timestamps import NS, Moment
from shipper.records import Document, Event, Mark, Source

SUSPECT = "_timestamp_suspect"
FIRST_YEAR_2000 = 946_684_800 * NS
FIRST_YEAR_2100 = 4_102_444_800 * NS
PERIOD_DIGITS = {"year": 4, "month": 7, "day": 10}
"""Letters of an RFC 3339 text that name the period."""
STRUCTURAL = ("@timestamp", "message", "tags", "shipper", "host.name", "event.dataset", "log.offset", "log.file")


_SHARED = ("log", "event", "host")
"""Objects that hold fields of ours and of the log."""


class Draft(NamedTuple):
    """An event on its way to become a document."""

    event: Event
    message: str
    fields: Fields
    tags: list[str]


class Target(NamedTuple):
    """Where a pipeline's documents go: part of what makes them."""

    dataset: str
    namespace: str
    period: str
    pipeline: str
    """Version of the pipeline."""


class DocumentMaker:
    """Makes the documents of one file."""

    SHAPES = 256

    def __init__(self, source: Source, target: Target) -> None:
        self._source = source
        self._target = target
        self._file = orjson.Fragment(orjson.dumps({"path": source.path, "fingerprint": source.fingerprint}))
        self._host = {"name": source.host}
        self._event = {"dataset": target.dataset}
        self._nestings: dict[tuple[str, ...], Nesting] = {}
        self._indices: dict[str, str] = {}

    def make(self, draft: Draft, nested: dict[str, Any], moment: Moment, mark: Mark | None) -> Document:
        """The document, but for its id; `mark` is the date that its time depends on."""
        event, message, _, tags = draft
        if not FIRST_YEAR_2000 <= moment.ns < FIRST_YEAR_2100:
            tags.append(SUSPECT)
            index = self._index_of("suspect")
        else:
            index = self._index(moment.text)
        lines, size, h0, h1 = event.tally
        shipper = {
            "input": self._source.input,
            "lines": lines,
            "bytes": size,
            "h0": h0,
            "h1": h1,
            "pipeline": self._target.pipeline,
        }
        if mark is not None:
            shipper["date_from"] = mark.offset
            shipper["date"] = mark.value
        body = {
            "@timestamp": moment.text,
            "message": message,
            "log": {"offset": event.offset, "file": self._file},
            "host": self._host,
            "event": self._event,
            "shipper": shipper,
            "tags": tags,
        }
        _merge(body, nested)
        return Document(
            "",
            self._source,
            self._target.dataset,
            index,
            moment.ns,
            event.offset,
            event.tally,
            self._target.pipeline,
            # orjson gives back its whole buffer, 8 KiB and more; the slice is a copy of the right size.
            orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)[:-1],
        )

    def identify(self, documents: Sequence[Document], chains: Sequence[int]) -> None:
        """Give documents their ids; `chains` are the hash chains after each one's first line."""
        places = [(document.offset, chain) for document, chain in zip(documents, chains, strict=True)]
        for document, identity in zip(documents, document_ids(self._source.fingerprint, places), strict=True):
            document.id = identity

    def _index(self, text: str) -> str:
        period = text[: PERIOD_DIGITS[self._target.period]]
        return self._indices.get(period) or self._index_of(period)

    def _index_of(self, period: str) -> str:
        name = f"{self._target.dataset}-{self._target.namespace}-{period.replace('-', '.')}"
        self._indices[period] = name
        return name

    def nested(self, fields: Fields) -> dict[str, Any]:
        """Fields as a nested object."""
        names = tuple(fields)
        nesting = self._nestings.get(names)
        if nesting is None:
            if len(self._nestings) >= self.SHAPES:
                self._nestings.clear()
            nesting = self._nestings[names] = Nesting(names, range(len(names)))
        return nesting.build(list(fields.values()))


class Nesting:
    """How values under dotted names become nested objects: worked out once per list of names."""

    def __init__(self, names: Sequence[str], places: Sequence[int]) -> None:
        paths = _without_conflicts([tuple(name.split(".")) for name in names])
        self.build = _Node(dict(zip(paths, places, strict=True)), depth=0).build
        """The nested object of a list of values; each name's is at its place."""


class _Node:
    """One object: its plain values, and the objects in it."""

    def __init__(self, places: dict[tuple[str, ...], int], depth: int) -> None:
        leaves = {path[depth]: place for path, place in places.items() if len(path) == depth + 1}
        inner: dict[str, dict[tuple[str, ...], int]] = {}
        for path, place in places.items():
            if len(path) > depth + 1:
                inner.setdefault(path[depth], {})[path] = place
        self.single: tuple[str, int] | None = next(iter(leaves.items())) if len(leaves) == 1 and not inner else None
        """Name and place of the only value, if there is just one and no object."""
        self._names = tuple(leaves)
        self._places = tuple(leaves.values())
        self._values = itemgetter(*self._places) if len(leaves) > 1 else None
        nodes = {name: _Node(part, depth + 1) for name, part in inner.items()}
        self._inner = [(name, node.build) for name, node in nodes.items() if not node.single]
        self._singles = [(name, *node.single) for name, node in nodes.items() if node.single]

    def build(self, values: list[Any]) -> dict[str, Any]:
        if self._values is not None:
            found = dict(zip(self._names, self._values(values)))  # noqa: B905 - equal by construction
        else:
            found = {name: values[place] for name, place in zip(self._names, self._places, strict=True)}
        for name, build in self._inner:
            found[name] = build(values)
        for name, leaf, place in self._singles:
            found[name] = {leaf: values[place]}
        return found


def _without_conflicts(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The paths; one that would have to be a value and an object at once becomes `<name>_text`."""
    parents = {path[:depth] for path in paths for depth in range(1, len(path))}
    taken = parents | set(paths)
    clean = []
    for path in paths:
        free = path
        while free in parents or (free != path and free in taken):
            free = (*free[:-1], free[-1] + "_text")
        taken.add(free)
        clean.append(free)
    return clean


def _merge(body: dict[str, Any], parsed: dict[str, Any]) -> None:
    """Add parsed fields; where a log's field has the name of one of ours, ours stays."""
    if not body.keys().isdisjoint(parsed):
        for name in body.keys() & parsed.keys():
            ours, theirs = body[name], parsed.pop(name)
            if name in _SHARED and theirs.__class__ is dict:
                body[name] = {**ours, **theirs, **ours}
    body.update(parsed)
