"""From the raw bytes of events to text, and from blocks of a file to lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

TRUNCATED = "_line_truncated"
NUL = "_nul_stripped"
TEXT_LIMIT = 1 << 20
"""Bytes of a line's text that are shipped."""


def text_of(raw: bytes, tags: Sequence[str]) -> str:
    """An event's text: bad bytes as hexadecimal escapes, no carriage returns, no newline at the end."""
    if tags and NUL in tags:
        raw = raw.replace(b"\0", b"")  # first, or a hole would leave no room for the text after it
    if tags and TRUNCATED in tags:
        raw = _cut(raw)
    text = raw.decode("utf-8", "backslashreplace")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text.removesuffix("\n")


def _cut(raw: bytes) -> bytes:
    """The bytes up to the limit, not ending inside a character."""
    end = TEXT_LIMIT
    while end > TEXT_LIMIT - 4 and end < len(raw) and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:end]


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in blocks, without their newlines."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest
