"""Open files of a network file system that another host deletes: the system tells nothing of them any more."""

import errno
import os

import pytest
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene

from shipper.read.files import Plain

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
