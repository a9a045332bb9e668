"""Events that begin within a line: the same at every reading, and the sums stay those of the lines."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.hashes import chain_start, chains, document_ids, piece_tallies, tally_of
from shipper.read import framing as module
from shipper.read.framing import INCOMPLETE, SPLIT, frame, holds, read_events, split_lines
from shipper.records import Event, Framing, total

HEAD = rb"\[\d\] "
SINGLE = Framing(splits=re.compile(HEAD))
HEADED = Framing(starts=re.compile(HEAD), splits=re.compile(HEAD), max_lines=4, max_bytes=60)
INDENTED = Framing(continues=re.compile(rb"\s|\]"), splits=re.compile(HEAD), max_lines=4, max_bytes=60)
CUT = Framing(splits=re.compile(rb"(?s)DATE=(?<=^.{20}DATE=)"))

words = st.sampled_from([b"[1] a", b"[2] bc", b"] enter", b"\tat", b"", b"x" * 25, b"\xff\xfe", b"[3] \0", b"DATE=1 "])
lines = st.lists(st.lists(words, min_size=1, max_size=4).map(b"".join))
framings = st.sampled_from([SINGLE, HEADED, INDENTED, CUT])


def whole(data: bytes, framing: Framing, cuts: set[int] = frozenset()) -> list[Event]:
    return frame(data, 0, chain_start("h", "i"), framing, cuts, final=True).events


def texts(events: list[Event]) -> list[bytes]:
    return [event.raw for event in events]


def in_reads(data: bytes, framing: Framing, sizes: list[int], cuts: set[int]) -> list[Event]:
    """The events when the file grows by so many bytes, and is read on each time from where the last read ended."""
    events, offset, chain, seen, turn = [], 0, chain_start("h", "i"), 0, 0
    while seen < len(data):
        seen = min(len(data), seen + sizes[turn % len(sizes)])
        turn += 1
        frames = frame(data[offset:seen], offset, chain, framing, cuts, final=False)
        events += frames.events
        offset, chain = offset + frames.consumed, frames.chain
    return events + frame(data[offset:], offset, chain, framing, cuts, final=True).events


@given(lines, st.binary(max_size=5), framings, st.lists(st.integers(1, 40), min_size=1), st.sets(st.integers(0, 12)))
def test_events_do_not_depend_on_where_reads_begin_and_end(rows, rest, framing, sizes, cut_after):
    data = b"".join(row + b"\n" for row in rows) + rest.replace(b"\n", b"")
    ends = [match.end() for match in re.finditer(b"\n", data)]
    cuts = {ends[number] for number in cut_after if number < len(ends)}

    assert in_reads(data, framing, sizes, cuts) == whole(data, framing, cuts)


@given(lines, framings, st.integers(1, 50))
def test_reading_goes_on_only_where_a_line_and_an_event_begin(rows, framing, size):
    data = b"".join(row + b"\n" for row in rows)
    frames = frame(data[:size], 0, chain_start("h", "i"), framing, (), final=False)
    end = frames.consumed

    assert end == sum(map(len, texts(frames.events)))
    assert not end or data[end - 1 : end] == b"\n"
    assert (
        frames.chain
        == [chain_start("h", "i"), *chains(split_lines(data[:end], final=False), chain_start("h", "i"))][-1]
    )


@given(lines, st.binary(max_size=5), framings)
def test_events_cover_the_file_and_their_tallies_are_what_the_sums_over_its_lines_grow_by(rows, rest, framing):
    data = b"".join(row + b"\n" for row in rows) + rest.replace(b"\n", b"")
    events = whole(data, framing)
    ends = [0, *(event.offset + len(event.raw) for event in events)]

    assert b"".join(texts(events)) == data
    assert [event.offset for event in events] == ends[:-1]
    for number, end in enumerate(ends):
        sums, lines_there = total(event.tally for event in events[:number]), split_lines(data[:end], final=True)
        assert sums[1:] == tally_of(lines_there)[1:]
        assert sums.lines == data[:end].count(b"\n") + (end == len(data) and not data.endswith(b"\n") and end > 0)


@given(lines, framings)
def test_an_event_has_the_chain_of_what_stands_before_it_and_in_its_first_line_and_an_id_of_its_own(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    links = chains(split_lines(data, final=True), chain_start("h", "i"))
    events = whole(data, framing)

    for event in events:
        number, before = data[: event.offset].count(b"\n"), data[: event.offset].rpartition(b"\n")[2]
        first = event.raw[: event.raw.find(b"\n") + 1] or event.raw
        previous = links[number - 1] if number else chain_start("h", "i")
        assert event.chain == chains([before + first], previous)[0]
    ids = document_ids("0" * 16, [(event.offset, event.chain) for event in events])
    assert len(set(ids)) == len(events)


@given(lines, framings)
def test_both_sides_of_a_split_are_tagged_and_nothing_else(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    for event in whole(data, framing):
        end = event.offset + len(event.raw)
        within = any(place and data[place - 1 : place] != b"\n" for place in (event.offset, end))
        assert (SPLIT in event.tags) == within


@given(lines, framings)
def test_a_whole_file_read_in_blocks_gives_the_same_events(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    read = [event for some in read_events(io.BytesIO(data), framing, "h", "i", (), final=True) for event in some]

    assert read == whole(data, framing)


@given(st.lists(st.sampled_from([b"plain", b"\tat", b"] x", b"", b"[1] headed"])), st.sampled_from([HEADED, INDENTED]))
def test_where_no_event_begins_within_a_line_nothing_is_different(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    without = Framing(framing.starts, framing.continues, None, framing.max_lines, framing.max_bytes)

    assert whole(data, framing) == whole(data, without)


@given(lines, framings)
def test_an_event_is_found_again_by_its_bytes_and_what_stands_before_it_in_its_line(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    for event in whole(data, framing):
        before = data[: event.offset].rpartition(b"\n")[2]
        assert holds(event.raw, before, event.tally)
        assert not holds(event.raw[:-1] + b"?", before, event.tally)
        assert not before or not holds(event.raw, before[1:], event.tally)


@given(st.lists(st.binary(min_size=1), min_size=1))
def test_the_pieces_of_a_line_share_its_tally(pieces):
    shares = piece_tallies(pieces)

    assert total(shares) == tally_of([b"".join(pieces)])
    assert [share.bytes for share in shares] == [len(piece) for piece in pieces]
    assert [share.lines for share in shares] == [0] * (len(pieces) - 1) + [1]


def test_a_head_within_a_line_ends_the_event_before_it_and_the_next_lines_go_on_with_its_own():
    data = b"[1] nodes\n] enter[7] Node released\n\tmore\n[1] next\n"

    assert texts(whole(data, HEADED)) == [b"[1] nodes\n] enter", b"[7] Node released\n\tmore\n", b"[1] next\n"]


def test_an_event_that_begins_within_a_line_is_held_with_the_one_before_it_until_both_are_complete():
    data = b"[1] nodes\n] enter[7] Node released\n"
    held = frame(data, 0, 0, HEADED, (), final=False)
    known = frame(data + b"[1] next\n", 0, 0, HEADED, (), final=False)

    assert (held.events, held.consumed) == ([], 0)
    assert len(known.events) == 2
    assert known.consumed == len(data)


def test_lines_that_all_hold_a_head_do_not_wait_for_ever():
    data = b"[1] a\n" + b"b[2] c\n" * 20
    frames = frame(data, 0, 0, HEADED, (), final=False)

    assert frames.consumed >= len(data) - 2 * HEADED.max_bytes
    assert any("_event_truncated" in event.tags for event in frames.events)


def test_an_event_is_not_called_truncated_where_another_one_begins_within_its_last_line():
    events = whole(b"[1] a\n\tb\n\tc\nd[2] e\n", HEADED)

    assert [(event.raw, event.tags) for event in events] == [
        (b"[1] a\n\tb\n\tc\nd", (SPLIT,)),
        (b"[2] e\n", (SPLIT,)),
    ]


def test_a_record_that_was_cut_ends_where_its_buffer_ended_and_nowhere_else():
    cut, forged = b"DATE=1 aaaa DATE=2 a", b"DATE=3 FILE=DATE=4 a\n"
    assert len(cut) == 20

    assert texts(whole(cut + forged, CUT)) == [cut, forged]
    assert texts(whole(forged, CUT)) == [forged]


def test_records_that_were_cut_one_after_another_are_all_events():
    cut = b"DATE=1 bbbbbbbbbbbbb"
    data = cut * 3 + b"DATE=9\n"

    assert texts(whole(data, CUT)) == [cut, cut, cut, b"DATE=9\n"]


def test_a_line_is_not_taken_apart_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PIECES", 3)

    assert texts(whole(b"x[1] a[2] b[3] c\n[1] d\n", SINGLE)) == [b"x", b"[1] a", b"[2] b[3] c\n", b"[1] d\n"]


def test_parts_of_an_endless_line_are_taken_apart_each_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PART", 8)
    events = whole(b"abc[1] d" + b"[2] ef\n", SINGLE)

    assert texts(events) == [b"abc", b"[1] d", b"[2] ef\n"]
    assert total(event.tally for event in events) == tally_of([b"abc[1] d", b"[2] ef\n"])
    assert [event.tags for event in events] == [(SPLIT,), (SPLIT,), ()]


def test_of_a_last_line_without_end_only_the_last_event_is_incomplete():
    single, headed = (whole(b"[1] a\nb[2] c[3] d", framing) for framing in (SINGLE, HEADED))

    assert [INCOMPLETE in event.tags for event in single] == [False, False, False, True]
    assert [INCOMPLETE in event.tags for event in headed] == [False, False, True]


@pytest.mark.parametrize("framing", [SINGLE, HEADED])
def test_what_an_event_is_does_not_depend_on_how_the_line_goes_on_in_which_it_ends(framing):
    one, other = (whole(b"[1] a\nb[2] c[3] " + rest, framing)[:-1] for rest in (b"d", b"de\n"))

    assert one == other
