"""How large a file was before it was truncated: told if somebody looked, and never guessed."""

import os

import pytest
from support.logs import append, numbered, rename, write

from shipper.clock import Bell
from shipper.events_log import EventsLog, silent
from shipper.read.sizes import Sizes
from shipper.read.watch import Changes, Watcher
from shipper.settings import InputSettings


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.log", *numbered(0, 10))


def before(sizes, log):
    return sizes.before_truncation(str(log), log.stat())


def look_and_resize(sizes, log, *lengths):
    for length in lengths:
        os.truncate(log, length)
        sizes.look(str(log))


@pytest.mark.parametrize(
    ("lengths", "seen"),
    [
        ([100], 0),
        ([100, 0], 100),
        ([100, 0, 300], 100),
        ([100, 200, 50, 60], 200),
        ([100, 0, 300, 0], 100),
        ([100, 100], 0),
    ],
)
def test_it_is_the_size_before_the_first_time_that_it_became_smaller(log, lengths, seen):
    sizes = Sizes()
    look_and_resize(sizes, log, *lengths)

    assert before(sizes, log) == seen


def test_who_asks_looks_too(log):
    sizes = Sizes()
    look_and_resize(sizes, log, 100)
    os.truncate(log, 40)

    assert before(sizes, log) == 100


def test_what_was_asked_for_is_over(log):
    sizes = Sizes()
    look_and_resize(sizes, log, 100, 0)

    assert (before(sizes, log), before(sizes, log)) == (100, 0)
    look_and_resize(sizes, log, 70, 10)
    assert before(sizes, log) == 70


def test_nothing_is_known_of_a_file_that_nobody_looked_at_or_that_is_another_one(log):
    sizes = Sizes()
    assert before(sizes, log) == 0

    look_and_resize(sizes, log, 100)
    rename(log, "a.log.1")
    write(log, "short")
    assert before(sizes, log) == 0
    sizes.look(str(log.with_name("not there")))


def test_the_watcher_looks_before_it_tells_of_a_write(log):
    bell, sizes = Bell(), Sizes()
    item = InputSettings("i", (f"{log.parent}/*.log",), "raw")
    watcher = Watcher([item], Changes(bell), sizes, EventsLog(silent))
    try:
        append(log, *numbered(10, 12))
        size = log.stat().st_size
        assert bell.wait(10.0)
        os.truncate(log, 0)
        assert before(sizes, log) == size
    finally:
        watcher.close()
