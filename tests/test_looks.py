"""What a look at the disk tells of files: how long unread bytes wait, and which row a file is."""

import os
from datetime import UTC, datetime

import pytest
from support.agents import Site
from support.site import transfer

from shipper.operate.status import FileState
from shipper.overview import overview
from shipper.read.discover import discover
from shipper.settings import InputSettings

LAST = datetime(2026, 11, 21, 0, 0, 7, tzinfo=UTC).timestamp()
"""When the event of `transfer(7)` happened."""


def gridftp(folder, *, pipeline="gridftp-transfer"):
    return Site(folder, InputSettings("transfers", (f"{folder}/logs/*",), pipeline, timezone=None))


def write(path, data, *, modified):
    path.write_bytes(data)
    os.utime(path, (modified, modified))


def look(site, now):
    (file,) = overview(site.settings, now=lambda: now).files
    return file.state, file.lag, round(file.waiting, 3)


def test_unread_bytes_wait_since_their_first_event_happened(tmp_path):
    site, read, unread = gridftp(tmp_path), transfer(1), transfer(7) + transfer(40) + transfer(50)
    log = site.logs / "a.log"
    write(log, read, modified=LAST)
    site.once()
    assert look(site, LAST + 3600) == (FileState.CAUGHT_UP, 0, 0.0)
    write(log, read + unread, modified=LAST + 43)
    state, lag, waiting = look(site, LAST + 60)
    assert (state, lag) == (FileState.READING, len(unread))
    assert 59 <= waiting <= 60


def test_bytes_of_a_file_that_the_agent_has_not_met_wait_likewise(tmp_path):
    site = gridftp(tmp_path)
    known = site.logs / "a.log"
    write(known, transfer(1), modified=LAST)
    site.once()
    known.unlink()
    write(site.logs / "b.log", transfer(7) + transfer(40), modified=LAST + 33)
    new = next(file for file in overview(site.settings, now=lambda: LAST + 60).files if file.state is FileState.NEW)
    assert 59 <= new.waiting <= 60


def test_without_a_state_unread_bytes_wait_since_the_file_was_written_to(tmp_path):
    site = gridftp(tmp_path)
    write(site.logs / "a.log", transfer(7) + transfer(40), modified=LAST + 33)
    assert look(site, LAST + 60)[2] == 27


@pytest.mark.parametrize("unread", [b"no time in it at all\n", b"half a line"])
def test_lines_without_a_time_wait_since_the_file_was_written_to(tmp_path, unread):
    site = gridftp(tmp_path)
    log = site.logs / "a.log"
    write(log, transfer(1), modified=LAST)
    site.once()
    write(log, transfer(1) + unread, modified=LAST + 33)
    assert look(site, LAST + 60)[2] == 27


def test_a_time_to_come_does_not_make_waiting_shorter_than_the_file_was_left_alone(tmp_path):
    site = gridftp(tmp_path)
    log = site.logs / "a.log"
    write(log, transfer(1), modified=LAST)
    site.once()
    write(log, transfer(1) + transfer(7), modified=LAST - 100)
    assert look(site, LAST - 50)[2] == 50
    assert look(site, LAST - 150)[2] == 0, "neither is a modification time to come a waiting time below zero"


def test_a_log_whose_lines_have_no_times_waits_since_it_was_written_to(tmp_path):
    site = gridftp(tmp_path, pipeline="raw")
    log = site.logs / "a.log"
    write(log, transfer(1), modified=LAST)
    site.once()
    write(log, transfer(1) + transfer(7), modified=LAST + 33)
    assert look(site, LAST + 60)[2] == 27


def test_of_very_many_files_the_first_events_are_read_in_those_written_to_last(tmp_path, monkeypatch):
    monkeypatch.setattr("shipper.looks._MOST_PARSED", 1)
    site = gridftp(tmp_path)
    for number in (1, 2):
        write(site.logs / f"{number}.log", transfer(number), modified=LAST)
    site.once()
    for number in (1, 2):
        write(site.logs / f"{number}.log", transfer(number) + transfer(7), modified=LAST + 30 + number)
    older, newer = (file.waiting for file in overview(site.settings, now=lambda: LAST + 60).files)
    assert older == 29
    assert 59 <= newer <= 60


def test_a_file_that_was_rewritten_before_its_checkpoint_is_replaced_also_at_the_same_length(tmp_path):
    site = gridftp(tmp_path)
    log = site.logs / "a.log"
    write(log, transfer(1) + transfer(2), modified=LAST)
    site.once()
    write(log, transfer(1) + transfer(2).replace(b"alice", b"carol"), modified=LAST)
    states = sorted(file.state.value for file in overview(site.settings, now=lambda: LAST).files)
    assert states == ["new", "replaced"]


def test_of_several_rows_of_one_inode_the_one_whose_content_stands_there_is_the_file(tmp_path):
    site = gridftp(tmp_path)
    log = site.logs / "a.log"
    for number in (1, 2):
        write(log, transfer(number), modified=LAST + number)
        site.once()
    files = overview(site.settings, now=lambda: LAST + 5).files
    assert [(file.state, file.inode) for file in files] == [
        (FileState.REPLACED, log.stat().st_ino),
        (FileState.CAUGHT_UP, log.stat().st_ino),
    ]
    write(log, transfer(1), modified=LAST + 3)  # the first content is back
    states = [file.state for file in overview(site.settings, now=lambda: LAST + 5).files]
    assert states == [FileState.CAUGHT_UP, FileState.REPLACED]


def test_a_file_that_is_deleted_while_it_is_looked_for_is_gone_and_not_unreadable(tmp_path, monkeypatch):
    site = gridftp(tmp_path)
    write(site.logs / "known.log", transfer(1), modified=LAST)
    site.once()
    write(site.logs / "new.log", transfer(2), modified=LAST)

    def found_too_late(settings):
        found = discover(settings)
        for each in found:
            each.path.unlink()
        return found

    monkeypatch.setattr("shipper.overview.discover", found_too_late)
    (file,) = overview(site.settings, now=lambda: LAST).files
    assert (file.path, file.state) == (str(site.logs / "known.log"), FileState.GONE)
