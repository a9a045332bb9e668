"""Identity: pure functions of bytes, the same for reading, shipping and auditing.

All are xxh3_64 (https://github.com/Cyan4973/xxHash); integers are packed big-endian; as text, 16 hex digits.

* The *head* of a file: its bytes from 0 until the lines that do not begin with `#` make up 32 bytes, at most 64 KiB.
* The *fingerprint*: hash of host, input and head.
* The *chain*: starts as hash of host and input; after each line it is the hash of the line with the chain as seed.
* The *document id*: fingerprint's first 4 bytes, offset in 6, chain after the event's first line in 8;
  base64url, 24 characters. So copies of a file give equal ids exactly as far as their bytes agree. Where an event ends
  within the line in which it begins, the chain is that after as much of the line as it has.
* The *tally* of an event is what the sums over the file's lines grow by from its first byte to its last, where a line
  that is not at its end yet counts by the hash of as much of it as there is. Events that begin and end with lines have
  the tally of these lines; the pieces of one line share its tally, whatever they are, and the line counts for the piece
  that ends it. So sums never depend on where events begin. A share of a hash may be negative.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from itertools import accumulate

from xxhash import xxh3_64, xxh3_64_intdigest

from shipper.records import Tally

HEAD_CONTENT = 32
HEAD_LIMIT = 64 * 1024
GUARD = 1024
_HALF = (1 << 28) - 1


def head_length(data: bytes, *, complete: bool) -> int | None:
    """The length of the head in the first bytes of a file, or None while the file is too short to have one.

    `complete` says that the file can grow no more: then it takes all there is.
    """
    content = position = 0
    while position < len(data) and content < HEAD_CONTENT:
        newline = data.find(b"\n", position)
        end = newline + 1 if newline >= 0 else len(data)
        if not data.startswith(b"#", position):
            content += end - position
            if content >= HEAD_CONTENT:
                end -= content - HEAD_CONTENT
                content = HEAD_CONTENT
        position = end
        if position >= HEAD_LIMIT:
            return HEAD_LIMIT
    if content >= HEAD_CONTENT:
        return position
    return position if complete and position else None


def fingerprint(host: str, input_id: str, head: bytes) -> str:
    """16 hex digits that group the documents of a file and of its copies."""
    return f"{xxh3_64_intdigest(_origin(host, input_id) + bytes(1) + head):016x}"


def chain_start(host: str, input_id: str) -> int:
    """The chain before the first line of a file."""
    return xxh3_64_intdigest(_origin(host, input_id))


def chains(lines: Iterable[bytes], start: int) -> list[int]:
    """The chain after each line; `start` is the chain before the first."""
    links = accumulate(lines, _link, initial=start)
    next(links)
    return list(links)


def tally_of(lines: Sequence[bytes]) -> Tally:
    """The tally of lines: count, bytes, sums of the low and of the next 28 bits of each line's hash."""
    digests = [xxh3_64_intdigest(line) for line in lines]
    return Tally(
        len(lines), sum(map(len, lines)), sum(d & _HALF for d in digests), sum(d >> 28 & _HALF for d in digests)
    )


def line_tallies(lines: Sequence[bytes]) -> list[Tally]:
    """One tally per line."""
    new = tuple.__new__  # half the price of Tally(…), and there is one for each line
    return [
        new(Tally, (1, len(line), digest & _HALF, digest >> 28 & _HALF))
        for line, digest in zip(lines, map(xxh3_64_intdigest, lines))  # noqa: B905  equal by construction
    ]


def piece_tallies(pieces: Sequence[bytes]) -> list[Tally]:
    """One tally per piece of a line; their sum is the tally of the line."""
    hasher, before = xxh3_64(), Tally()
    shares: list[Tally] = []
    for number, piece in enumerate(pieces, start=1):
        hasher.update(piece)
        digest = hasher.intdigest()
        upto = Tally(int(number == len(pieces)), before.bytes + len(piece), digest & _HALF, digest >> 28 & _HALF)
        shares.append(upto.minus(before))
        before = upto
    return shares


def piece_chains(pieces: Sequence[bytes], start: int) -> list[int]:
    """The chain after each piece of a line: of as much of the line as there is; the last is that after the line."""
    hasher = xxh3_64(seed=start)
    links: list[int] = []
    for piece in pieces:
        hasher.update(piece)
        links.append(hasher.intdigest())
    return links


def document_ids(fingerprint_hex: str, places: Iterable[tuple[int, int]]) -> list[str]:
    """Ids for (offset, chain after the first line) pairs of one file."""
    prefix = bytes.fromhex(fingerprint_hex[:8])
    packed = b"".join([prefix + offset.to_bytes(6) + chain.to_bytes(8) for offset, chain in places])
    text = urlsafe_b64encode(packed).decode()
    return [text[at : at + 24] for at in range(0, len(text), 24)]


def guard_of(data: bytes) -> int:
    """Hash of the up to 1 KiB at the end of what precedes a position."""
    return xxh3_64_intdigest(data[-GUARD:])


def _origin(host: str, input_id: str) -> bytes:
    return host.encode() + b"\0" + input_id.encode()


def _link(chain: int, line: bytes) -> int:
    return xxh3_64_intdigest(line, seed=chain)
