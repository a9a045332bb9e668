"""The equation per bucket: tallies of a file's lines, cut at buckets and at the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from shipper.audit.balance import is_closed, measure
from shipper.hashes import chain_start, chains, tally_of
from shipper.records import BUCKET_BITS, Tally, total

START = chain_start("h", "i")
BUCKET = 1 << BUCKET_BITS


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(
    lines=st.lists(st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"") + b"\n"), max_size=30),
    rest=st.binary(max_size=4).map(lambda raw: raw.replace(b"\n", b"")),
    size=st.integers(1, 40),
    upto=st.integers(0, 30),
    since=st.integers(0, 30),
)
def test_lines_are_tallied_once_wherever_blocks_end(
    lines: list[bytes], rest: bytes, size: int, upto: int, since: int
) -> None:
    checkpoint = sum(map(len, lines[:upto]))
    start = sum(map(len, lines[:since]))
    found = measure(
        blocks(b"".join(lines) + rest, size), start=start, checkpoint=checkpoint, chain=START, firsts={}, whole=False
    )
    assert found.end == sum(map(len, lines))
    assert total(found.buckets.values()) == tally_of(lines[since:])
    assert total(found.below.values()) == tally_of(lines[since:upto])
    assert found.partial == (tally_of([rest]) if rest else Tally())
    assert found.chain == [START, *chains(lines, START)][min(upto, len(lines))]


def test_a_last_line_of_a_file_that_ends_for_good_is_a_line() -> None:
    found = measure([b"a\nb"], start=0, checkpoint=0, chain=START, firsts={}, whole=True)
    assert (found.buckets[0], found.partial, found.end) == (tally_of([b"a\n", b"b"]), Tally(), 3)


def test_a_line_belongs_to_the_bucket_in_which_it_begins() -> None:
    long, short = b"x" * (BUCKET - 3) + b"\n", b"yyyy\n"
    found = measure(blocks(long + short + short, 1 << 20), start=0, checkpoint=0, chain=START, firsts={}, whole=False)
    assert found.buckets == {0: tally_of([long, short]), 1: tally_of([short])}


def test_an_event_that_reaches_into_a_bucket_keeps_its_lines_together() -> None:
    long, short = b"x" * (BUCKET - 3) + b"\n", b"yyyy\n"
    begin = len(long) + 2 * len(short)
    found = measure(
        blocks(long + short * 3, 1 << 20), start=0, checkpoint=0, chain=START, firsts={1: begin}, whole=False
    )
    assert found.buckets == {0: tally_of([long, short, short]), 1: tally_of([short])}


def test_a_bucket_is_closed_with_what_is_pending_beyond_the_checkpoint() -> None:
    one, two = tally_of([b"a\n"]), tally_of([b"a\n", b"b\n"])
    assert is_closed(two, two, two) == Tally()
    assert is_closed(two, one, one) == tally_of([b"b\n"])
    assert is_closed(two, two, one) is None
    assert is_closed(two, one, tally_of([b"b\n"])) is None
