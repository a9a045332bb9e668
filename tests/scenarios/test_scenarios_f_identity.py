"""F. Identity: a file is its content; the head only groups, and says nothing about who has read what.

Two of the scenarios have nothing to act on here, see the README beside this file: there is one way to tell files
apart, and no setting for it.
"""

from contextlib import closing

import pytest
from support.agents import HOST
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene

from shipper.hashes import HEAD_LIMIT
from shipper.read.files import open_content
from shipper.read.identity import fingerprint_of


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_091_two_files_with_the_same_short_beginning_are_both_read_whole_once_they_differ(scene):
    """What two files share is shipped once: it cannot be told whether one is a copy of the other."""
    one = write(scene.logs / "a.log", *numbered(0, 2))
    other = write(scene.logs / "b.log", *numbered(0, 2))
    with scene.live() as agent:
        agent.catch_up()
        append(one, *numbered(100, 103))
        agent.catch_up()
        append(other, *numbered(200, 203))
        agent.catch_up()
        append(one, *numbered(103, 105))
        append(other, *numbered(203, 205))
        agent.catch_up()

    assert scene.sources() == [
        [*numbered(0, 2), *numbered(100, 103), *numbered(200, 203), *numbered(103, 105), *numbered(203, 205)]
    ]
    assert scene.verdict() == CLOSED


def test_091_a_hundred_files_with_the_same_header_lose_nothing(scene):
    header = "#15#c_ip:1 c_port:2 c_pkts_all:3"
    for number in range(100):
        write(scene.logs / f"{number:03}" / "log_tcp_complete", header, *numbered(1000 * number, 1000 * number + 3))
    scene.once()

    assert scene.sources() == [[header, *numbered(1000 * n, 1000 * n + 3)] for n in range(100)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("step", [1, 7, 31, 33])
def test_092_a_file_smaller_than_its_head_grows_and_nothing_is_read_twice(scene, step):
    """A file is held back until 32 bytes of it can tell it from others."""
    log = scene.logs / "a.log"
    data = "".join(f"{line}\n" for line in numbered(0, 3)).encode()[:150]
    with scene.live() as agent:
        for end in range(step, len(data) + step, step):
            log.write_bytes(b"") if end == step else None
            with log.open("ab") as file:
                file.write(data[end - step : end])
            agent.catch_up()
            stored = sum(scene.messages().values()) if (scene.folder / "index.db").exists() else 0
            assert stored == (data[:end].count(b"\n") if end >= 32 else 0)

    assert scene.sources() == [numbered(0, 2)]
    assert scene.verdict() == CLOSED


def test_092_a_short_file_is_pending_and_told_until_it_has_a_head(scene):
    log = write(scene.logs / "a.log", "short")
    scene.once()
    assert scene.pending == 1
    assert (scene.verdict(), scene.audit().totals.pending) == (CLOSED, 1)

    append(log, *numbered(0, 1))
    scene.once()
    assert scene.sources() == [["short", *numbered(0, 1)]]
    assert scene.verdict() == CLOSED


def test_094_taking_the_fingerprint_does_not_move_where_reading_is(scene):
    log = write(scene.logs / "a.log", *numbered(0, 50))
    with closing(open_content(log)) as content:
        first = content.read(100)
        fingerprint_of(content, HOST, "logs")
        assert first + content.read(1 << 20) == log.read_bytes()
    scene.once()

    assert scene.sources() == [numbered(0, 50)]
    assert scene.verdict() == CLOSED


def test_095_files_that_differ_only_after_their_header_lines_are_told_apart_by_them(scene):
    """Header lines begin with `#`: they are in the fingerprint, and the first lines that are none must be, too."""
    header = ["#fields of the log", "#" + "x" * 200]
    one = write(scene.logs / "a.log", *header, *numbered(0, 3))
    other = write(scene.logs / "b.log", *header, *numbered(10, 13))
    with scene.live() as agent:
        agent.catch_up()
        one.unlink()
        other.rename(one)
        append(one, *numbered(13, 15))
        agent.catch_up()

    assert scene.sources() == [[*header, *numbered(0, 3)], [*header, *numbered(10, 15)]]
    assert scene.verdict() == CLOSED


def test_095_a_file_of_header_lines_alone_waits(scene):
    log = write(scene.logs / "a.log", "#fields of the log", "#" + "x" * 200)
    with scene.live() as agent:
        agent.catch_up()
        assert [item.problem for item in agent.agent.reader.unidentified.values()] == ["header only"]
        append(log, *numbered(0, 1))
        agent.catch_up()

    assert scene.sources() == [["#fields of the log", "#" + "x" * 200, *numbered(0, 1)]]
    assert scene.verdict() == CLOSED


def test_097_headers_longer_than_any_head_share_a_fingerprint_and_yet_every_line_is_read(scene):
    header = [f"#{number:06d} of a very long header that all of these files begin with" for number in range(1500)]
    assert sum(len(line) + 1 for line in header) > HEAD_LIMIT
    logs = [write(scene.logs / f"{name}.log", *header, *numbered(0, 3, name)) for name in "abc"]
    with scene.live() as agent:
        agent.catch_up()
        for log in logs:
            append(log, *numbered(3, 6, log.stem))
        agent.catch_up()

    (source,) = scene.sources()
    assert sorted(source) == sorted([*header, *(line for name in "abc" for line in numbered(0, 6, name))])
    assert [[line for line in source if line.startswith(name + " ")] for name in "abc"] == [
        numbered(0, 6, name) for name in "abc"
    ]
    assert scene.verdict() == CLOSED
