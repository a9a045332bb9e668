"""Which file is this? Answered from its bytes: head, guard, chain."""

from __future__ import annotations

from collections.abc import Collection

from shipper.hashes import GUARD, HEAD_LIMIT, chain_start, chains, fingerprint, guard_of, head_length
from shipper.read.files import Content, UnfinishedArchive
from shipper.read.framing import split_lines

_BLOCK = 1 << 20


def fingerprint_of(content: Content, host: str, input_id: str) -> str | None:
    """The file's fingerprint, or None while it has too little content to be told from others."""
    try:
        data = content.pread(HEAD_LIMIT, 0)
    except UnfinishedArchive:
        return None
    length = head_length(data, complete=cannot_grow(content))
    return None if length is None else fingerprint(host, input_id, data[:length])


def cannot_grow(content: Content) -> bool:
    """Whether the bytes that are there are all there will ever be: compressed, or without a name."""
    return content.compressed or content.stat().st_nlink == 0


def guard_at(content: Content, offset: int) -> int:
    """Hash of the up to 1 KiB before an offset."""
    before = min(offset, GUARD)
    return guard_of(content.pread(before, offset - before))


def chains_at(content: Content, host: str, input_id: str, offsets: Collection[int]) -> dict[int, int]:
    """The hash chain at those of the offsets that are ends of lines of this file."""
    wanted = set(offsets)
    chain, position, rest = chain_start(host, input_id), 0, b""
    found = {0: chain} if 0 in wanted else {}
    while wanted and position < max(wanted):
        try:
            block = content.pread(_BLOCK, position + len(rest))
        except UnfinishedArchive:
            break
        if not block:
            break
        data = rest + block
        lines = split_lines(data, final=False)
        start = position
        for line, link in zip(lines, chains(lines, chain), strict=True):
            position += len(line)
            chain = link
            if position in wanted:
                found[position] = link
        rest = data[position - start :]
    return found


def agreement(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are equal, found by halving, for comparing whole slices is fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
