"""Files that go without a word: deleted by another host while they are open, or by anybody after they were closed."""

import errno
import os
from pathlib import Path
from typing import NamedTuple, cast

import pytest
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene

from shipper.read.files import Plain
from shipper.read.open_files import ClosedFiles
from shipper.read.tail import TailedFile
from shipper.records import FileRow

LATER = 100.0
"""Seconds after which unread bytes are looked at before the files are read."""


class Stale(Plain):
    """An open file of which the system tells nothing any more."""

    def stat(self, *_):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    pread = stat


class Unreadable(Plain):
    """A file whose end cannot be read a second time."""

    looks = 0

    def pread(self, size, offset):
        self.looks += 1
        if self.looks > 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().pread(size, offset)


@pytest.mark.parametrize(("broken", "name"), [(Stale, "a.log"), (Stale, "a.log.1"), (Unreadable, "a.log")])
def test_a_file_that_can_be_asked_for_nothing_any_more_is_told_and_opened_anew(tmp_path, broken, name):
    scene = Scene.of(tmp_path, "*.log*")
    path = write(scene.logs / "a.log", *numbered(0, 5))
    with scene.live() as live:
        live.catch_up()
        (tailed,) = live.agent.reader.tailed
        tailed.content = broken(os.dup(tailed.content.fileno()))
        append(path, *numbered(5, 10))
        with path.open("ab") as file:
            file.write(b"half a line")
        path.rename(path.with_name(name))
        scene.clock.advance(LATER)
        live.catch_up()
        live.catch_up(2 * scene.settings.rescan)

    assert scene.sources() == [numbered(0, 10)]
    assert scene.events.counts["file_unreadable"] == 1
    assert scene.verdict() == CLOSED


def test_of_closed_files_that_are_gone_no_more_is_kept_than_of_those_that_are_there(tmp_path):
    class Tailed(NamedTuple):
        path: Path
        row: FileRow

    closed, there = ClosedFiles(), write(tmp_path / "there.log", "x")
    for number in range(10_000):
        path = tmp_path / f"{number}.log" if number else there
        closed.add(
            cast(TailedFile, Tailed(path, FileRow(1, "i", str(path), str(path), 1, number, "", 1, 0, 0, 0, None)))
        )
    assert len(closed) < 2000
    assert [name for name, _ in closed.written([str(there)])] == ["i"]
