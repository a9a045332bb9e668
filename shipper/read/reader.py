"""All files of all inputs: found, identified, read in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from shipper.clock import Clock
from shipper.errors import SourceError
from shipper.events_log import EventsLog
from shipper.hashes import chain_start
from shipper.read.discover import Found, discover
from shipper.read.files import Content, UnfinishedArchive, open_content
from shipper.read.identity import chains_at, fingerprint_of, guard_at
from shipper.read.tail import Replaced, TailedFile, finished_stamp
from shipper.records import Chunk, FileRow, Framing, Mark, MarkKind, Source
from shipper.settings import InputSettings

REPLACED_FILE_WAITS = 300.0
"""Seconds for which a file that lost its name to another is read on after it last grew."""


class Registry(Protocol):
    """What reading must know of the past. The state implements it; an audit or a test may give an empty one."""

    def rows_of_inode(self, input_name: str, device: int, inode: int) -> Sequence[FileRow]:
        """Rows of files that were last seen under this inode."""

    def rows_of_fingerprint(self, fingerprint: str) -> Sequence[FileRow]:
        """Rows whose content begins the same."""

    def add(self, row: FileRow, heir_of: FileRow | None) -> FileRow:
        """Record a new file; with the ledger of the file it continues. Returns it with its id."""

    def seen(self, row: FileRow) -> None:
        """Record path, inode and size as they are now."""

    def gap(self, row: FileRow, mark: Mark) -> None:
        """Record a loss at the source."""


class Unidentified(NamedTuple):
    """A file that cannot be told from others yet, or not be read."""

    input: str
    path: str
    size: int
    problem: str
    """`empty`, `header only`, `unfinished` or the system's reason."""


