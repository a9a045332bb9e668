"""Rotation of every kind, while the agent is stopped and, with one agent, while it runs: no line lost, none doubled."""

import gzip
import os
import shutil
from collections import Counter
from contextlib import contextmanager

import pytest
from support.agents import Site, already_stored, stored
from support.logs import append, compress, copy_and_truncate, numbered, rename, replace_in_place, write
from support.rotating_logs import record

from shipper.settings import InputSettings
from shipper.start import agent


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@contextmanager
def running(site):
    """One agent that lives through what the test does between passes."""
    with agent(site.settings, site.clock, site.events, threads=0) as one:
        yield one


def test_a_second_run_reads_nothing(site):
    write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    totals = site.once()

    assert (totals.lines, stored(totals)) == (0, 0)


def test_lines_that_are_appended_are_read_from_the_checkpoint(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    append(log, *numbered(10, 15))

    assert site.once().lines == 5
    assert site.messages() == Counter(numbered(0, 15))


def test_a_renamed_file_goes_on_where_it_was(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    append(rename(log, "a.log.1"), *numbered(10, 12))
    write(log, *numbered(12, 14))

    assert site.once().lines == 4
    assert site.messages() == Counter(numbered(0, 14))


def test_a_renamed_and_compressed_file_brings_only_what_was_unread(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    append(log, *numbered(10, 12))
    compress(rename(log, "a.log.1"))

    assert site.once().lines == 2
    assert site.messages() == Counter(numbered(0, 12))


def test_a_finished_archive_is_not_read_again(site):
    compress(write(site.logs / "a.log", *numbered(0, 10)))
    site.once()

    assert site.once().lines == 0


def test_the_copy_of_a_truncated_log_brings_only_what_was_unread(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    append(log, *numbered(10, 12))
    copy_and_truncate(log, "a.log.1")
    append(log, *numbered(12, 20))

    site.once()
    assert site.messages() == Counter(numbered(0, 20))


def test_a_truncated_log_that_has_regrown_beyond_the_checkpoint_is_seen(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    replace_in_place(log, *numbered(100, 150))

    site.once()
    assert site.messages() == Counter(numbered(0, 10) + numbered(100, 150))


def test_a_file_deleted_and_created_anew_is_read_from_its_beginning(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    log.unlink()
    write(log, *numbered(50, 55))

    site.once()
    assert site.messages() == Counter(numbered(0, 10) + numbered(50, 55))


def test_a_wiped_and_recreated_directory_of_equal_name_is_read_anew(site):
    folder = site.logs / "2026_11_21_23_21.out"
    write(folder / "log_tcp_complete", "#header of every file", *numbered(0, 5))
    site.once()
    shutil.rmtree(folder)
    write(folder / "log_tcp_complete", "#header of every file", *numbered(5, 20))

    site.once()
    expected = Counter(numbered(0, 20))
    expected["#header of every file"] = 2
    assert site.messages() == expected


def test_files_with_equal_beginnings_share_the_documents_of_that_beginning(site):
    write(site.logs / "a.log", *numbered(0, 5), "only in a")
    write(site.logs / "b.log", *numbered(0, 5), "only in b")

    site.once()
    assert site.messages() == Counter([*numbered(0, 5), "only in a", "only in b"])


def test_identical_lines_stay_apart(site):
    write(site.logs / "a.log", *["the same line, long enough to make a head"] * 7)

    site.once()
    assert site.messages() == Counter({"the same line, long enough to make a head": 7})


def test_a_copy_that_grows_further_brings_only_its_own_lines(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    copy = site.logs / "restored" / "a.log"
    copy.parent.mkdir()
    shutil.copyfile(log, copy)
    append(copy, *numbered(10, 13))

    assert site.once().lines == 3
    assert site.messages() == Counter(numbered(0, 13))
    assert site.ledger_by_path() == {
        str(log): Counter({"stored": 10}),
        str(copy): Counter({"stored": 13}),
    }


def test_after_the_loss_of_the_state_everything_is_there_already(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    site.forget()
    compress(rename(log, "b.log"))
    totals = site.once()

    assert (stored(totals), already_stored(totals)) == (0, 10)


def test_a_file_without_enough_content_is_pending(site):
    write(site.logs / "a.log", "#header of every file", "short")
    totals = site.once()

    assert (totals.lines, site.pending) == (0, 2)


def test_a_line_without_newline_is_pending_until_it_is_complete(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with log.open("ab") as file:
        file.write(b"half")
    site.once()
    assert (site.lines_stored(), site.pending) == (3, 1)

    append(log, " and whole")
    site.once()
    assert (site.lines_stored(), site.pending) == (4, 0)
    assert site.messages()["half and whole"] == 1


def test_the_cut_last_line_of_an_archive_is_shipped_with_a_tag(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with log.open("ab") as file:
        file.write(b"cut by a killed writer")
    compress(log)

    site.once()
    assert site.messages()["cut by a killed writer"] == 1
    assert any(b"_line_incomplete" in body for _, _, body in ((i, n, str(b).encode()) for i, n, b in site.documents()))


def test_an_archive_whose_cut_line_became_whole_is_taken_for_another_file(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    cut, whole = log.read_bytes() + b"half", log.read_bytes() + b"half and whole\n"
    log.unlink()
    archive = site.logs / "a.log.gz"
    archive.write_bytes(gzip.compress(cut))
    site.once()
    with archive.open("r+b") as same_inode:
        same_inode.truncate()
        same_inode.write(gzip.compress(whole))
    site.once()

    assert site.messages() == Counter([*numbered(0, 3), "half", "half and whole"])


def test_an_unfinished_archive_brings_what_can_be_read_and_then_its_rest(tmp_path):
    site = Site(tmp_path, InputSettings("logs", (f"{tmp_path}/logs/*",), "gridftp-transfer"))
    archive = compress(write(site.logs / "a.log", *map(record, range(2000))))
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    site.once()
    early = site.lines_stored()
    archive.write_bytes(whole)
    site.once()

    assert 0 < early < 2000
    assert site.messages() == Counter(map(record, range(2000)))


def test_an_unfinished_archive_whose_lines_need_its_modification_time_waits_until_it_is_whole(site):
    archive = compress(write(site.logs / "a.log", *numbered(0, 2000)))
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    site.once()
    early = site.lines_stored()
    archive.write_bytes(whole)
    site.once()

    assert early == 0
    assert site.messages() == Counter(numbered(0, 2000))


def test_two_names_of_one_file_are_one_file(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    os.link(log, site.logs / "b.log")
    (site.logs / "c.log").symlink_to(log)

    assert site.once().lines == 3


def test_a_running_agent_reads_a_renamed_file_to_its_end(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with running(site) as one:
        one.once()
        with log.open("ab") as writer:
            one.reader.scan()
            list(one.reader.chunks(once=False))
            rename(log, "a.log.1")
            write(log, *numbered(5, 8))
            writer.write(b"".join(line.encode() + b"\n" for line in numbered(3, 5)))
        one.once()

    assert site.messages() == Counter(numbered(0, 8))


def test_a_running_agent_reads_what_was_unread_in_a_deleted_file(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with running(site) as one:
        one.reader.scan()
        for chunk in one.reader.chunks(once=False):
            one.take(chunk)
        append(log, *numbered(3, 6))
        log.unlink()
        one.once()

    assert site.messages() == Counter(numbered(0, 6))


def test_a_truncation_with_unread_bytes_is_recorded_as_a_gap(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with running(site) as one:
        cut_half_a_line(one, log)
        replace_in_place(log, *numbered(0, 1), "something else")
        one.once()

    assert site.gaps() == [(len("".join(numbered(0, 3))) + 3, "truncated:11")]


def test_a_copy_that_kept_the_unread_bytes_is_their_heir(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with running(site) as one:
        cut_half_a_line(one, log)
        copy = copy_and_truncate(log, "a.log.1")
        append(copy, " and its other half")
        one.once()

    assert site.messages() == Counter([*numbered(0, 3), "half a line and its other half"])
    assert [heir for _, heir in site.heirs()] == ["", str(log)]


def cut_half_a_line(one, log):
    """Let the agent ship the file and see half a line more."""
    for text in (b"half a line", b""):
        turns = iter([False] * 6)
        one.run(lambda turns=turns: next(turns, True))
        with log.open("ab") as file:
            file.write(text)


def test_a_file_closed_and_grown_again_within_one_agent_is_not_read_twice(site):
    log = write(site.logs / "a.log", *numbered(0, 3))
    with running(site) as one:
        one.once()
        append(log, *numbered(3, 6))
        one.once()
        assert one.totals.lines == 6

    assert site.messages() == Counter(numbered(0, 6))
    assert site.ledger_by_path() == {str(log): Counter({"stored": 6})}


def test_an_unreadable_file_is_said_and_does_not_stop_the_others(site):
    write(site.logs / "a.log.gz", "not gzip at all, although the name says so, but readable as text")
    bad = site.logs / "b.log.gz"
    bad.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    write(site.logs / "c.log", *numbered(0, 3))
    site.once()

    assert site.lines_stored() == 4
    assert site.events.counts["file_unreadable"] == 1


def test_a_file_with_a_bad_name_does_not_stop_the_others(site):
    write(site.logs / "a.log", *numbered(0, 3))
    name = os.fsdecode(b"\xff.log")
    (site.logs / name).write_bytes(b"a line that is long enough to make a head\n")
    site.once()

    assert site.lines_stored() == 3
    assert site.events.counts["file_unreadable"] == 1
