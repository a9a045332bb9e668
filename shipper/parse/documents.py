"""Documents: the JSON that is stored for an event, keys in a fixed order, and the record around it.

No field of a log can replace one that shipper sets: `@timestamp`, `message`, `log.offset`, `log.file`, `host.name`,
`event.dataset`, `shipper`, `tags`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from shipper.hashes import document_ids
from shipper.parse.fields import Fields
from shipper.parse.nesting import Nesting
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
        self._digits = PERIOD_DIGITS[target.period]
        self._nestings: dict[tuple[str, ...], Nesting] = {}
        self._indices: dict[str, str] = {}

    def begun(self, event: Event, moment: Moment) -> Document | None:
        """The document but for its id and its body; None if its time cannot be right, so that no index is its own."""
        index = self._indices.get(moment.text[: self._digits]) or self._index(moment)
        return None if index is None else self._document(event, moment, index, b"")

    def make(self, draft: Draft, nested: dict[str, Any], moment: Moment, mark: Mark | None) -> Document:
        """The document, but for its id; `mark` is the date that its time depends on."""
        index = self._index(moment)
        if index is None:
            draft.tags.append(SUSPECT)
            index = self._index_of("suspect")
        return self._document(draft.event, moment, index, self.written(draft, nested, moment.text, mark))

    def written(self, draft: Draft, nested: dict[str, Any], time: str, mark: Mark | None) -> bytes:
        """The body as JSON."""
        body = self.body((time, draft.message, draft.event.offset, *draft.event.tally), draft.tags, nested, mark)
        # orjson gives back its whole buffer, 8 KiB and more; the slice is a copy of the right size.
        return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)[:-1]

    def body(
        self, envelope: Sequence[Any], tags: Sequence[str], nested: dict[str, Any], mark: Mark | None
    ) -> dict[str, Any]:
        """A document as a nested object; `envelope` is time, message, offset, lines, bytes, h0 and h1."""
        time, message, offset, lines, size, h0, h1 = envelope
        source = self._source
        ours: dict[str, Any] = {
            "input": source.input,
            "lines": lines,
            "bytes": size,
            "h0": h0,
            "h1": h1,
            "pipeline": self._target.pipeline,
        }
        if mark is not None:
            ours |= {"date_from": mark.offset, "date": mark.value}
        body = {
            "@timestamp": time,
            "message": message,
            "log": {"offset": offset, "file": {"path": source.path, "fingerprint": source.fingerprint}},
            "host": {"name": source.host},
            "event": {"dataset": self._target.dataset},
            "shipper": ours,
            "tags": tags,
        }
        _merge(body, nested)
        return body

    def _document(self, event: Event, moment: Moment, index: str, body: bytes) -> Document:
        target = self._target
        return Document(
            "", self._source, target.dataset, index, moment.ns, event.offset, event.tally, target.pipeline, body
        )

    def identify(self, documents: Sequence[Document], chains: Sequence[int]) -> None:
        """Give documents their ids; `chains` are the hash chains after each one's first line."""
        places = [(document.offset, chain) for document, chain in zip(documents, chains, strict=True)]
        for document, identity in zip(documents, document_ids(self._source.fingerprint, places), strict=True):
            document.id = identity

    def _index(self, moment: Moment) -> str | None:
        """The index that the time belongs to; None if it cannot be right."""
        if not FIRST_YEAR_2000 <= moment.ns < FIRST_YEAR_2100:
            return None
        period = moment.text[: self._digits]
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


def index_of(target: Target, body: Mapping[str, Any]) -> str:
    """The index that a document which was stored names by its own time."""
    suspect = SUSPECT in body.get("tags", ())
    period = "suspect" if suspect else str(body.get("@timestamp", ""))[: PERIOD_DIGITS[target.period]]
    return f"{target.dataset}-{target.namespace}-{period.replace('-', '.')}"


def _merge(body: dict[str, Any], parsed: dict[str, Any]) -> None:
    """Add parsed fields; where a log's field has the name of one of ours, ours stays."""
    if not body.keys().isdisjoint(parsed):
        for name in body.keys() & parsed.keys():
            ours, theirs = body[name], parsed.pop(name)
            if name in _SHARED and theirs.__class__ is dict:
                body[name] = {**ours, **theirs, **ours}
    body.update(parsed)
