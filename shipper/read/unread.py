"""How much of the open files is not read yet."""

from __future__ import annotations

from collections.abc import Iterable

from shipper.read.tail import TailedFile


def unread_bytes(files: Iterable[TailedFile], inputs: Iterable[str]) -> dict[str, int]:
    """Bytes on disk beyond what was read, by input; of compressed files only what is known by reading them."""
    unread = dict.fromkeys(inputs, 0)
    for tailed in files:
        there = None if tailed.content.compressed else tailed.bytes_on_disk()
        size = tailed.size if there is None else there
        unread[tailed.source.input] += max(0, size - tailed.position)
    return unread
