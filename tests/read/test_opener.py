"""Files are opened once, closed where descriptors are short, and opened again whenever there may be more."""

import pytest
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "*")


def test_what_is_written_between_the_last_read_and_the_closing_is_read(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as live:
        live.catch_up()
        append(log, *numbered(3, 5))
        assert live.agent.reader._park()
        live.catch_up(20)

    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_a_file_that_a_look_and_a_notification_told_of_is_opened_once(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    with scene.live() as live:
        live.catch_up()
        assert live.agent.reader._park()
        append(log, *numbered(3, 5))
        live.agent.reader.scan()
        live.agent.reader.grew([str(log)])
        for chunk in live.agent.reader.chunks(once=False):
            live.agent.take(chunk)
        assert len(live.agent.reader.tailed) == 1
        live.catch_up(20)
        assert live.agent.totals.lines == 5

    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_files_that_are_gone_leave_nothing_behind_in_memory(scene):
    with scene.live() as live:
        for number in range(30):
            log = write(scene.logs / f"{number}.log", *numbered(0, 3, f"log {number}"))
            live.catch_up(20)
            log.unlink()
            live.catch_up(20)
        live.catch_up(20)
        opener = live.agent.reader._opener
        assert (len(opener._read), len(live.agent.reader._files._pending)) == (0, 0)

    assert len(scene.sources()) == 30
    assert scene.verdict() == CLOSED
