"""From the raw bytes of events to text, and from blocks of a file to lines."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Sequence

TRUNCATED = "_line_truncated"
NUL = "_nul_stripped"
TEXT_LIMIT = 1 << 20
"""Bytes of a line's text that are shipped."""


def text_of(raw: bytes, tags: Sequence[str], encoding: str = "utf-8") -> str:
    """An event's text: bad bytes as hexadecimal escapes, no carriage returns, no newline at the end."""
    if tags and NUL in tags:
        raw = raw.translate(None, b"\0")  # first, or a hole would leave no room for the text after it
    if tags and TRUNCATED in tags:
        raw = _cut(raw, encoding)
    text = raw.decode(encoding, "backslashreplace")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text.removesuffix("\n")


def _cut(raw: bytes, encoding: str) -> bytes:
    """The bytes up to the limit, not ending inside a character."""
    decoder = getincrementaldecoder(encoding)("backslashreplace")
    decoder.decode(raw[:TEXT_LIMIT])
    begun, _ = decoder.getstate()
    return raw[: TEXT_LIMIT - len(begun)] if len(raw) > TEXT_LIMIT else raw


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in blocks, without their newlines."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest
