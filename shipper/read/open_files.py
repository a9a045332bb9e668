"""The files that are open, and those that were closed at their end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shipper.events_log import EventsLog
from shipper.read.discover import Found, Key
from shipper.read.opener import key_of
from shipper.read.recognise import Recogniser, Registry
from shipper.read.sizes import Sizes
from shipper.read.tail import TailedFile
from shipper.records import Mark, MarkKind

_STEP = 1 << 20
_FEW = 1000
"""Names of closed files that are kept without looking whether they are still there."""


class OpenFiles:
    """Open files by what they are. How far they were read is told to who recognises files when they are given back."""

    def __init__(self, recogniser: Recogniser, registry: Registry, events: EventsLog, sizes: Sizes, limit: int) -> None:
        self._recogniser = recogniser
        self._registry = registry
        self._events = events
        self._sizes = sizes
        self._limit = limit
        self._files: dict[Key, TailedFile] = {}
        self._pending: dict[Key, int] = {}
        """Lines that were there and not read when a file was last at its end, be it open or not."""

    @property
    def all(self) -> Sequence[TailedFile]:
        """All of them."""
        return tuple(self._files.values())

    @property
    def keys(self) -> Iterable[Key]:
        """What all of them are."""
        return self._files.keys()

    @property
    def has_room(self) -> bool:
        """Whether another may be opened."""
        return len(self._files) < self._limit

    def __contains__(self, key: Key) -> bool:
        return key in self._files

    def holds(self, tailed: TailedFile) -> bool:
        """Whether it was neither given back nor replaced meanwhile."""
        return self._files.get(key_of(tailed.row)) is tailed

    def add(self, tailed: TailedFile) -> None:
        """A file was opened: how large it was before concerns what stood in it then."""
        self._files[key_of(tailed.row)] = tailed
        self._sizes.before_truncation(str(tailed.path), tailed.content.stat())

    def found(self, key: Key, found: Found) -> None:
        """An open file was found; under another name, if it was renamed, or larger than anybody has seen it."""
        tailed = self._files[key]
        row = tailed.row
        renamed, grown = str(found.path) != row.current_path, found.status.st_size > row.size
        if renamed:
            self._events.info("file_renamed", path=row.current_path, to=str(found.path))
            row.current_path, tailed.path = str(found.path), found.path
        if renamed or grown:
            if tailed.is_itself():  # else the size is that of what took its place, and what was unread is told later
                row.size = found.status.st_size
            self._registry.seen(row)

    def looked(self, present: set[Key]) -> None:
        """These are all files that have a name."""
        for key, tailed in self._files.items():
            tailed.named = key in present
        self._pending = {key: lines for key, lines in self._pending.items() if key in present or key in self._files}

    def at_end(self, tailed: TailedFile) -> None:
        """A file has nothing more to read for now."""
        row, size = tailed.row, tailed.bytes_on_disk()
        if size is not None and row.size != size:
            row.size = size
            self._registry.seen(row)
        self._pending[key_of(row)] = tailed.pending_lines()

    def pending_lines(self) -> int:
        """Lines that were there at the ends of files and are not read as whole events."""
        return sum(self._pending.values())

    def note_lost(self, tailed: TailedFile, how: str) -> None:
        """What was not read of a file cannot be read any more."""
        if tailed.pending:
            self._registry.gap(tailed.row, Mark(tailed.position, MarkKind.GAP, f"{how}:{tailed.pending}"))

    def give_back(self, tailed: TailedFile) -> None:
        """Close a file."""
        self.drop(tailed)
        tailed.close()

    def drop(self, tailed: TailedFile) -> None:
        """A file is not the one that it was, though its descriptor may be used on."""
        self._recogniser.read_to(tailed.row, tailed.position, tailed.chain, tailed.guard)
        del self._files[key_of(tailed.row)]

    def blocks(self, file: int, offset: int) -> Iterator[bytes]:
        """The whole content of one from an offset on."""
        content = next(tailed.content for tailed in self._files.values() if tailed.row.id == file)
        while block := content.pread(_STEP, offset):
            yield block
            offset += len(block)

    def close(self) -> None:
        """Give all descriptors back."""
        for tailed in self._files.values():
            tailed.close()
        self._files.clear()


class ClosedFiles:
    """Files that were read to their end and closed: they are opened again when they grow."""

    def __init__(self) -> None:
        self._files: dict[str, Key] = {}
        self._room = _FEW

    def __len__(self) -> int:
        return len(self._files)

    def add(self, tailed: TailedFile) -> None:
        """A file was closed under the name that it has. Now and then names that are gone are forgotten."""
        self._files[str(tailed.path)] = key_of(tailed.row)
        if len(self._files) > self._room:
            self._files = {path: key for path, key in self._files.items() if os.path.exists(path)}  # noqa: PTH110  as below
            self._room = max(_FEW, 2 * len(self._files))

    def written(self, paths: Iterable[str]) -> Iterator[tuple[str, Found | None]]:
        """The input of each that was written to, and what was found there; None if it is another file now."""
        for path in self._files.keys() & set(paths):
            key = self._files.pop(path)
            try:
                found = Found(Path(path), os.stat(path))  # noqa: PTH116  as in `discover`
            except OSError:
                yield key[0], None
            else:
                yield key[0], found if found.key(key[0]) == key else None


def to_spare(at_end: Iterable[TailedFile]) -> TailedFile | None:
    """Which of the files at their end can be closed for another, and opened again by its name.

    The one that has been there longest, and rather one without half a line: an event that waits for quiet is kept.
    """
    files = list(at_end)
    whole = (tailed for tailed in files if not tailed.pending and tailed.has_name)
    single = (tailed for tailed in files if not tailed.framing.multiline and tailed.has_name)
    return next(whole, None) or next(single, None)
