"""Content is the same whatever it is packed in."""

import bz2
import errno
import gzip
import lzma
import os

import pytest
import zstandard
from support.logs import numbered, write
from support.scene import CLOSED, Scene

from shipper.errors import SourceError
from shipper.read.files import UnfinishedArchive, open_content

CONTENT = b"".join(b"line %d\n" % number for number in range(200_000))
PACKED = {
    "plain": CONTENT,
    "gzip": gzip.compress(CONTENT, 1),
    "two gzip members": gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]),
    "bzip2": bz2.compress(CONTENT, 1),
    "xz": lzma.compress(CONTENT, preset=0),
    "zstandard": zstandard.compress(CONTENT),
}


@pytest.fixture(params=PACKED)
def content(request, tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(PACKED[request.param])
    opened = open_content(path)
    yield opened
    opened.close()


def test_reading_in_turn_gives_all_of_it(content):
    pieces = []
    while piece := content.read(100_000):
        pieces.append(piece)

    assert b"".join(pieces) == CONTENT


def test_any_place_can_be_read_in_any_order(content):
    for offset in (0, 1_000_000, 500_000, 999_999, 0, len(CONTENT) - 10):
        assert content.pread(70_000, offset) == CONTENT[offset : offset + 70_000]


@pytest.mark.parametrize("kind", [kind for kind in PACKED if kind != "plain"])
@pytest.mark.parametrize("back", [0, 1024, 40_000])
def test_an_archive_that_is_read_on_from_a_little_further_back_does_not_begin_anew(kind, back, tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(PACKED[kind])
    opened = open_content(path)
    assert opened.pread(100_000, 0) == CONTENT[:100_000]
    with path.open("r+b") as file:
        file.write(b"\0" * 20)  # from its beginning it can be read no more
    for offset in range(100_000, len(CONTENT), 60_000):
        assert opened.pread(100_000, offset - back) == CONTENT[offset - back : offset - back + 100_000]
        opened.done_with(offset + 20_000)
    opened.close()


def test_beyond_the_end_there_is_nothing(content):
    assert content.pread(10, len(CONTENT) + 5) == b""


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_an_archive_that_breaks_off_gives_what_it_has_and_then_says_so(kind, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(PACKED[kind][:-100])
    opened = open_content(path)
    got = opened.pread(len(CONTENT), 0)

    assert CONTENT.startswith(got)
    with pytest.raises(UnfinishedArchive, match="breaks off"):
        opened.pread(1, len(got))
    opened.close()


def test_a_damaged_archive_is_an_error_with_its_name(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    opened = open_content(path)

    with pytest.raises(SourceError, match=r"a\.gz: damaged archive"):
        opened.read(10)
    opened.close()


def test_a_file_that_may_not_be_read_is_an_error_with_the_reason(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        open_content(tmp_path / "missing")


def test_a_big_file_that_is_read_through_is_given_back_to_the_page_cache_and_a_small_one_is_not(tmp_path, monkeypatch):
    given_back = []
    advise = os.posix_fadvise

    def recorded(descriptor, offset, length, advice):
        if advice == os.POSIX_FADV_DONTNEED:
            given_back.append((offset, length))
        advise(descriptor, offset, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", recorded)
    for name, size in (("big", 20 << 20), ("small", 7 << 20)):
        (tmp_path / name).write_bytes(bytes(size))
        opened = open_content(tmp_path / name)
        while opened.read(1 << 20):
            pass
        opened.close()

    assert given_back == [(0, 8 << 20), (8 << 20, 8 << 20)]


def test_a_file_that_fails_to_be_read_at_all_is_told_and_stops_nothing(tmp_path, monkeypatch):
    scene = Scene(tmp_path)
    bad = write(scene.logs / "bad.log", *numbered(0, 3, "bad"))
    write(scene.logs / "good.log", *numbered(0, 3, "good"))
    inode, pread = bad.stat().st_ino, os.pread

    def failing(descriptor, size, offset):
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(errno.EIO, "Input/output error")
        return pread(descriptor, size, offset)

    with scene.live() as live:
        monkeypatch.setattr(os, "pread", failing)
        live.catch_up()
        assert live.agent.reader.unreadable == {str(bad): f"{bad}: Input/output error"}
        assert scene.sources() == [numbered(0, 3, "good")]
        monkeypatch.undo()
        live.catch_up(20)
        assert live.agent.reader.unreadable == {}

    assert scene.sources() == [numbered(0, 3, "bad"), numbered(0, 3, "good")]
    assert scene.verdict() == CLOSED
