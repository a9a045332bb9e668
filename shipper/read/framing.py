r"""Bytes -> lines -> events: pure, and the same at every reading, wherever the reads begin and end.

A line ends at `\\n` and nowhere else. A line longer than 16 MiB becomes parts of that length, each a line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import accumulate
from typing import NamedTuple, Protocol

from shipper.hashes import chain_start, chains, line_tallies
from shipper.records import Event, Framing, Tally, total

PART = 16 << 20
"""Bytes after which a line without newline is taken as a part. A constant, for it makes ids."""
LONG = 1 << 20
"""Bytes of a line's text that are shipped; the rest is hashed and counted only."""
BLOCK = 256 * 1024

INCOMPLETE = "_line_incomplete"
TRUNCATED = "_line_truncated"
NUL = "_nul_stripped"
EVENT_TRUNCATED = "_event_truncated"


class Frames(NamedTuple):
    """What was found in some bytes of a file."""

    events: list[Event]
    consumed: int
    """Bytes that the events cover; the rest belongs to an event that is not complete yet."""
    chain: int
    """Hash chain after the last line of the last event."""


class Readable(Protocol):
    """A file's uncompressed content, read from the beginning."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; empty at the end."""


def frame(data: bytes, start: int, chain: int, framing: Framing, cuts: Collection[int], *, final: bool) -> Frames:
    """The events that are complete in `data`, which begins with an event at offset `start` of the file.

    `chain` is the hash chain before it, `cuts` are offsets where an event must end, and `final` says that the file
    ends here for good, so that an open event and a line without newline are given up, too.
    """
    lines = split_lines(data, final=final)
    if not lines:
        return Frames([], 0, chain)
    tallies = line_tallies(lines)
    links = chains(lines, chain)
    offsets = list(accumulate((len(line) for line in lines), initial=start))
    if not framing.multiline:
        new = tuple.__new__  # as in `line_tallies`
        events = [new(Event, (*parts, ())) for parts in zip(offsets, tallies, links, lines)]  # noqa: B905  one offset more
        return Frames(_tagged(events, data), offsets[-1] - start, links[-1])
    groups = _groups(lines, offsets, framing, cuts, final=final)
    events = [_joined(lines, tallies, links, offsets, group) for group in groups]
    if not events:
        return Frames([], 0, chain)
    last = groups[-1].last
    return Frames(_tagged(events, data), offsets[last] - start, links[last - 1])


def read_events(
    content: Readable, framing: Framing, host: str, input_id: str, cuts: Collection[int], *, final: bool
) -> Iterator[list[Event]]:
    """All events of a file from its beginning, in lists. What is not complete at the end is left out unless `final`."""
    chain = chain_start(host, input_id)
    offset, data = 0, b""
    while True:
        block = content.read(max(BLOCK, len(data)))
        data += block
        frames = frame(data, offset, chain, framing, cuts, final=final and not block)
        if frames.events:
            yield frames.events
        data, offset, chain = data[frames.consumed :], offset + frames.consumed, frames.chain
        if not block:
            return


def cut_is_needed(line: bytes, framing: Framing) -> bool:
    """Whether an event would go on with this line if no cut stood before it."""
    return framing.multiline and not _starter(framing)(line)


def split_lines(data: bytes, *, final: bool) -> list[bytes]:
    """The lines of `data`; a last one without newline only if the file ends there for good."""
    parts = data.split(b"\n")
    rest = parts.pop()
    lines = [part + b"\n" for part in parts]
    if any(len(line) > PART for line in lines):
        lines = [piece for line in lines for piece in _pieces(line)]
    while len(rest) >= PART:
        lines.append(rest[:PART])
        rest = rest[PART:]
    if final and rest:
        lines.append(rest)
    return lines


def _pieces(line: bytes) -> list[bytes]:
    return [line[at : at + PART] for at in range(0, len(line), PART)]


def _starter(framing: Framing) -> Callable[[bytes], bool]:
    """The test whether a line starts an event."""
    if framing.starts is not None:
        match = framing.starts.match
        return lambda line: match(line) is not None
    assert framing.continues is not None
    goes_on = framing.continues.match
    return lambda line: goes_on(line) is None


class _Group(NamedTuple):
    """Lines first <= n < last make an event."""

    first: int
    last: int
    limited: bool
    """Whether it reached a limit: known without looking at what follows, so that every reading says the same."""


def _groups(
    lines: list[bytes], offsets: list[int], framing: Framing, cuts: Collection[int], *, final: bool
) -> list[_Group]:
    starts = _starter(framing)
    groups: list[_Group] = []
    first = 0
    for index in range(1, len(lines)):
        full = _is_full(framing, index - first, offsets[index] - offsets[first])
        begins = starts(lines[index]) or offsets[index] in cuts
        exceeds = offsets[index + 1] - offsets[first] > framing.max_bytes
        if full or begins or exceeds:
            groups.append(_Group(first, index, full or not begins))
            first = index
    end = len(lines)
    full = _is_full(framing, end - first, offsets[end] - offsets[first])
    if final or full or offsets[end] in cuts:
        groups.append(_Group(first, end, full))
    return groups


def _is_full(framing: Framing, lines: int, size: int) -> bool:
    return lines >= framing.max_lines or size >= framing.max_bytes


def _joined(lines: list[bytes], tallies: list[Tally], links: list[int], offsets: list[int], group: _Group) -> Event:
    first, last, limited = group
    tags = (EVENT_TRUNCATED,) if limited else ()
    if last - first == 1:
        return Event(offsets[first], tallies[first], links[first], lines[first], tags)
    return Event(offsets[first], total(tallies[first:last]), links[first], b"".join(lines[first:last]), tags)


def _tagged(events: list[Event], data: bytes) -> list[Event]:
    """The events with what reading noticed; the test of the whole block spares the test of each event."""
    last = events[-1]
    if not last.raw.endswith(b"\n") and len(last.raw) < PART:
        events[-1] = last._replace(tags=(*last.tags, INCOMPLETE))
    if b"\0" in data:
        events = [e._replace(tags=(*e.tags, NUL)) if b"\0" in e.raw else e for e in events]
    if len(data) > LONG:
        events = [e._replace(tags=(*e.tags, TRUNCATED)) if len(e.raw) > LONG else e for e in events]
    return events
