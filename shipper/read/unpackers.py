"""Formats of archives, known by content: gzip (RFC 1952), bzip2, xz, Zstandard (RFC 8878, needs the `zstd` extra)."""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable
from typing import Any, Protocol

from isal import igzip_lib

from shipper.errors import SourceError


class Unpacker(Protocol):
    """One member of an archive, as the standard library's bz2 and lzma unpack it."""

    @property
    def eof(self) -> bool:
        """Whether the member's end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether it has nothing more to give without more packed bytes."""

    @property
    def unused_data(self) -> bytes:
        """Packed bytes after the member's end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Unpack some bytes."""


def unpacker_of(magic: bytes) -> Callable[[], Unpacker] | None:
    """What unpacks a file that begins so; None if it is not packed. Raises SourceError where it is not installed."""
    if magic.startswith(b"\x1f\x8b"):
        return lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if magic.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstandard()
    return None


def _zstandard() -> Callable[[], Unpacker]:
    try:
        import zstandard  # noqa: PLC0415  an extra
    except ImportError as error:
        raise SourceError("Zstandard files need the extra: pip install 'dtn-shipper[zstd]'") from error
    return lambda: _ZstandardUnpacker(zstandard.ZstdDecompressor().decompressobj())


class _ZstandardUnpacker:
    """Zstandard's own object cannot limit what it gives at once: what is too much waits here."""

    needs_input = True

    def __init__(self, unpacker: Any) -> None:
        self._unpacker = unpacker
        self._ready = b""

    @property
    def eof(self) -> bool:
        return bool(self._unpacker.eof) and not self._ready

    @property
    def unused_data(self) -> bytes:
        return bytes(self._unpacker.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._ready += self._unpacker.decompress(data)
        given, self._ready = self._ready[:max_length], self._ready[max_length:]
        self.needs_input = not self._ready
        return given
