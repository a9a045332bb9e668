"""D. Truncation: what a truncated file held and we had not read is lost by nature, and told; nothing else is lost.

A truncation is never guessed from the size: each read compares the up to 1 KiB before its position with what was
read there, so that a file that has regrown is seen, too.
"""

import gzip
import os
from collections import Counter

import pytest
from support.faulty import Faulty
from support.logs import append, copy_and_truncate, numbered, replace_in_place, write
from support.scene import CLOSED, Scene

from shipper.read.tail import SETTLE
from shipper.records import Outcome, OutcomeKind


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_062_truncated_to_zero_and_written_again_new_lines_only(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        os.truncate(log, 0)
        agent.catch_up()
        append(log, *numbered(10, 15))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(10, 15)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [1, 3, 9])
def test_063_truncated_and_rewritten_smaller_between_two_looks(scene, lines):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        replace_in_place(log, *numbered(50, 50 + lines))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(50, 50 + lines)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [10, 11, 300])
def test_064_truncated_and_rewritten_to_the_same_or_a_larger_size_between_two_looks(scene, lines):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        replace_in_place(log, *numbered(500, 500 + lines))
        agent.catch_up()
        append(log, "one more")
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), [*numbered(500, 500 + lines), "one more"]]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize(("before", "after"), [("plain", "gzip"), ("gzip", "plain"), ("gzip", "gzip")])
def test_064_overwritten_in_place_by_content_that_is_packed_in_another_way(scene, before, after):
    pack = {"plain": bytes, "gzip": gzip.compress}
    log = scene.logs / "a.log"
    log.write_bytes(pack[before]("".join(f"{line}\n" for line in numbered(0, 10)).encode()))
    with scene.live() as agent:
        agent.catch_up()
        with log.open("r+b") as same_inode:
            same_inode.truncate()
            same_inode.write(pack[after]("".join(f"{line}\n" for line in numbered(500, 530)).encode()))
        agent.catch_up(30)

    assert scene.sources() == [numbered(0, 10), numbered(500, 530)]
    assert scene.verdict() == CLOSED


def test_065_three_live_files_copied_and_truncated_three_times_every_line_once(scene):
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 300, name)) for name in ("a", "b", "c")]
    with scene.live() as agent:
        for turn in range(1, 4):
            agent.catch_up()
            for log in logs:
                append(log, *numbered(1000 * turn, 1000 * turn + 7, log.stem))  # not read before the copy
                copy_and_truncate(log, f"{log.name}.{turn}")
                append(log, *numbered(1000 * turn + 7, 1000 * turn + 300, log.stem))
        agent.catch_up()

    expected = Counter(
        line for name in ("a", "b", "c") for turn in range(4) for line in numbered(1000 * turn, 1000 * turn + 300, name)
    )
    assert scene.messages() == expected
    assert all(source == sorted(source) for source in scene.sources())
    assert scene.verdict() == CLOSED


def test_066_the_copy_and_the_truncated_original_both_grow(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        append(log, *numbered(10, 12))
        copy = copy_and_truncate(log, "a.log.1")
        append(copy, *numbered(12, 14))
        append(log, *numbered(20, 25))
        agent.catch_up()
        append(copy, *numbered(14, 16))
        append(log, *numbered(25, 27))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 16), numbered(20, 27)]
    assert scene.verdict() == CLOSED


def test_067_copied_out_of_the_glob_and_truncated_the_old_position_is_not_believed(tmp_path):
    scene = Scene.of(tmp_path, "*.log")
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        copy_and_truncate(log, "a.old")
        append(log, *numbered(20, 40))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(20, 40)]
    assert scene.verdict() == CLOSED


def test_068_what_was_unread_when_the_file_was_truncated_is_told_with_its_bytes_and_reading_goes_on(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        with log.open("ab") as writer:
            writer.write(b"eleven bytes")
        agent.catch_up()
        replace_in_place(log, *numbered(20, 22))
        agent.catch_up()
        append(log, *numbered(22, 24))
        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(20, 24)]
    assert scene.verdict() == ("findings", [("truncated before read", len("eleven bytes"))])


@pytest.mark.parametrize("hole", [1, 670, 100_000, 3_000_000])
def test_069_a_writer_that_keeps_its_old_offset_leaves_a_hole_and_no_nul_reaches_a_document(scene, hole):
    """The NULs belong to the line that ends after them. They wait until they have stayed as they are for a while.

    On network file systems such holes are filled in later.
    """
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        os.truncate(log, 0)
        with log.open("r+b") as stale:
            stale.seek(hole)
            stale.write("".join(f"{line}\n" for line in numbered(10, 13)).encode())
        agent.catch_up(SETTLE / 2)
        assert scene.sources() == [numbered(0, 10)]
        agent.catch_up(2 * SETTLE)

    assert scene.tags()[numbered(10, 11)[0]] == ["_nul_stripped"]
    assert scene.sources() == [numbered(0, 10), numbered(10, 13)]
    assert scene.verdict() == CLOSED


def test_069_a_hole_before_lines_that_never_cease_is_waited_for_no_longer(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.catch_up()
        os.truncate(log, 0)
        with log.open("r+b") as stale:
            stale.seek(5000)
            for number in range(10, 30):
                stale.write(f"{numbered(number, number + 1)[0]}\n".encode())
                stale.flush()
                agent.catch_up(SETTLE / 5)
        assert len(scene.sources()[1]) >= 10

        agent.catch_up()

    assert scene.sources() == [numbered(0, 10), numbered(10, 30)]
    assert scene.verdict() == CLOSED


def test_069_a_hole_that_is_filled_in_later_is_read_as_what_it_became(scene):
    late = "".join(f"{line}\n" for line in numbered(3, 5)).encode()
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as agent:
        with log.open("r+b") as writer:
            position = writer.seek(0, os.SEEK_END)
            writer.write(bytes(len(late)) + "".join(f"{line}\n" for line in numbered(5, 7)).encode())
        agent.catch_up(SETTLE / 2)
        with log.open("r+b") as writer:
            writer.seek(position)
            writer.write(late)
        agent.catch_up(2 * SETTLE)

    assert scene.sources() == [numbered(0, 7)]
    assert scene.verdict() == CLOSED


def test_070_truncated_after_it_was_closed_for_others(tmp_path):
    scene = Scene(tmp_path)
    scene.with_settings(max_open_files=2)
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 5, name)) for name in "abcd"]
    with scene.live() as agent:
        agent.catch_up()
        for log in logs:
            replace_in_place(log, *numbered(50, 52, log.stem))
        agent.catch_up(30)

    expected = [numbered(first, last, name) for name in "abcd" for first, last in ((0, 5), (50, 52))]
    assert scene.sources() == expected
    assert scene.verdict() == CLOSED


def test_071_truncated_while_the_output_is_away_the_lines_that_were_read_are_delivered_once(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    back = scene.clock.now + 60
    away = Outcome(OutcomeKind.RETRY, "output", "connection refused")
    with scene.live(Faulty(scene, lambda _: away if scene.clock.now < back else None)) as agent:
        agent.catch_up()
        replace_in_place(log, *numbered(20, 25))
        agent.catch_up()
        assert scene.sources() == []
        agent.catch_up(120)

    assert scene.sources() == [numbered(0, 10), numbered(20, 25)]
    assert scene.verdict() == CLOSED
