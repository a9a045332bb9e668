"""Identity formulas: fixed for good, for stored ids depend on them."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from shipper.hashes import (
    HEAD_LIMIT,
    chain_start,
    chains,
    document_ids,
    fingerprint,
    head_length,
    line_tallies,
    tally_of,
)
from shipper.records import total


def test_the_formulas_never_change():
    start = chain_start("dtn01.example.org", "tstat")
    links = chains([b"one\n", b"two\n"], start)
    mark = fingerprint("dtn01.example.org", "tstat", b"one\ntwo\n")

    assert f"{start:016x}" == "6cda9d9fbf1f4157"
    assert [f"{link:016x}" for link in links] == ["973c5d0c3144e4bb", "0d4531b76fa25417"]
    assert mark == "5d6818f5fc930357"
    assert document_ids(mark, [(4, links[1])]) == ["XWgY9QAAAAAABA1FMbdvolQX"]
    assert tally_of([b"one\n", b"two\n"]) == (2, 8, 423967734, 389653399)


def test_an_id_holds_fingerprint_offset_and_chain():
    (name,) = document_ids("0123456789abcdef", [(5, 7)])

    assert base64.urlsafe_b64decode(name) == bytes.fromhex("01234567") + (5).to_bytes(6) + (7).to_bytes(8)


@given(st.lists(st.binary(max_size=20)))
def test_a_tally_is_the_sum_of_the_tallies_of_its_lines(lines):
    assert tally_of(lines) == total(line_tallies(lines))


def test_a_head_needs_32_bytes_of_lines_that_are_no_header():
    assert head_length(b"#header\n", complete=False) is None
    assert head_length(b"#header\n" + b"x" * 31, complete=False) is None
    assert head_length(b"#header\n" + b"x" * 50, complete=False) == len(b"#header\n") + 32
    assert head_length(b"a\n#b\n" + b"x" * 50, complete=False) == 5 + 30


def test_a_file_that_cannot_grow_is_its_own_head():
    assert head_length(b"#header\n", complete=True) == len(b"#header\n")
    assert head_length(b"", complete=True) is None


def test_a_head_is_bounded():
    assert head_length(b"#" * (2 * HEAD_LIMIT), complete=False) == HEAD_LIMIT


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_the_head_does_not_depend_on_what_follows_it(data, more):
    length = head_length(data, complete=False)

    assert length is None or head_length(data + more, complete=False) == length
