"""How far another shipper has read files, and which file an entry of it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from shipper.read.discover import Found
from shipper.read.files import Content

HEAD = 1024
"""Bytes at the beginning by which Filebeat knows files where it goes by content."""


@dataclass(frozen=True, slots=True)
class Position:
    """One entry of another shipper's bookkeeping."""

    offset: int
    """Bytes that it has read."""
    path: str = ""
    """Where it saw the file; only a hint where there is an inode or a head."""
    inode: int | None = None
    devices: frozenset[int] = frozenset()
    """The numbers that the file's device may have, for not all shippers tell it in the same way; empty: not told."""
    head: str = ""
    """SHA-256 of the file's first `head_size` bytes, in hex."""
    head_size: int = HEAD
    stream: str = ""
    """Which of several streams in one file it is about: each has been read as far as its own entry says."""
    obstacle: str = ""
    """Why nobody but the other can tell which file it means."""


class Positions:
    """All entries; each is remembered that some file was found for."""

    def __init__(self, positions: Sequence[Position]) -> None:
        self._all = positions
        self._found: set[Position] = set()
        self._by_inode: dict[int, list[Position]] = defaultdict(list)
        self._by_head: dict[str, list[Position]] = defaultdict(list)
        self._by_path: dict[str, list[Position]] = defaultdict(list)
        for position in positions:
            if position.inode is not None:
                self._by_inode[position.inode].append(position)
            elif position.head:
                self._by_head[position.head].append(position)
            else:
                self._by_path[position.path].append(position)

    def of(self, found: Found, content: Content) -> tuple[Position | None, str]:
        """What is said of a file, and by what it is known: `inode`, `content` or `path`.

        Of several entries the furthest; of several streams the one that is furthest behind.
        """
        status = found.status
        by_inode = [one for one in self._by_inode.get(status.st_ino, ()) if _may_lie_on(one, found)]
        candidates = {
            "inode": by_inode,
            "content": self._of_head(content),
            "path": self._by_path.get(str(found.path), []),
        }
        for known_by, some in candidates.items():
            if some:
                self._found.update(some)
                furthest = {one.stream: one for one in sorted(some, key=_offset)}
                return min(furthest.values(), key=_offset), known_by
        return None, ""

    def gone(self) -> list[str]:
        """Where the other saw files that were not found."""
        return sorted({one.path or f"inode {one.inode}" for one in self._all if one not in self._found})

    def _of_head(self, content: Content) -> list[Position]:
        """The entries for the longest head that the file begins with."""
        for size in sorted({one.head_size for some in self._by_head.values() for one in some}, reverse=True):
            head = content.pread(size, 0)
            found = self._by_head.get(sha256(head).hexdigest(), []) if len(head) == size else []
            if found:
                return found
        return []


def _may_lie_on(position: Position, found: Found) -> bool:
    """Whether an inode is that of a file: inodes are told apart by device, or else by folder.

    A device's number may change when the machine starts; inode and path together still mean the file.
    """
    if position.devices:
        return found.status.st_dev in position.devices or position.path == str(found.path)
    return Path(position.path).parent == found.path.parent


def _offset(position: Position) -> int:
    return position.offset
