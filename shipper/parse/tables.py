"""Lines that have everything in common but their values: their documents are written together.

This is the fast way. A document is begun where its line stands among the others, as far as that matters: its time, the
types that its file infers. Its body is written here, from columns; a line whose values do not fit goes the general way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import not_
from typing import Any, NamedTuple

from shipper.parse.documents import DocumentMaker, Draft
from shipper.parse.shapes import Column, Layout, Shape, Unfit
from shipper.parse.templates import Template
from shipper.records import Document, Mark


class Kind(NamedTuple):
    """What lines have in common that are written together."""

    shape: Shape
    mark: Mark | None
    tags: tuple[str, ...]


Row = tuple[Draft, str, Document]
"""An event, its time, and its document, which lacks its body."""
Alone = Callable[[Kind, Draft, str], bytes]
"""The general way: writes the body of one document."""


class Tables:
    """The documents of one file whose bodies are still to be written."""

    LIMIT = 256

    def __init__(self, maker: DocumentMaker, alone: Alone) -> None:
        self._maker = maker
        self._alone = alone
        self._rows: dict[tuple[Any, ...], list[Row]] = {}
        self._templates: dict[tuple[Layout, Mark | None, tuple[str, ...]], Template] = {}

    def add(self, shape: Shape, mark: Mark | None, row: Row) -> None:
        """Take a document that was begun."""
        key = (shape, mark, *row[0].tags)
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = []
        rows.append(row)

    def write(self) -> None:
        """Write all bodies."""
        waiting, self._rows = self._rows, {}
        for (shape, mark, *tags), rows in waiting.items():
            kind = Kind(shape, mark, tuple(tags))
            if len(rows) == 1:  # a template would cost more than it saves: keys of a log may differ from line to line
                self._write_alone(kind, rows)
            else:
                self._write(kind, rows)

    def _write(self, kind: Kind, rows: Sequence[Row]) -> None:
        """Those that fit together; the others one by one."""
        while rows:
            try:
                columns = kind.shape.columns([draft.fields for draft, _, _ in rows])
            except Unfit as unfit:
                self._write_alone(kind, compress(rows, map(not_, unfit.fits)))
                rows = list(compress(rows, unfit.fits))
            else:
                self._fill(kind, rows, columns)
                return

    def _write_alone(self, kind: Kind, rows: Iterable[Row]) -> None:
        for draft, time, document in rows:
            document.body = self._alone(kind, draft, time)

    def _fill(self, kind: Kind, rows: Sequence[Row], values: Sequence[Column]) -> None:
        drafts, times, documents = zip(*rows, strict=True)
        events, messages, _, _ = zip(*drafts, strict=True)
        offsets, tallies, *_ = zip(*events, strict=True)
        columns: list[Column] = [times, messages, offsets, *zip(*tallies, strict=True), *values]
        for layout, chosen in kind.shape.layouts(values):
            template = self._template(kind, layout, len(columns))
            table = columns if chosen is None else [list(compress(column, chosen)) for column in columns]
            filled = documents if chosen is None else compress(documents, chosen)
            for document, body in zip(filled, template.filled(table), strict=True):
                document.body = body

    def _template(self, kind: Kind, layout: Layout, width: int) -> Template:
        key = (layout, kind.mark, kind.tags)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= self.LIMIT:
                self._templates.clear()
            template = self._templates[key] = Template(
                layout, lambda envelope, nested: self._maker.body(envelope, kind.tags, nested, kind.mark), width
            )
        return template
