r"""Bytes -> lines -> events: pure, and the same at every reading, wherever the reads begin and end.

A line ends at `\\n` and nowhere else. A line longer than 16 MiB becomes parts of that length, each a line.

Where a pipeline says how events begin within a line (`splits`), such lines are taken as pieces. A checkpoint never
stands within a line: events are given out up to the last one that ends where a line ends. Chain and disk know lines
only; how a line's tally is shared out among its pieces stands in `shipper.hashes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate, pairwise, repeat
from typing import NamedTuple, Protocol

from shipper.hashes import chain_start, chains, line_tallies, piece_chains, piece_tallies, tally_of
from shipper.records import Event, Framing, Tally, total

PART = 16 << 20
"""Bytes after which a line without newline is taken as a part. A constant, for it makes ids."""
LONG = 1 << 20
"""Bytes of a line's text that are shipped; the rest is hashed and counted only."""
BLOCK = 256 * 1024
PIECES = 1000
"""Pieces that a line is taken apart into at most. A constant, for it makes ids."""

INCOMPLETE = "_line_incomplete"
TRUNCATED = "_line_truncated"
NUL = "_nul_stripped"
EVENT_TRUNCATED = "_event_truncated"
SPLIT = "_line_split"


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
    pieces = _Pieces(lines, line_tallies(lines), chains(lines, chain), frozenset())
    if framing.splits is not None and any(map(framing.splits.search, lines, repeat(1))):
        pieces = _taken_apart(pieces, chain, framing.splits)
    raw, tallies, links, inner = pieces
    offsets = list(accumulate(map(len, raw), initial=start))
    if framing.multiline:
        groups = _groups(pieces, offsets, framing, cuts, final=final)
        if not groups:
            return Frames([], 0, chain)
        events = [_joined(pieces, offsets, group) for group in groups]
        last = groups[-1].last
    else:
        new = tuple.__new__  # as in `line_tallies`
        events = [new(Event, (*parts, ())) for parts in zip(offsets, tallies, links, raw)]  # noqa: B905  one offset more
        for number in inner:
            for event in (number - 1, number):
                events[event] = events[event]._replace(tags=(SPLIT,))
        last = len(raw)
    incomplete = not lines[-1].endswith(b"\n") and len(lines[-1]) < PART
    return Frames(_tagged(events, data, incomplete=incomplete), offsets[last] - start, links[last - 1])


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
        lines = [piece for line in lines for piece in _parts(line)]
    while len(rest) >= PART:
        lines.append(rest[:PART])
        rest = rest[PART:]
    if final and rest:
        lines.append(rest)
    return lines


def holds(data: bytes, before: bytes, tally: Tally) -> bool:
    """Whether bytes, which stand after `before` in their line, are those of an event's tally."""
    found = tally_of(split_lines(before + data, final=True))
    return (found.minus(tally_of([before])) if before else found)[1:] == tally[1:]


def _parts(line: bytes) -> list[bytes]:
    return [line[at : at + PART] for at in range(0, len(line), PART)]


class _Pieces(NamedTuple):
    """What events are made of: whole lines, and the pieces of those lines within which an event begins."""

    raw: list[bytes]
    tallies: list[Tally]
    links: list[int]
    """The hash chain after each."""
    inner: Collection[int]
    """Numbers of the pieces that begin within a line."""


def _taken_apart(lines: _Pieces, chain: int, splits: re.Pattern[bytes]) -> _Pieces:
    """The lines, those in pieces within which an event begins; `chain` is the hash chain before them."""
    found = _Pieces([], [], [], set[int]())
    inner = set[int]()
    for line, tally, link in zip(lines.raw, lines.tallies, lines.links, strict=True):
        places = _places(line, splits)
        pieces = [line[at:end] for at, end in pairwise((0, *places, len(line)))]
        inner.update(range(len(found.raw) + 1, len(found.raw) + len(pieces)))
        found.raw.extend(pieces)
        found.tallies.extend(piece_tallies(pieces) if places else (tally,))
        found.links.extend(piece_chains(pieces, chain) if places else (link,))
        chain = link
    return found._replace(inner=inner)


def _places(line: bytes, splits: re.Pattern[bytes]) -> list[int]:
    """Where events begin within a line. Each piece is looked through by itself, so that `^` is where it begins."""
    rest = memoryview(line)
    places: list[int] = []
    while len(places) < PIECES - 1 and (match := splits.search(rest, 1)) and match.start() < len(rest):
        places.append(len(line) - len(rest) + match.start())
        rest = rest[match.start() :]
    return places


def _starter(framing: Framing) -> Callable[[bytes], bool]:
    """The test whether a line starts an event."""
    if framing.starts is not None:
        match = framing.starts.match
        return lambda line: match(line) is not None
    assert framing.continues is not None
    goes_on = framing.continues.match
    return lambda line: goes_on(line) is None


class _Group(NamedTuple):
    """Pieces first <= n < last make an event."""

    first: int
    last: int
    limited: bool
    """Whether it reached a limit: known without looking at what follows, so that every reading says the same."""


def _groups(
    pieces: _Pieces, offsets: Sequence[int], framing: Framing, cuts: Collection[int], *, final: bool
) -> list[_Group]:
    raw, inner, starts = pieces.raw, pieces.inner, _starter(framing)
    groups: list[_Group] = []
    first = 0
    home = 0
    """The last event's beginning that is the beginning of a line: from there an open event is read again."""
    for index in range(1, len(raw)):
        within = index in inner
        begins = within or starts(raw[index]) or offsets[index] in cuts
        full = not within and _is_full(framing, index - first, offsets[index] - offsets[home])
        exceeds = offsets[index + 1] - offsets[first] > framing.max_bytes
        if full or begins or exceeds:
            groups.append(_Group(first, index, full or not begins))
            first = index
            home = home if within else index
    end = len(raw)
    full = _is_full(framing, end - first, offsets[end] - offsets[home])
    if final or full or offsets[end] in cuts:
        groups.append(_Group(first, end, full))
        return groups
    return [group for group in groups if group.first < home]


def _is_full(framing: Framing, lines: int, size: int) -> bool:
    return lines >= framing.max_lines or size >= framing.max_bytes


def _joined(pieces: _Pieces, offsets: Sequence[int], group: _Group) -> Event:
    raw, tallies, links, inner = pieces
    first, last, limited = group
    tags = (EVENT_TRUNCATED,) if limited else ()
    if inner and (first in inner or last in inner):
        tags = (*tags, SPLIT)
    if last - first == 1:
        return Event(offsets[first], tallies[first], links[first], raw[first], tags)
    return Event(offsets[first], total(tallies[first:last]), links[first], b"".join(raw[first:last]), tags)


def _tagged(events: list[Event], data: bytes, *, incomplete: bool) -> list[Event]:
    """The events with what reading noticed; the test of the whole block spares the test of each event."""
    if incomplete:
        events[-1] = events[-1]._replace(tags=(*events[-1].tags, INCOMPLETE))
    if b"\0" in data:
        events = [e._replace(tags=(*e.tags, NUL)) if b"\0" in e.raw else e for e in events]
    if len(data) > LONG:
        events = [e._replace(tags=(*e.tags, TRUNCATED)) if _is_long(e.raw) else e for e in events]
    return events


def _is_long(raw: bytes) -> bool:
    """Whether an event has more text than is shipped; NULs are none."""
    return len(raw) > LONG and len(raw) - raw.count(b"\0") > LONG
