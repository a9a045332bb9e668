"""How the state of a file is named, and how lines are summed."""

import pytest

from shipper.operate.status import (
    FileError,
    FileState,
    Look,
    file_status,
    kept_by_a_copy,
    ledgers,
    seen_end,
    settled_by_a_copy,
    unidentified_status,
)
from shipper.operate.totals import Totals, together, totals
from shipper.records import FileRow, Mark, MarkKind, Tally

PATH = "/var/log/x.log"


def row(number=1, *, offset=100, chain=7, fingerprint="f", finished="", marks=(), size=0):
    return FileRow(
        number, "a", PATH, PATH, 1, number, fingerprint, size, offset, chain, chain, None, finished, list(marks)
    )


def lines(count, salt=0):
    return Tally(count, count * 10, count + salt, count)


@pytest.mark.parametrize(
    ("known", "look", "state", "lag"),
    [
        (row(), Look(PATH, 100), FileState.CAUGHT_UP, 0),
        (row(), Look(PATH, 150), FileState.READING, 50),
        (row(), Look(PATH, 150, partial=True), FileState.PARTIAL_LINE, 50),
        (row(), Look(PATH, gone=True), FileState.GONE, 0),
        (row(size=130), Look(PATH, gone=True), FileState.GONE, 30),
        (row(size=130), Look(PATH, gone=True, replaced=True), FileState.REPLACED, 30),
        (row(size=130, marks=[Mark(100, MarkKind.GAP, "gone:30")]), Look(PATH, gone=True), FileState.GONE, 0),
        (row(), Look(PATH, 150, problem="Permission denied"), FileState.UNREADABLE, None),
        (row(), Look(PATH, 40, compressed=True), FileState.READING, None),
        (row(finished="40:1"), Look(PATH, 40), FileState.FINISHED, 0),
        (row(finished="40:1", size=130), Look(PATH, gone=True), FileState.GONE, 0),
    ],
)
def test_the_state_of_a_file_follows_from_its_row_and_the_disk(known, look, state, lag):
    status = file_status(known, look, {})
    assert (status.state, status.lag, status.checkpoint) == (state, lag, 100)


def test_the_words_for_states_are_those_that_programs_know():
    assert {state.value for state in FileState} == {
        "empty", "header only", "new", "reading", "caught up", "holding a partial line", "unfinished archive",
        "finished", "replaced", "gone", "unreadable",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("look", "waiting"),
    [
        (Look(PATH, 150, waiting=7.0), 7.0),
        (Look(PATH, 100, waiting=7.0), 0.0),
        (Look(PATH, gone=True), 0.0),
        (Look(PATH, 40, compressed=True, waiting=7.0), None),
        (Look(PATH, 40, problem="no"), None),
    ],
)
def test_only_unread_bytes_wait(look, waiting):
    assert file_status(row(), look, {}).waiting == waiting


def test_what_was_unread_when_a_file_vanished_needs_attention_unless_an_agent_may_still_read_it():
    for look in (Look(PATH, gone=True), Look(PATH, gone=True, replaced=True)):
        left = file_status(row(size=130), look, {})
        assert left.needs_attention(running=False)
        assert not left.needs_attention(running=True)
        assert not settled_by_a_copy(left).needs_attention(running=False)
        assert not file_status(row(), look, {}).needs_attention(running=False)


def test_what_cannot_be_read_and_what_is_lost_needs_attention_in_any_case():
    unreadable = file_status(row(), Look(PATH, problem="no"), {})
    lost = file_status(row(marks=[Mark(100, MarkKind.GAP, "truncated:30")]), Look(PATH, 100), {})
    fine = file_status(row(), Look(PATH, 150), {})
    for running in (True, False):
        needing = [file.needs_attention(running=running) for file in (unreadable, lost, fine)]
        assert needing == [True, True, False]
    assert not settled_by_a_copy(lost).needs_attention(running=False)


def test_a_copy_that_was_read_on_leaves_nothing_behind_of_a_file_that_is_gone():
    gone = settled_by_a_copy(file_status(row(size=130), Look(PATH, gone=True), {}))
    there = settled_by_a_copy(file_status(row(), Look(PATH, 150, waiting=7.0), {}))
    assert (gone.lag, gone.waiting) == (0, 0.0)
    assert (there.lag, there.waiting) == (50, 7.0)


def test_the_last_error_is_what_is_wrong_now_with_the_time_since_when_the_agent_knows_it():
    now, before = FileError("x.log: Permission denied", 5.0), FileError("mapping: no", 4.0)
    closed = Look(PATH, 100, problem="x.log: Permission denied")
    assert file_status(row(), closed, {}, now).error == now
    assert file_status(row(), closed, {}, before).error == FileError("x.log: Permission denied", None)
    assert file_status(row(), Look(PATH, 100), {}, before).error == before
    assert file_status(row(), Look(PATH, 100), {}).error is None
    assert unidentified_status("a", closed, FileState.UNREADABLE, noted=now).error == now


def test_lines_are_told_by_fate_over_all_buckets():
    ledger = ledgers([(1, 0, "stored", lines(5)), (1, 1, "stored", lines(7)), (1, 0, "filtered:header", lines(1))])
    assert file_status(row(), Look(PATH, 100), ledger[1]).lines == {"stored": 12, "filtered:header": 1}


def test_marks_tell_losses_and_the_pipeline_that_rules_now():
    marks = [
        Mark(0, MarkKind.PIPELINE, "old"),
        Mark(10, MarkKind.GAP, "truncated:30"),
        Mark(50, MarkKind.PIPELINE, "new"),
        Mark(60, MarkKind.GAP, "truncated:4"),
    ]
    status = file_status(row(marks=marks), Look(PATH, 100), {})
    assert (status.lost_bytes, status.pipeline) == (34, "new")


