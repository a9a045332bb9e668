"""What is on disk: the files that inputs match, as they are now, their bytes, and which of them are copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import NamedTuple

from shipper.errors import SourceError
from shipper.read.discover import Found, closed_folders, discover
from shipper.read.files import Content, Renamed, UnfinishedArchive, open_content, open_found
from shipper.read.identity import agreement, fingerprint_of
from shipper.settings import InputSettings

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A matching file as it was when the audit began."""

    input: InputSettings
    path: Path
    fingerprint: str | None
    """None while it has too little content to be told from others."""
    size: int
    """Bytes on disk, of archives compressed."""
    modified: float
    """Seconds since the epoch."""
    inode: tuple[int, int] = (0, 0)
    """Device and inode."""
    compressed: bool = False
    problem: str = ""
    """Why it cannot be read."""
    times: tuple[int, int] = (0, 0)
    """When its content and when its inode were changed last, in nanoseconds since the epoch."""
    is_folder: bool = False
    """Whether it is a folder that cannot be looked into, and stands for the files that may be below."""

    def blocks(self, limit: int | None = None, start: int = 0) -> Iterator[bytes]:
        """Its uncompressed content from `start` up to `limit`; of an unfinished archive as far as it goes.

        Raises SourceError.
        """
        with closing(self.open()) as content:
            position = start
            while limit is None or position < limit:
                size = BLOCK if limit is None else min(BLOCK, limit - position)
                block = _read(content, size, position, self.path)
                if not block:
                    return
                position += len(block)
                yield block

    def open(self) -> Content:
        """Its content. Raises SourceError; Renamed if its name does not lead to it any more."""
        content = open_content(self.path)
        status = content.stat()
        if (status.st_dev, status.st_ino) != self.inode:
            content.close()
            raise Renamed(f"{self.path}: another file took this name during the audit")
        return content

    def is_there(self) -> bool:
        """Whether its name still leads to it, and nothing was cut off."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.inode and status.st_size >= self.size

    def is_unchanged(self) -> bool:
        """Whether its name still leads to it, and nothing was written to it since the audit began."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        now = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return now == (*self.inode, self.size, *self.times)

    def was_settled(self, moment: float) -> bool:
        """Whether it was changed last before a moment (seconds since the epoch), by the clock of its file system."""
        return max(self.times) < moment * 1e9

    def at(self, offset: int, size: int) -> bytes:
        """Its uncompressed content at a place. Raises SourceError."""
        with closing(self.open()) as content:
            return content.pread(size, offset)

    @property
    def limit(self) -> int | None:
        """How much of it belongs to the audit: what came later does not."""
        return None if self.compressed else self.size


class Branch(NamedTuple):
    """A file and the offset from which on its lines are its own: before it, they are those of an earlier branch."""

    file: DiskFile
    start: int


def survey(host: str, inputs: Sequence[InputSettings]) -> list[DiskFile]:
    """Every file that an input matches; looked for once more if some are rotated away just now."""
    files: list[DiskFile] = []
    for _ in range(2):
        looks = [_look(host, settings, found) for settings in inputs for found in discover(settings)]
        files = [file for file in looks if file is not None]
        if len(files) == len(looks) and all(file.is_there() for file in files):
            break
    return files


def closed(inputs: Sequence[InputSettings]) -> list[DiskFile]:
    """Folders that cannot be looked into: what lies below is neither gone nor proved."""
    return [
        DiskFile(settings, Path(folder), None, size=0, modified=inf, problem=problem, is_folder=True)
        for settings in inputs
        for folder, problem in closed_folders(settings).items()
    ]


def branches(files: Sequence[DiskFile]) -> list[Branch]:
    """Files of one fingerprint, the longest first; a file that is only the beginning of another is left out.

    Raises SourceError.
    """
    if len(files) == 1:
        return [Branch(files[0], 0)]
    found: list[Branch] = []
    for file in sorted(files, key=lambda item: (-_length(item), item.compressed, item.path)):
        shared = [_common(file, earlier.file) for earlier in found]
        if not any(common.whole for common in shared):
            found.append(Branch(file, max((common.offset for common in shared), default=0)))
    return found


def unreadable(file: DiskFile) -> str:
    """Why a file cannot be read to its end; empty if it can."""
    try:
        for _ in file.blocks():
            pass
    except SourceError as error:
        return str(error)
    return ""


def is_whole(file: DiskFile) -> bool:
    """Whether the file can grow no more: an archive that is not broken off."""
    if not file.compressed:
        return False
    with closing(file.open()) as content:
        try:
            while content.read(BLOCK):
                pass
        except UnfinishedArchive:
            return False
    return True


def _look(host: str, settings: InputSettings, found: Found) -> DiskFile | None:
    """A file that was found; None if its name does not lead to it any more."""
    status = found.status
    inode = (status.st_dev, status.st_ino)
    times = (status.st_mtime_ns, status.st_ctime_ns)
    file = DiskFile(settings, found.path, None, status.st_size, status.st_mtime, inode, times=times)
    try:
        with closing(open_found(found)) as content:
            mark = fingerprint_of(content, host, settings.name)
            return replace(file, fingerprint=mark, compressed=content.compressed)
    except Renamed:
        return None
    except SourceError as error:
        return replace(file, problem=str(error))


def _read(content: Content, size: int, position: int, path: Path) -> bytes:
    try:
        return content.pread(size, position)
    except UnfinishedArchive:
        return b""
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _length(file: DiskFile) -> int:
    return sum(map(len, file.blocks())) if file.compressed else file.size


class _Common(NamedTuple):
    offset: int
    """End of the last line that both have."""
    whole: bool
    """Whether the shorter file is nothing but the beginning of the longer."""


def _common(shorter: DiskFile, longer: DiskFile) -> _Common:
    position = line_end = 0
    longer_blocks = longer.blocks(longer.limit)
    rest = b""
    for block in shorter.blocks(shorter.limit):
        while len(rest) < len(block) and (more := next(longer_blocks, b"")):
            rest += more
        other, rest = rest[: len(block)], rest[len(block) :]
        same = len(block) if block == other else agreement(block, other)
        newline = block.rfind(b"\n", 0, same)
        line_end = position + newline + 1 if newline >= 0 else line_end
        if same < len(block):
            return _Common(line_end, whole=False)
        position += len(block)
    return _Common(line_end, whole=True)
