"""Recent lines of an input, read back from disk; no state is touched."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from shipper.errors import SourceError
from shipper.hashes import HEAD_LIMIT
from shipper.read.discover import Found, discover
from shipper.read.files import open_content
from shipper.settings import MIB, InputSettings

LINES = 2000
BYTES = MIB
FILES = 16
"""So many files at most are opened."""


class Excerpt(NamedTuple):
    """The last whole lines of a file."""

    path: str
    head: bytes
    """The file's first bytes, which may hold its header."""
    lines: bytes
    whole: bool
    """Whether they begin where the file begins."""
    modified: float
    """Seconds since the epoch."""


def recent_lines(item: InputSettings) -> list[Excerpt]:
    """Excerpts of the files that were written last, together at most LINES lines and BYTES bytes."""
    found = []
    lines, size = LINES, BYTES
    for file in reversed(discover(item)[-FILES:]):
        excerpt = _excerpt(file, lines, size)
        if excerpt is not None:
            found.append(excerpt)
            lines -= excerpt.lines.count(b"\n")
            size -= len(excerpt.lines)
        if lines <= 0 or size <= 0:
            break
    return found


def _excerpt(file: Found, lines: int, size: int) -> Excerpt | None:
    try:
        with closing(open_content(file.path)) as content:
            # Of an archive the first bytes: the last ones cost its whole decompression.
            start = 0 if content.compressed else max(0, content.stat().st_size - size)
            head, data = content.pread(HEAD_LIMIT, 0), content.pread(size, start)
    except (SourceError, OSError):
        return None  # the agent reports what it cannot read; here another file will do
    begin = data.find(b"\n") + 1 if start else 0
    kept = data[begin : data.rfind(b"\n") + 1].split(b"\n")[:-1]
    text = b"".join(line + b"\n" for line in kept[-lines:])
    whole = not start and len(kept) <= lines
    return Excerpt(str(file.path), head, text, whole, file.status.st_mtime) if text else None
