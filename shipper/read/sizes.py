"""How large files were right before they were truncated, as far as somebody looked.

What was written between a rotator's copy and its truncation is in no file any more. Whoever looks at a file's size
whenever it is written to can tell, afterwards, that there was something, and at least how much.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import NamedTuple


class _Seen(NamedTuple):
    inode: tuple[int, int]
    last: int
    """Bytes when it was last looked at."""
    before: int
    """Bytes when it was last looked at before it became smaller; 0 while it did not."""


class Sizes:
    """By path. The watcher's thread looks, the reader asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: dict[str, _Seen] = {}

    def look(self, path: str) -> None:
        """The file was written to: see how large it is. A size that is not seen proves nothing, and is no error."""
        with self._lock:  # what is seen while somebody asks belongs to the file as it is afterwards
            try:
                status = os.stat(path)  # noqa: PTH116  a log may be written a thousand times a second
            except OSError:
                self._files.pop(path, None)
            else:
                self._files[path] = self._seen(path, status)

    def forget(self, path: str) -> None:
        """The name leads to another file from now on, or to none."""
        with self._lock:
            self._files.pop(path, None)

    def before_truncation(self, path: str, status: os.stat_result) -> int:
        """How large a file was, at least, that was found truncated and is now as the status says; 0 if nobody saw it.

        Of several truncations since somebody asked last it is the first.
        """
        with self._lock:
            seen = self._seen(path, status)
            self._files[path] = seen._replace(before=0)
            return seen.before

    def _seen(self, path: str, status: os.stat_result) -> _Seen:
        known, inode = self._files.get(path), (status.st_dev, status.st_ino)
        if known is None or known.inode != inode:
            return _Seen(inode, status.st_size, 0)
        shrank = known.last if status.st_size < known.last else 0
        return _Seen(inode, status.st_size, known.before or shrank)
