"""The file that holds what a repair deletes: each document is on disk before the index is asked to forget it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from shipper.errors import StateError, UsageError


class Deleted(NamedTuple):
    """A document that is to be deleted."""

    place: str
    id: str
    body: bytes


class KeptFile:
    """NDJSON of `_index`, `_id` and `_source`, readable for its owner only; made with the first document."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def keep(self, documents: Iterable[Deleted]) -> None:
        """Write documents; they are on disk on return. UsageError if the file was there before, StateError if not."""
        lines = [
            orjson.dumps({"_index": place, "_id": name, "_source": orjson.Fragment(body)}) + b"\n"
            for place, name, body in documents
        ]
        try:
            self._write(b"".join(lines))
        except FileExistsError as error:
            raise UsageError(f"{self.path}: there is such a file; what is deleted goes to a new one.") from error
        except OSError as error:
            raise StateError(f"What is to be deleted cannot be kept, so it is not deleted: {error}.") from error

    def close(self) -> None:
        """Close the file, if it was made."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = self._made()
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)

    def _made(self) -> int:
        """A new file, whose name is on disk, too."""
        folder = self.path.parent
        made = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        _sync_folder(folder)
        if made:
            _sync_folder(folder.parent)
        return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
