"""A look at the disk for `status`: which file each row stands for now, and how long its unread bytes wait.

A row is recognised as the agent does it: by inode, and by what stands before the checkpoint. Nothing is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from heapq import nlargest
from operator import attrgetter

import orjson

from shipper.errors import SourceError
from shipper.operate.status import FileState, Look
from shipper.parse.definition import restore_pipeline
from shipper.parse.documents import SUSPECT
from shipper.parse.event_times import INHERITED
from shipper.parse.guard import Guard
from shipper.parse.pipeline import Pipeline
from shipper.read.discover import Found
from shipper.read.files import Content, open_found
from shipper.read.framing import frame
from shipper.read.identity import fingerprint_of, guard_at
from shipper.read.recognise import finished_stamp
from shipper.records import FileRow, Mark, MarkKind, Source

Key = tuple[str, int, int]
"""Input, device, inode."""

_TAIL = 64 * 1024
"""Bytes beyond the checkpoint that are looked at: is there the end of a line?"""
_FIRST = 4096
"""Bytes beyond the checkpoint in which an event with a time is looked for."""
_MOST_PARSED = 1000
"""Files of which the first unread event is parsed."""
_DOUBTFUL = {INHERITED, SUSPECT}


class Ages:
    """How long the oldest unread byte of a file waits, as far as it can be known.

    That is as long as the first unread event is ago by its own time; at least as long as the file was not written to.
    Where its pipeline finds no time in it, or needs dates that only the agent knows, the latter is all that is known;
    and where very many files are there, in all but those that were written to last: of the others it says enough.
    """

    def __init__(
        self, host: str, definitions: Mapping[str, str], guard: Guard, files: Iterable[Found], now: float
    ) -> None:
        """`definitions` of pipelines by version; `files` are all that are there; `now` in seconds since the epoch."""
        self._host = host
        self._definitions = definitions
        self._guard = guard
        self._now = now
        self._recent = min(nlargest(_MOST_PARSED, (found.status.st_mtime for found in files)), default=0.0)
        self._pipelines: dict[str, Pipeline | None] = {}

    def unwritten(self, found: Found) -> float:
        """Seconds since the file was written to last."""
        return max(0.0, self._now - found.status.st_mtime)

    def unread(self, row: FileRow, data: bytes, found: Found) -> float:
        """The age of the first of the unread bytes, which are `data` and perhaps more, in seconds."""
        happened = self._first_time(row, data) if found.status.st_mtime >= self._recent else None
        return max(self.unwritten(found), 0.0 if happened is None else self._now - happened)

    def _first_time(self, row: FileRow, data: bytes) -> float | None:
        """When the first event happened that has a time; in seconds since the epoch."""
        version = next((mark.value for mark in reversed(row.marks) if mark.kind is MarkKind.PIPELINE), "")
        pipeline = self._pipeline(version)
        end = data.rfind(b"\n", 0, _FIRST) + 1 or data.find(b"\n") + 1
        if pipeline is None or not end:
            return None
        events = frame(data[:end], row.offset, row.chain, pipeline.framing, set(), final=True).events
        source = Source(self._host, row.input, row.path, row.fingerprint, row.id)
        parser = pipeline.parser(source, row.marks, row.carry)
        for event in events:
            for document in parser.parse([event], modified=0.0, at_end=False).documents:
                if _DOUBTFUL.isdisjoint(orjson.loads(document.body).get("tags", ())):
                    return document.timestamp / 1e9
        return None

    def _pipeline(self, version: str) -> Pipeline | None:
        if version not in self._pipelines:
            definition = self._definitions.get(version)
            pipeline = None if definition is None else restore_pipeline(definition, self._guard)
            self._pipelines[version] = None if pipeline is None or pipeline.needs_date else pipeline
        return self._pipelines[version]


def looks_at_rows(rows: Sequence[FileRow], present: dict[Key, Found], host: str, ages: Ages) -> dict[int, Look]:
    """A look at each row's file; takes what a row stands for out of `present`."""
    names = {(key[0], str(found.path)) for key, found in present.items()}
    places: dict[Key, list[FileRow]] = defaultdict(list)
    for row in sorted(rows, key=attrgetter("id"), reverse=True):
        places[row.input, row.device, row.inode].append(row)
    looks: dict[int, Look] = {}
    for key, candidates in places.items():
        found = present.get(key)
        for row in candidates:
            look = None if found is None else _look(row, found, host, ages)
            if look is not None:
                found = None  # it is this row's, and no other's
                del present[key]
            looks[row.id] = look or _absent(row, names)
    return looks