def test_a_copy_must_hold_what_was_seen_of_a_file_to_make_up_for_it():
    known = row(size=130, marks=[Mark(40, MarkKind.GAP, "truncated:70")])
    assert seen_end(known, file_status(known, Look(PATH, 100), {})) == 110
    assert seen_end(known, file_status(known, Look(PATH, gone=True), {})) == 130
    assert seen_end(row(), file_status(row(), Look(PATH, gone=True), {})) is None


@pytest.mark.parametrize(("until", "lost"), [(0, 74), (40, 74), (100, 14), (110, 4), (200, 4), (204, 0)])
def test_what_lies_beyond_the_end_of_a_copy_is_lost_still(until, lost):
    known = row(marks=[Mark(40, MarkKind.GAP, "truncated:70"), Mark(200, MarkKind.GAP, "truncated:4")])
    assert kept_by_a_copy(file_status(known, Look(PATH, 100), {}), known, until).lost_bytes == lost


def test_a_file_that_the_state_does_not_know_lags_by_all_of_it():
    known = unidentified_status("a", Look(PATH, 30, waiting=4.0), FileState.NEW)
    assert (known.lag, known.waiting, known.behind) == (30, 4.0, True)
    assert unidentified_status("a", Look(PATH, 30, compressed=True), FileState.NEW).lag is None
    assert unidentified_status("a", Look(PATH, 30, problem="no"), FileState.UNREADABLE).lag is None


def test_header_lines_alone_wait_for_no_one():
    header = unidentified_status("a", Look(PATH, 30, waiting=4.0), FileState.HEADER_ONLY)
    assert (header.lag, header.waiting, header.behind) == (30, 0.0, False)


def test_totals_of_several_inputs_are_their_sum_and_the_oldest_of_their_waiting_bytes():
    one = Totals(2, 50, 7.0, {"stored": 3}, {"reading": 1, "gone": 1})
    other = Totals(1, 5, 9.0, {"stored": 4, "dead:x": 1}, {"reading": 1})
    expected = Totals(3, 55, 9.0, {"dead:x": 1, "stored": 7}, {"reading": 2, "gone": 1})
    assert together([one, other]) == expected
    assert together([]) == Totals(0, 0, 0.0, {}, {})


def nothing(longer, shorter):
    return {}


def summed(rows, entries, shared=nothing):
    ledger = ledgers(entries)
    files = [file_status(each, Look(PATH, each.offset), ledger.get(each.id, {})) for each in rows]
    return totals(files, rows, ledger, shared)


def test_different_files_are_all_counted():
    entries = [(1, 0, "stored", lines(5)), (2, 0, "stored", lines(7))]
    result = summed([row(1), row(2, fingerprint="g", offset=10)], entries)
    assert (result.files, result.lines, result.states) == (2, {"stored": 12}, {"caught up": 2})


def test_an_exact_copy_is_counted_once_without_asking_the_disk():
    entries = [(1, 0, "stored", lines(5)), (2, 0, "stored", lines(5))]
    assert summed([row(1), row(2)], entries).lines == {"stored": 5}


def test_the_beginning_of_a_longer_file_is_counted_once():
    asked = []

    def shared(longer, shorter):
        asked.append((longer.id, shorter.id))

    entries = [(1, 0, "stored", lines(5)), (2, 0, "stored", lines(9)), (2, 1, "stored", lines(3))]
    assert summed([row(1, offset=50), row(2, offset=120)], entries, shared).lines == {"stored": 12}
    assert asked == [(2, 1)]


def test_of_files_that_part_ways_the_common_beginning_is_counted_once():
    entries = [
        (1, 0, "stored", lines(5)),
        (1, 0, "filtered:header", lines(1)),
        (2, 0, "stored", lines(9)),
        (2, 0, "filtered:header", lines(1)),
    ]
    rows = [row(1, offset=50), row(2, offset=120)]
    assert summed(rows, entries).lines == {"stored": 14, "filtered:header": 2}
    shared = {"stored": 2, "filtered:header": 1}
    assert summed(rows, entries, lambda longer, shorter: shared).lines == {"stored": 12, "filtered:header": 1}


def test_of_several_files_that_part_ways_the_one_that_shares_most_counts():
    entries = [(number, 0, "stored", lines(10, salt=number)) for number in (1, 2, 3)]
    rows = [row(number, offset=100 * number) for number in (1, 2, 3)]
    shared = {(3, 2): {"stored": 4}, (3, 1): {"stored": 4}, (2, 1): {"stored": 7}}
    assert summed(rows, entries, lambda a, b: shared[a.id, b.id]).lines == {"stored": 10 + 6 + 3}


def test_equal_buckets_of_files_that_part_ways_are_counted_once():
    entries = [
        (1, 0, "stored", lines(5)),
        (1, 1, "stored", lines(4)),
        (2, 0, "stored", lines(5)),
        (2, 1, "stored", lines(9, salt=1)),
    ]
    assert summed([row(1, offset=50), row(2, offset=120)], entries).lines == {"stored": 18}
    same_length = [row(1, offset=50, chain=1), row(2, offset=50, chain=2)]
    assert summed(same_length, entries).lines == {"stored": 18}


def test_a_copy_of_either_of_two_that_parted_is_counted_once():
    entries = [(number, 0, "stored", lines(number % 2 + 5)) for number in (1, 2, 3, 4)]
    rows = [row(number, offset=50, chain=number % 2) for number in (1, 2, 3, 4)]
    assert summed(rows, entries).lines == {"stored": 11}
