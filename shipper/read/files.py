"""A log file's uncompressed content, whatever it is packed in. Plain files are read in place, never copied."""

from __future__ import annotations

import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from isal import igzip_lib

from shipper.errors import SourceError
from shipper.read.discover import Found
from shipper.read.unpackers import Unpacker, unpacker_of

_STEP = 1 << 20
_PACKED_STEP = 64 * 1024
_KEPT = 4 << 20
"""Bytes of what an archive gave last that are kept at most."""
_BEHIND = 8 << 20
"""Bytes that are given back to the page cache at a time; smaller files stay in it."""
_IGZIP_ERROR: Any = igzip_lib.error  # its stub does not say that it is a class
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, _IGZIP_ERROR)


class UnfinishedArchive(SourceError):  # noqa: N818  it is a state of a file that passes, not a defect
    """A compressed file that is still being written; it waits."""


class Renamed(SourceError):  # noqa: N818  as above
    """A name leads to no file, or to another one than when it was found."""


class Content(Protocol):
    """Uncompressed content with random and sequential access; sequential is what compressed files are good at."""

    compressed: bool

    def pread(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes at `offset`; fewer only at the end."""

    def read(self, size: int) -> bytes:
        """The next bytes after the last `read`; empty at the end."""

    def passed(self) -> int:
        """Bytes of the file itself, as packed as they are, that `read` has passed: for showing progress."""

    def done_with(self, offset: int) -> None:
        """What stands before an offset will hardly be read again soon: the page cache may serve others."""

    def stat(self) -> os.stat_result:
        """The file's own status, also when its name is gone."""

    def fileno(self) -> int:
        """The descriptor."""

    def close(self) -> None:
        """Give the descriptor back."""


def open_content(path: str | Path) -> Content:
    """Open a file. Raises `SourceError` with the system's reason."""
    return _content(path, _opened(path))


def open_found(found: Found) -> Content:
    """Open a file that an input matches. Raises `SourceError`, also where it must not be; `Renamed` if it moved."""
    if found.problem:
        raise SourceError(found.problem)
    descriptor = _opened(found.path)
    status = os.fstat(descriptor)
    if (status.st_dev, status.st_ino) != (found.status.st_dev, found.status.st_ino):
        os.close(descriptor)
        raise Renamed(f"{found.path}: another file has this name now")
    return _content(found.path, descriptor)


def _opened(path: str | Path) -> int:
    try:
        # Not to wait for a writer, should a pipe have taken the name.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise Renamed(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _content(path: str | Path, descriptor: int) -> Content:
    try:
        magic = os.pread(descriptor, 6, 0)
        unpack = unpacker_of(magic)
        return Plain(descriptor) if unpack is None else Compressed(descriptor, str(path), unpack)
    except OSError as error:
        os.close(descriptor)
        raise SourceError(f"{path}: {error.strerror}") from error
    except BaseException:
        os.close(descriptor)
        raise


def opened_again(content: Content, path: str | Path) -> Content:
    """The same file, which holds other content now, perhaps packed in another way; the old object is closed."""
    descriptor = os.dup(content.fileno())
    content.close()
    return _content(path, descriptor)


class Plain:
    """A file as it is."""

    compressed = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._given_back = 0
        # A backfill reads each page once, and in order: ask for read-ahead.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def pread(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes at `offset`; fewer only at the end."""
        return os.pread(self._descriptor, size, offset)

    def read(self, size: int) -> bytes:
        """The next bytes after the last `read`; empty at the end."""
        data = self.pread(size, self._position)
        self._position += len(data)
        self.done_with(self._position)
        return data

    def done_with(self, offset: int) -> None:
        """Give pages before an offset back: 100 GB read up on must not push everybody else out of the page cache."""
        behind = offset - self._given_back
        if behind >= _BEHIND:
            os.posix_fadvise(self._descriptor, self._given_back, behind, os.POSIX_FADV_DONTNEED)
            self._given_back = offset

    def passed(self) -> int:
        """Bytes of the file itself that `read` has passed."""
        return self._position

    def stat(self) -> os.stat_result:
        """The file's own status, also when its name is gone."""
        return os.fstat(self._descriptor)

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


class Compressed:
    """An archive, decompressed as a stream. It may have several members.

    Who reads on from a little further back finds that kept; going back beyond it begins anew.
    """

    compressed = True

    def __init__(self, descriptor: int, path: str, unpacker: Callable[[], Unpacker]) -> None:
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._path = path
        self._new_unpacker = unpacker
        self._kept = b""
        """What stands right before the position, as far as it is kept."""
        self._broken = False
        self._rewind()

    def pread(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes at `offset`; fewer only at the end."""
        if self._broken or offset < self._position - len(self._kept):
            self._rewind()
        while self._position < offset:
            self._kept = b""
            if not self._next(min(_STEP, offset - self._position)):
                return b""
        kept = self._kept
        start = len(kept) - (self._position - offset)
        data = kept[start : start + size]
        try:
            more = self.read(size - len(data))
        except UnfinishedArchive:
            if not data:
                raise
            more = b""
        self._kept = (data + more)[-_KEPT:] if more else kept
        return data + more

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end or where the archive breaks off, and then the next call raises."""
        self._kept = b""
        pieces: list[bytes] = []
        try:
            while size > 0 and (piece := self._next(size)):
                pieces.append(piece)
                size -= len(piece)
        except UnfinishedArchive:
            if not pieces:
                raise
        return b"".join(pieces)

    def passed(self) -> int:
        """Packed bytes that `read` has passed."""
        return self._file.tell()

    def done_with(self, offset: int) -> None:
        """Keep no more than what stands from there on."""
        self._kept = self._kept[max(0, offset - (self._position - len(self._kept))) :]

    def stat(self) -> os.stat_result:
        """The file's own status, also when its name is gone."""
        return os.fstat(self._file.fileno())

    def fileno(self) -> int:
        """The descriptor."""
        return self._file.fileno()

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._unpacker = self._new_unpacker()
        self._position = 0
        self._kept = b""
        self._broken = False

    def _next(self, size: int) -> bytes:
        try:
            data = self._unpacked(size)
        except _DAMAGE as error:
            raise SourceError(f"{self._path}: damaged archive: {error}") from error
        self._position += len(data)
        return data

    def _unpacked(self, size: int) -> bytes:
        """Some bytes, as soon as there are any; empty at the end of the last member."""
        while True:
            packed = b""
            if self._unpacker.eof:
                packed = self._unpacker.unused_data or self._file.read(_PACKED_STEP)
                if not packed.strip(b"\0"):  # tapes and some tools pad archives with zeros
                    return b""
                self._unpacker = self._new_unpacker()
            elif self._unpacker.needs_input:
                packed = self._file.read(_PACKED_STEP)
                if not packed:
                    self._broken = True
                    raise UnfinishedArchive(f"{self._path}: the archive breaks off after {self._position} bytes")
            data = self._unpacker.decompress(packed, size)
            if data:
                return data