def look_at_stranger(
    found: Found, input_name: str, host: str, version: str, ages: Ages
) -> tuple[Look, FileState] | None:
    """A look at a file that no row stands for; None if it has just vanished.

    `version` is that of the pipeline by which the agent would parse it.
    """
    path, size = str(found.path), found.status.st_size
    waiting = ages.unwritten(found)
    try:
        with closing(open_found(found)) as content:
            state = _state_of_stranger(content, size, host, input_name)
            if state is FileState.NEW and not content.compressed:
                waiting = ages.unread(_row_to_be(found, input_name, version), content.pread(_TAIL, 0), found)
            return Look(path, size, compressed=content.compressed, waiting=waiting), state
    except (SourceError, OSError) as error:
        return None if _has_vanished(error) else (Look(path, size, problem=str(error)), FileState.UNREADABLE)


def _look(row: FileRow, found: Found, host: str, ages: Ages) -> Look | None:
    """What the disk shows of a row's file; None if what has its inode now is another one."""
    path, size = str(found.path), found.status.st_size
    if row.finished:
        same = row.finished == finished_stamp(size, found.status.st_mtime_ns)
        return Look(path, size) if same else None
    try:
        with closing(open_found(found)) as content:
            if content.compressed:
                return Look(path, size, compressed=True, waiting=ages.unwritten(found))
            return _look_at_content(row, found, content, ages) if _is_same(row, content, size, host) else None
    except (SourceError, OSError) as error:
        return Look(path, gone=True) if _has_vanished(error) else Look(path, size, problem=str(error))


def _look_at_content(row: FileRow, found: Found, content: Content, ages: Ages) -> Look:
    path, size = str(found.path), found.status.st_size
    if size <= row.offset:
        return Look(path, size)
    data = content.pread(_TAIL, row.offset)
    partial = size <= row.offset + _TAIL and b"\n" not in data
    return Look(path, size, partial=partial, waiting=ages.unread(row, data, found))


def _is_same(row: FileRow, content: Content, size: int, host: str) -> bool:
    if not row.offset:
        return fingerprint_of(content, host, row.input) == row.fingerprint
    return size >= row.offset and guard_at(content, row.offset) == row.guard


def _has_vanished(error: Exception) -> bool:
    """Whether a file could not be opened because it was deleted or renamed since it was found."""
    return isinstance(error.__cause__, FileNotFoundError)


def _absent(row: FileRow, names: Collection[tuple[str, str]]) -> Look:
    replaced = (row.input, row.current_path) in names
    return Look(row.current_path, gone=True, replaced=replaced)


def _state_of_stranger(content: Content, size: int, host: str, input_name: str) -> FileState:
    if not size:
        return FileState.EMPTY
    if fingerprint_of(content, host, input_name) is not None:
        return FileState.NEW
    return FileState.UNFINISHED if content.compressed else FileState.HEADER_ONLY


def _row_to_be(found: Found, input_name: str, version: str) -> FileRow:
    """The row that the agent will make of a file, as far as its times depend on it."""
    path, status = str(found.path), found.status
    marks = [Mark(0, MarkKind.PIPELINE, version)]
    return FileRow(
        0, input_name, path, path, status.st_dev, status.st_ino, "0" * 16, status.st_size, 0, 0, 0, None, "", marks
    )
