"""All files of all inputs: found, recognised, read in turn."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shipper.clock import Clock
from shipper.errors import OutputError, SourceError
from shipper.events_log import EventsLog
from shipper.hashes import HEAD_LIMIT
from shipper.read.absences import Absences
from shipper.read.beginnings import Beginnings
from shipper.read.discover import Found, discover
from shipper.read.files import Content, UnfinishedArchive, open_found
from shipper.read.pace import Pace
from shipper.read.recognise import Recogniser, Registry, finished_stamp
from shipper.read.rescans import BREATH
from shipper.read.tail import Replaced, TailedFile
from shipper.read.turns import Turns
from shipper.records import Chunk, FileRow, Framing, Mark, MarkKind, Source
from shipper.settings import InputSettings

REPLACED_FILE_WAITS = 300.0
"""Seconds for which a file that lost its name to another is read on after it last grew."""
RECENT = 60.0
"""A file that changed within so many seconds has a writer, who may have readers waiting."""
HEAD_START = 1.0
"""Seconds for which files are opened oldest first; if more are waiting then, those that changed recently go before."""
_STEP = 1 << 20

Key = tuple[str, int, int]
"""Input, device, inode."""


class Unidentified(NamedTuple):
    """A file that no row stands for yet."""

    input: str
    path: str
    size: int
    problem: str
    """`empty`, `header only`, `unfinished` or why it cannot be read."""
    lines: int = 0


class Reader:
    """Reads every matching file to its end, a chunk at a time, round robin, oldest first."""

    def __init__(
        self,
        host: str,
        inputs: Sequence[InputSettings],
        framings: Mapping[str, Framing],
        recogniser: Recogniser,
        absences: Absences,
        registry: Registry,
        clock: Clock,
        events: EventsLog,
        *,
        max_open_files: int = 512,
    ) -> None:
        self._host = host
        self._inputs = inputs
        self._framings = dict(framings)
        self._recogniser = recogniser
        self._absences = absences
        self._registry = registry
        self._clock = clock
        self._events = events
        self._max_open = max_open_files
        self._beginnings = Beginnings(inputs, registry)
        self._pace = Pace(inputs, clock)
        self._tailed: dict[Key, TailedFile] = {}
        self._turns: Turns[TailedFile] = Turns()
        self._waiting: deque[tuple[InputSettings, Found]] = deque()
        """Files that are to be opened."""
        self._aside: list[tuple[InputSettings, Found]] = []
        """Those of them whose inputs must not be read for now."""
        self._busy_since: float | None = None
        """Monotonic time since when there was always something to read."""
        self._read: dict[Key, str] = {}
        """Files that were read to their end and closed: how they looked then."""
        self._closed: dict[str, Key] = {}
        """By path: files that were read to their end and closed, to be opened again when they grow."""
        self._pending: dict[Key, int] = {}
        self.unreadable: dict[str, str] = {}
        """By path: why a file cannot be read, as long as that is so."""
        self.unidentified: dict[str, Unidentified] = {}
        """By path: files that no row stands for yet."""
        self.matching = 0
        """How many files matched at the last look."""
        self.held: set[str] = set()
        """Inputs that are not read for now: their dataset is paused."""

    @property
    def tailed(self) -> Sequence[TailedFile]:
        """The files that are open."""
        return tuple(self._tailed.values())

    def reframe(self, input_name: str, framing: Framing) -> None:
        """Make events of an input's lines by another framing, from where each file has come to."""
        self._framings[input_name] = framing
        for tailed in self._tailed.values():
            if tailed.source.input == input_name:
                tailed.framing = framing

    def scan(self) -> None:
        """Look for new, renamed and vanished files; they are opened when their turn comes."""
        self._waiting.clear()
        self._aside.clear()
        self.unidentified.clear()
        present = set()
        for settings in self._inputs:
            files = discover(settings)
            self._beginnings.looked(settings, files)
            for found in files:
                key = (settings.name, found.status.st_dev, found.status.st_ino)
                present.add(key)
                if key in self._tailed:
                    self._note_name(self._tailed[key], found)
                elif self._read.get(key) != _stamp(found):
                    self._waiting.append((settings, found))
        self.matching = len(present)
        self.unreadable = {path: problem for path, problem in self.unreadable.items() if Path(path).exists()}
        for key, tailed in self._tailed.items():
            tailed.named = key in present
        self._absences.look(present | self._tailed.keys(), self._clock.time())
        self._waiting = deque(sorted(self._waiting, key=lambda item: item[1].status.st_mtime_ns))
        self._beginnings.opened(left=self.to_open)

    def chunks(self, *, once: bool) -> Iterator[Chunk]:
        """One pass: chunks of all files in turn, until each is at its end as it is now.

        Whoever stops in the middle goes on with another pass, where the turns are as they were.
        """
        self._turns.look_again()
        self._waiting.extend(self._aside)
        self._aside.clear()
        looked = now = self._clock.monotonic()
        self._busy_since = now if self._busy_since is None else self._busy_since
        while True:
            opened = self._open_next(now)
            turn = self._turns.next()
            if turn is not None:
                yield from self._turn(*turn, once=once)
            elif not opened:
                break
            now = self._clock.monotonic()
            if now - looked >= BREATH and self._turns.has_backlog:
                self._turns.look_again()
                looked = now
        self._busy_since = None

    def _turn(self, tailed: TailedFile, live: bool, *, once: bool) -> Iterator[Chunk]:
        if self._waits(tailed.source.input):
            self._turns.rest(tailed)
            return
        chunk = self._next(tailed, once=once)
        if chunk is not None:
            self._turns.add(tailed, live=live)
            self._pace.took(tailed.source.input, chunk.end - chunk.start)
            yield chunk
        elif self._tailed.get(_key(tailed.row)) is tailed:
            self._let_go(tailed, once=once)

    def _waits(self, input_name: str) -> bool:
        """Whether an input must not be read now, whatever there is to read."""
        return input_name in self.held or self._pace.waits(input_name)

    def due(self) -> float | None:
        """Seconds until an input that its rate holds back may be read on; None if none is."""
        return self._pace.due()

    def _open_next(self, now: float) -> bool:
        """Open one of the files that wait, if descriptors allow; whether there was one to open."""
        while self._waiting and self._waits(self._waiting[0][0].name):
            self._aside.append(self._waiting.popleft())
        if not self._waiting or not (len(self._tailed) < self._max_open or self._park()):
            return False
        if self._busy_since is not None and now - self._busy_since >= HEAD_START:
            self._recent_first()
        opened = self._open(*self._waiting.popleft())
        if opened is not None:
            self._turns.add(opened, live=False)
        return True

    def _recent_first(self) -> None:
        """Let files that have a writer go before a backlog that takes long."""
        newest = self._waiting[-1][1].status.st_mtime
        if self._clock.time() - newest < RECENT:
            self._waiting.rotate(1)

    def _park(self) -> bool:
        """Close a file at its end, to be opened again when it changes; whether there was one that can be spared.

        The one that has been there longest, and rather one without half a line: an event that waits for quiet is kept.
        """
        spared = next((tailed for tailed in self._turns.at_end() if _has_name(tailed) and not tailed.pending), None)
        if spared is None:
            at_end = self._turns.at_end()
            spared = next((tailed for tailed in at_end if _has_name(tailed) and not tailed.framing.multiline), None)
        if spared is None:
            return False
        if self._waits(spared.source.input):
            self._put_aside(spared)
        else:
            self._finish(spared)
        self._turns.remove(spared)
        return True

    def _put_aside(self, tailed: TailedFile) -> None:
        """Close a file whose input waits; it is opened again when that may be read."""
        settings = next(item for item in self._inputs if item.name == tailed.source.input)
        self._aside.append((settings, Found(tailed.path, tailed.content.stat())))
        self._recogniser.read_to(tailed.row, tailed.position, tailed.chain, tailed.guard)
        self._close(tailed)

    def grew(self, paths: Iterable[str]) -> bool:
        """Files were written to: those that are closed come first in the next pass.

        Whether one of them is another file now, so that a scan is needed.
        """
        replaced = False
        settings = {item.name: item for item in self._inputs}
        for path in self._closed.keys() & set(paths):
            key = self._closed.pop(path)
            found = Found(Path(path), os.stat(path)) if os.path.exists(path) else None  # noqa: PTH110, PTH116  as in `discover`
            if found is not None and (key[0], found.status.st_dev, found.status.st_ino) == key:
                self._waiting.appendleft((settings[key[0]], found))
            else:
                replaced = True
        return replaced

    def forget(self, file: int) -> None:
        """Everything that was read of a closed file is settled: the state knows how far it was read."""
        self._recogniser.forget(file)

    @property
    def to_open(self) -> int:
        """How many files still wait for their turn."""
        return len(self._waiting) + len(self._aside)

    def blocks(self, file: int, offset: int = 0) -> Iterator[bytes]:
        """The whole content of an open file from an offset on, for decisions that need to see all of it."""
        content = next(tailed.content for tailed in self._tailed.values() if tailed.row.id == file)
        while block := content.pread(_STEP, offset):
            yield block
            offset += len(block)

    def pending_lines(self) -> int:
        """Lines that are there and not read as whole events, a last one without newline included."""
        return sum(self._pending.values()) + sum(item.lines for item in self.unidentified.values())

    def close(self) -> None:
        """Give all descriptors back."""
        for tailed in self._tailed.values():
            tailed.close()
        self._tailed.clear()

    def _next(self, tailed: TailedFile, *, once: bool) -> Chunk | None:
        try:
            chunk = tailed.next_chunk(self._clock.monotonic(), once=once)
            self.unreadable.pop(str(tailed.path), None)
        except Replaced:
            self._replaced(tailed)
        except UnfinishedArchive:
            return None  # it is looked at again when it has changed
        except SourceError as error:
            self._close_unreadable(tailed, str(error))
        except OSError as error:
            self._close_unreadable(tailed, f"{tailed.path}: {error.strerror}")
        else:
            return chunk
        return None

    def _note_name(self, tailed: TailedFile, found: Found) -> None:
        row = tailed.row
        if str(found.path) != row.current_path:
            self._events.info("file_renamed", path=row.current_path, to=str(found.path))
            row.current_path, tailed.path = str(found.path), found.path
            row.size = found.status.st_size
            self._registry.seen(row)

    def _let_go(self, tailed: TailedFile, *, once: bool) -> None:
        """Close what will bring nothing more; what has its end for now rests."""
        row, key, status = tailed.row, _key(tailed.row), tailed.content.stat()
        if row.size != status.st_size:
            row.size = status.st_size
            self._registry.seen(row)
        self._pending[key] = tailed.pending_lines()
        quiet = self._clock.monotonic() - tailed.grew_at
        over = not tailed.named and not tailed.pending and quiet >= REPLACED_FILE_WAITS
        if tailed.done or over or (once and tailed.named and status.st_nlink > 0):
            self._finish(tailed)
        else:
            self._turns.rest(tailed)

    def _finish(self, tailed: TailedFile) -> None:
        """Close a file that was read to its end; it is opened again if it changes."""
        status = tailed.content.stat()
        self._read[_key(tailed.row)] = finished_stamp(status.st_size, status.st_mtime_ns)
        if tailed.named and not tailed.done:
            self._closed[str(tailed.path)] = _key(tailed.row)
        self._recogniser.read_to(tailed.row, tailed.position, tailed.chain, tailed.guard)
        self._close(tailed)

    def _close(self, tailed: TailedFile) -> None:
        del self._tailed[_key(tailed.row)]
        tailed.close()

    def _replaced(self, tailed: TailedFile) -> None:
        """The file under this inode is another one now: what was unread is lost, unless a copy has it."""
        row, size, lost = tailed.row, tailed.content.stat().st_size, tailed.pending
        if lost:
            self._registry.gap(row, Mark(tailed.position, MarkKind.GAP, f"truncated:{lost}"))
        self._events.warning("file_truncated", path=row.current_path, size=size, position=tailed.position, unread=lost)
        self._recogniser.read_to(row, tailed.position, tailed.chain, tailed.guard)
        self._close(tailed)
        for settings in self._inputs:
            if settings.name == row.input:
                same = (f for f in discover(settings) if (f.status.st_dev, f.status.st_ino) == (row.device, row.inode))
                self._waiting.extend((settings, found) for found in same)

    def _close_unreadable(self, tailed: TailedFile, problem: str) -> None:
        row = tailed.row
        self._note_unreadable(row.current_path, problem)
        self.unidentified[row.current_path] = Unidentified(row.input, row.current_path, row.size, problem)
        self._recogniser.read_to(row, tailed.position, tailed.chain, tailed.guard)
        self._close(tailed)

    def _note_unreadable(self, path: str, problem: str) -> None:
        """Say it once, and remember it as long as it is so."""
        if self.unreadable.get(path) != problem:
            self.unreadable[path] = problem
            self._events.error("file_unreadable", path=path, problem=problem)

    def _open(self, settings: InputSettings, found: Found) -> TailedFile | None:
        content: Content | None = None
        tailed: TailedFile | None = None
        try:
            content = open_found(found)
            tailed = self._recognised(settings, found, content)
        except UnfinishedArchive:
            self._note_unidentified(settings, found, "unfinished")
        except (SourceError, OutputError) as error:
            self._note_unidentified(settings, found, str(error), loud=True)
        finally:
            if tailed is None and content is not None:
                content.close()
        if tailed is not None:
            self._tailed[_key(tailed.row)] = tailed
        self._beginnings.opened(left=self.to_open)
        return tailed

    def _recognised(self, settings: InputSettings, found: Found, content: Content) -> TailedFile | None:
        framing = self._framings[settings.name]
        start = self._beginnings.start_of(settings, found, content)
        row = self._recogniser.row_of(settings, found, content, framing, start)
        if row is None:
            head = content.pread(HEAD_LIMIT, 0)
            lines = head.count(b"\n") + (not head.endswith(b"\n")) if head else 0
            problem = "unfinished" if content.compressed else "header only" if head else "empty"
            self._note_unidentified(settings, found, problem, lines=lines)
            return None
        if row.finished and row.finished == _stamp(found):
            self._read[_key(row)] = row.finished
            return None
        source = Source(self._host, row.input, row.path, row.fingerprint, row.id)
        return TailedFile(row, source, content, framing)

    def _note_unidentified(
        self, settings: InputSettings, found: Found, problem: str, *, lines: int = 0, loud: bool = False
    ) -> None:
        path = str(found.path)
        self.unidentified[path] = Unidentified(settings.name, path, found.status.st_size, problem, lines)
        if loud:
            self._note_unreadable(path, problem)


def _has_name(tailed: TailedFile) -> bool:
    """Whether the file can be opened again; one that lost its name cannot."""
    return tailed.named and tailed.content.stat().st_nlink > 0


def _key(row: FileRow) -> Key:
    return (row.input, row.device, row.inode)


def _stamp(found: Found) -> str:
    return finished_stamp(found.status.st_size, found.status.st_mtime_ns)