class Reader:
    """Reads every matching file to its end, a chunk at a time, round robin, oldest first."""

    def __init__(
        self,
        host: str,
        inputs: Sequence[InputSettings],
        framings: Mapping[str, Framing],
        registry: Registry,
        adopt: Callable[[Source], Sequence[Mark]],
        clock: Clock,
        events: EventsLog,
        *,
        max_open_files: int = 512,
    ) -> None:
        self._host = host
        self._inputs = inputs
        self._framings = framings
        self._registry = registry
        self._adopt = adopt
        self._clock = clock
        self._events = events
        self._max_open = max_open_files
        self._tailed: dict[tuple[str, int, int], TailedFile] = {}
        self._waiting: deque[tuple[InputSettings, Found]] = deque()
        self._finished: dict[tuple[str, int, int], str] = {}
        self._failed: dict[tuple[str, int, int], tuple[int, int]] = {}
        self.unidentified: dict[str, Unidentified] = {}
        """By path: files that no row stands for yet."""
        self.held: set[str] = set()
        """Inputs that are not read for now: their dataset is paused."""

    @property
    def tailed(self) -> Sequence[TailedFile]:
        """The files that are open."""
        return tuple(self._tailed.values())

    def scan(self) -> None:
        """Look for new, renamed and vanished files; they are opened when their turn comes."""
        self._waiting.clear()
        self.unidentified.clear()
        present = set()
        for settings in self._inputs:
            for found in discover(settings):
                key = (settings.name, found.status.st_dev, found.status.st_ino)
                present.add(key)
                tailed = self._tailed.get(key)
                if tailed is not None:
                    self._note_name(tailed, found)
                elif self._finished.get(key) != finished_stamp(found.status):
                    self._waiting.append((settings, found))
        for key, tailed in self._tailed.items():
            tailed.named = key in present
        self._waiting = deque(sorted(self._waiting, key=lambda item: item[1].status.st_mtime_ns))

    def chunks(self, *, once: bool) -> Iterator[Chunk]:
        """One pass: chunks of all files in turn, until each is at its end as it is now."""
        turn: deque[TailedFile] = deque(self._tailed.values())
        while turn or self._waiting:
            if self._waiting and len(self._tailed) < self._max_open:
                opened = self._open(*self._waiting.popleft())
                if opened is not None:
                    turn.append(opened)
                continue
            if not turn:
                break  # descriptors are all in use: the next pass goes on
            tailed = turn.popleft()
            chunk = None if tailed.source.input in self.held else self._next(tailed, once=once)
            if chunk is not None:
                turn.append(tailed)
                yield chunk
            elif self._tailed.get(self._key(tailed.row)) is tailed:
                self._let_go(tailed, once=once)

    def close(self) -> None:
        """Give all descriptors back."""
        for tailed in self._tailed.values():
            tailed.close()
        self._tailed.clear()

    def _next(self, tailed: TailedFile, *, once: bool) -> Chunk | None:
        try:
            return tailed.next_chunk(self._clock.monotonic(), once=once)
        except Replaced:
            self._replaced(tailed)
        except UnfinishedArchive:
            pass  # it is looked at again when it has changed
        except SourceError as error:
            self._unreadable(tailed, str(error))
        except OSError as error:
            self._unreadable(tailed, f"{tailed.path}: {error.strerror}")
        return None

    def _note_name(self, tailed: TailedFile, found: Found) -> None:
        row = tailed.row
        if str(found.path) != row.current_path:
            self._events.info("file_renamed", path=row.current_path, to=str(found.path))
            row.current_path, tailed.path = str(found.path), found.path
            row.size = found.status.st_size
            self._registry.seen(row)

    def _let_go(self, tailed: TailedFile, *, once: bool) -> None:
        """Close what will bring nothing more, or, where descriptors are short, what has nothing unread."""
        quiet = self._clock.monotonic() - tailed.grew_at
        status = tailed.content.stat()
        over = not tailed.named and not tailed.pending and quiet >= REPLACED_FILE_WAITS
        # A file that still has a name can be opened again; one that lost it cannot, and is kept while unread.
        spare = tailed.named and status.st_nlink > 0 and (once or len(self._tailed) >= self._max_open)
        row = tailed.row
        if row.size != status.st_size:
            row.size = status.st_size
            self._registry.seen(row)
        if not (tailed.done or over or spare):
            return
        if tailed.done:
            self._finished[self._key(row)] = finished_stamp(status)
        self._close(tailed)

    def _close(self, tailed: TailedFile) -> None:
        del self._tailed[self._key(tailed.row)]
        tailed.close()

    def _replaced(self, tailed: TailedFile) -> None:
        """The file under this inode is another one now: what was unread is lost, unless a copy has it."""
        row, size = tailed.row, tailed.content.stat().st_size
        lost = tailed.pending
        if lost:
            self._registry.gap(row, Mark(tailed.position, MarkKind.GAP, f"truncated:{lost}"))
        self._events.warning("file_truncated", path=row.current_path, size=size, position=tailed.position, unread=lost)
        self._close(tailed)
        self._waiting.extend(
            (settings, found)
            for settings in self._inputs
            if settings.name == row.input
            for found in discover(settings)
            if (found.status.st_dev, found.status.st_ino) == (row.device, row.inode)
        )

    def _unreadable(self, tailed: TailedFile, problem: str) -> None:
        row = tailed.row
        self._events.error("file_unreadable", path=row.current_path, problem=problem)
        self.unidentified[row.current_path] = Unidentified(row.input, row.current_path, row.size, problem)
        self._close(tailed)

    def _open(self, settings: InputSettings, found: Found) -> TailedFile | None:
        try:
            content = open_content(found.path)
        except SourceError as error:
            self._note_unidentified(settings, found, str(error), loud=True)
            return None
        try:
            tailed = self._identified(settings, found, content)
        except SourceError as error:
            self._note_unidentified(settings, found, str(error), loud=not isinstance(error, UnfinishedArchive))
            tailed = None
        except BaseException:
            content.close()
            raise
        if tailed is None:
            content.close()
        else:
            self._tailed[self._key(tailed.row)] = tailed
        return tailed

    def _identified(self, settings: InputSettings, found: Found, content: Content) -> TailedFile | None:
        mark = fingerprint_of(content, self._host, settings.name)
        if mark is None:
            problem = "empty" if not found.status.st_size else "unfinished" if content.compressed else "header only"
            self._note_unidentified(settings, found, problem, loud=False)
            return None
        row = self._known(settings, found, content, mark) or self._new(settings, found, content, mark)
        if row.finished and row.finished == finished_stamp(found.status):
            self._finished[self._key(row)] = row.finished
            return None
        return TailedFile(row, self._source(row), content, self._framings[settings.name])

    def _known(self, settings: InputSettings, found: Found, content: Content, mark: str) -> FileRow | None:
        """The row of this very file: same inode, and what was read before the checkpoint still stands there."""
        status = found.status
        rows = self._registry.rows_of_inode(settings.name, status.st_dev, status.st_ino)
        for row in sorted(rows, key=lambda row: -row.offset):
            if row.fingerprint != mark or not _still_there(row, found, content):
                continue
            if (row.current_path, row.size) != (str(found.path), status.st_size):
                row.current_path, row.size = str(found.path), status.st_size
                self._registry.seen(row)
            return row
        return None

    def _new(self, settings: InputSettings, found: Found, content: Content, mark: str) -> FileRow:
        """A new row, which goes on where the row that agrees with its bytes furthest has come to."""
        candidates = self._registry.rows_of_fingerprint(mark)
        chains = chains_at(content, self._host, settings.name, {row.offset for row in candidates if row.offset})
        agreeing = [row for row in candidates if row.offset and chains.get(row.offset) == row.chain]
        elder = max(agreeing, key=lambda row: row.offset, default=None)
        row = FileRow(
            id=0,
            input=settings.name,
            path=str(found.path),
            current_path=str(found.path),
            device=found.status.st_dev,
            inode=found.status.st_ino,
            fingerprint=mark,
            size=found.status.st_size,
            offset=elder.offset if elder else 0,
            chain=elder.chain if elder else chain_start(self._host, settings.name),
            guard=guard_at(content, elder.offset) if elder else 0,
            carry=elder.carry if elder else None,
            marks=[] if elder else list(self._adopt(Source(self._host, settings.name, str(found.path), mark))),
        )
        if elder:
            row.marks = [mark for mark in elder.marks if mark.offset <= elder.offset and mark.kind is not MarkKind.GAP]
        self._events.info("file_found", path=row.path, fingerprint=mark, offset=row.offset)
        return self._registry.add(row, elder)

    def _source(self, row: FileRow) -> Source:
        return Source(self._host, row.input, row.path, row.fingerprint, row.id)

    def _note_unidentified(self, settings: InputSettings, found: Found, problem: str, *, loud: bool) -> None:
        path, status = str(found.path), found.status
        self.unidentified[path] = Unidentified(settings.name, path, status.st_size, problem)
        look = (status.st_size, status.st_mtime_ns)
        key = (settings.name, status.st_dev, status.st_ino)
        if loud and self._failed.get(key) != look:
            self._failed[key] = look
            self._events.error("file_unreadable", path=path, problem=problem)

    @staticmethod
    def _key(row: FileRow) -> tuple[str, int, int]:
        return (row.input, row.device, row.inode)


def _still_there(row: FileRow, found: Found, content: Content) -> bool:
    if row.finished and row.finished == finished_stamp(found.status):
        return True
    if not row.offset:
        return True
    whole = content.compressed or content.stat().st_size >= row.offset
    return whole and guard_at(content, row.offset) == row.guard
