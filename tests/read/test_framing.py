"""Events are the same however the file is read."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.hashes import chain_start, chains, tally_of
from shipper.read import framing as module
from shipper.read.framing import frame, read_events, split_lines
from shipper.records import Event, Framing

SINGLE = Framing()
TRACES = Framing(starts=re.compile(rb"\d"), max_lines=4, max_bytes=60)
INDENTED = Framing(continues=re.compile(rb"\s"), max_lines=4, max_bytes=60)

lines = st.lists(st.sampled_from([b"1 start", b"\tat somewhere", b"", b"2 \xff\xfe", b"x" * 30, b"\r", b" \0 nul"]))
framings = st.sampled_from([SINGLE, TRACES, INDENTED])


def whole(data: bytes, framing: Framing, cuts: set[int] = frozenset()) -> list[Event]:
    return frame(data, 0, chain_start("h", "i"), framing, cuts, final=True).events


@given(lines, st.binary(max_size=5), framings, st.lists(st.integers(1, 40), min_size=1))
def test_events_do_not_depend_on_where_reads_begin_and_end(rows, rest, framing, sizes):
    data = b"".join(row + b"\n" for row in rows) + rest.replace(b"\n", b"")
    expected = whole(data, framing)

    events, offset, chain, seen, turn = [], 0, chain_start("h", "i"), 0, 0
    while seen < len(data):
        seen = min(len(data), seen + sizes[turn % len(sizes)])
        turn += 1
        frames = frame(data[offset:seen], offset, chain, framing, (), final=False)
        events += frames.events
        offset, chain = offset + frames.consumed, frames.chain
    events += frame(data[offset:], offset, chain, framing, (), final=True).events

    assert [event[:4] for event in events] == [event[:4] for event in expected]


@given(lines, framings)
def test_events_cover_the_file_without_hole_or_overlap(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    events = whole(data, framing)

    assert b"".join(event.raw for event in events) == data
    assert [event.offset for event in events] == [data.index(event.raw, event.offset) for event in events]
    assert [event.tally for event in events] == [tally_of(split_lines(event.raw, final=True)) for event in events]


@given(lines, framings)
def test_the_chain_of_an_event_is_that_of_its_first_line(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    all_lines = split_lines(data, final=True)
    links = dict(zip(_offsets(all_lines), chains(all_lines, chain_start("h", "i")), strict=True))

    assert all(event.chain == links[event.offset] for event in whole(data, framing))


@given(lines, framings)
def test_a_whole_file_read_in_blocks_gives_the_same_events(rows, framing):
    data = b"".join(row + b"\n" for row in rows)
    read = [event for some in read_events(io.BytesIO(data), framing, "h", "i", (), final=True) for event in some]

    assert read == whole(data, framing)


def test_only_a_newline_ends_a_line():
    data = "one\x0b\x0c\x1c\x85\u2028still one\r\ntwo\n".encode()

    assert len(whole(data, SINGLE)) == 2


def test_a_stack_trace_is_one_event_and_the_open_one_is_held():
    data = b"1 error\n\tat a\n\tat b\n2 fine\n\tat c\n"
    frames = frame(data, 0, 0, TRACES, (), final=False)

    assert [event.raw for event in frames.events] == [b"1 error\n\tat a\n\tat b\n"]
    assert frames.consumed == len(b"1 error\n\tat a\n\tat b\n")


def test_a_cut_ends_an_event_where_it_would_go_on():
    data = b"1 error\n\tat a\n\tat b\n"
    cut = len(b"1 error\n\tat a\n")

    assert [event.raw for event in whole(data, TRACES, {cut})] == [b"1 error\n\tat a\n", b"\tat b\n"]


def test_an_event_over_the_limit_is_ended_and_tagged():
    events = whole(b"1 start\n" + b"\tat\n" * 6, TRACES)

    assert [event.tally.lines for event in events] == [4, 3]
    assert events[0].tags == ("_event_truncated",)


def test_a_last_line_without_newline_is_given_up_only_at_the_final_end():
    held = frame(b"whole\nhalf", 0, 0, SINGLE, (), final=False)
    final = frame(b"whole\nhalf", 0, 0, SINGLE, (), final=True)

    assert [event.raw for event in held.events] == [b"whole\n"]
    assert final.events[-1].raw == b"half"
    assert final.events[-1].tags == ("_line_incomplete",)


def test_nuls_are_tagged_and_counted_as_bytes_of_their_line():
    events = whole(b"\0\0\0\0after a crash\nnext\n", SINGLE)

    assert [event.tags for event in events] == [("_nul_stripped",), ()]
    assert events[0].tally.bytes == len(b"\0\0\0\0after a crash\n")


def test_a_line_without_end_becomes_parts_that_are_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PART", 10)

    assert split_lines(b"a" * 25 + b"\nb\n", final=False) == [b"a" * 10, b"a" * 10, b"a" * 5 + b"\n", b"b\n"]
    assert split_lines(b"a" * 25, final=False) == [b"a" * 10, b"a" * 10]


def test_a_long_line_is_tagged():
    events = whole(b"a" * (module.LONG + 1) + b"\nb\n", SINGLE)

    assert [event.tags for event in events] == [("_line_truncated",), ()]


def _offsets(all_lines: list[bytes]) -> list[int]:
    offsets, position = [], 0
    for line in all_lines:
        offsets.append(position)
        position += len(line)
    return offsets
