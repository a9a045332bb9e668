"""Programs that write their logs as the C library buffers them: whole blocks of 4 KiB, the rest when they close."""

from __future__ import annotations

from pathlib import Path

BLOCK = 4096


class BufferedWriter:
    """An open log; what is written reaches the disk in blocks. The file is there, empty, from the beginning."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write; so many whole blocks as there are reach the disk."""
        self._held += data
        whole = len(self._held) // BLOCK * BLOCK
        self._file.write(self._held[:whole])
        self._held = self._held[whole:]

    def close(self) -> None:
        """End as a program does that is asked to."""
        self._file.write(self._held)
        self._file.close()

    def kill(self) -> None:
        """End as a program does that is killed: what is in the buffer is lost."""
        self._file.close()
