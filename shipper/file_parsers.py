"""The parser of each file that is read: made from the state when needed, dropped when the state has all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shipper.commit.state import State
from shipper.parse.file_parser import FileParser
from shipper.parse.pipeline import Pipeline
from shipper.read.reader import Reader
from shipper.records import Chunk, FileRow, Mark, MarkKind


class FileParsers:
    """Parsers by file. They remember what the state does not know yet: header, time and date where reading stands."""

    def __init__(self, reader: Reader, state: State, limit: int) -> None:
        self._reader = reader
        self._state = state
        self._limit = limit
        self._parsers: dict[int, FileParser] = {}

    def of(self, chunk: Chunk, pipelines: Mapping[str, Pipeline]) -> tuple[FileParser, Sequence[Mark]]:
        """The file's parser; where it is a new one, with the marks that are to be recorded for it."""
        file = chunk.source.file
        known, pipeline = self._parsers.get(file), pipelines[chunk.source.input]
        if known is not None and known.version == pipeline.version:
            return known, ()
        row = self._state.files.row(file)
        assert known or row.offset == chunk.start, "a file is first read where its checkpoint is"
        marks = []
        versions = [mark.value for mark in row.marks if mark.kind is MarkKind.PIPELINE]
        if versions[-1:] != [pipeline.version]:
            self._state.define(pipeline.version, pipeline.definition)
            marks.append(Mark(chunk.start, MarkKind.PIPELINE, pipeline.version))
        # A parser that goes on after another one dates what it reads by itself: the days before it were not counted.
        if pipeline.needs_date and known is None:
            marks += self._dates(chunk, row, pipeline)
        parser = pipeline.parser(chunk.source, [*row.marks, *marks], known.carry if known else row.carry)
        self._parsers[file] = parser
        return parser, marks

    def drop_settled(self, in_flight: Callable[[int], bool]) -> None:
        """Drop those of closed files of which nothing is in flight. There may be many thousands."""
        if len(self._parsers) < 2 * self._limit:
            return
        still_open = {tailed.row.id for tailed in self._reader.tailed}
        for file in [file for file in self._parsers if file not in still_open and not in_flight(file)]:
            del self._parsers[file]
            self._reader.forget(file)

    def _dates(self, chunk: Chunk, row: FileRow, pipeline: Pipeline) -> list[Mark]:
        """The dates of a file that is read for the first time, or of what was written while nobody read it."""
        if not any(mark.kind is MarkKind.DATE for mark in row.marks):
            blocks = self._reader.blocks(row.id)
            return [pipeline.date_mark(blocks, path=row.current_path, modified=chunk.modified)]
        return pipeline.missed_dates(self._reader.blocks(row.id, chunk.start), row, chunk.modified)
