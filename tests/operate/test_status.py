"""How the state of a file is named, and how lines are summed."""

import pytest

from shipper.operate.status import FileState, Look, file_status, ledgers, totals, unidentified_status
from shipper.records import FileRow, Mark, MarkKind, Tally

PATH = "/var/log/x.log"


def row(number=1, *, offset=100, chain=7, fingerprint="f", finished="", marks=()):
    return FileRow(
        number, "a", PATH, PATH, 1, number, fingerprint, 0, offset, chain, chain, None, finished, list(marks)
    )


def lines(count, salt=0):
    return Tally(count, count * 10, count + salt, count)


@pytest.mark.parametrize(
    ("known", "look", "state", "lag"),
    [
        (row(), Look(PATH, 100), FileState.CAUGHT_UP, 0),
        (row(), Look(PATH, 150), FileState.READING, 50),
        (row(), Look(PATH, 150, partial=True), FileState.PARTIAL_LINE, 50),
        (row(), Look(PATH, 60), FileState.TRUNCATED, 0),
        (row(), Look(PATH, gone=True), FileState.GONE, None),
        (row(), Look(PATH, 150, problem="Permission denied"), FileState.UNREADABLE, None),
        (row(), Look(PATH, 40, compressed=True), FileState.READING, None),
        (row(finished="40:1"), Look(PATH, 40, compressed=True), FileState.CAUGHT_UP, 0),
        (row(finished="40:1"), Look(PATH, gone=True), FileState.GONE, None),
    ],
)
def test_the_state_of_a_file_follows_from_its_row_and_the_disk(known, look, state, lag):
    status = file_status(known, look, {})
    assert (status.state, status.lag, status.checkpoint) == (state, lag, 100)


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


def test_a_file_that_the_state_does_not_know_lags_by_all_of_it():
    assert unidentified_status("a", Look(PATH, 30), FileState.HEADER_ONLY).lag == 30
    assert unidentified_status("a", Look(PATH, 30, compressed=True), FileState.NEW).lag is None
    assert unidentified_status("a", Look(PATH, 30, problem="no"), FileState.UNREADABLE).lag is None


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
