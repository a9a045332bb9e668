"""An input is held to its rate."""

import pytest
from support.clock import VirtualClock
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene

from shipper.read.pace import Pace
from shipper.settings import InputSettings


def test_after_so_many_bytes_an_input_waits_for_as_long_as_they_may_take():
    clock = VirtualClock()
    pace = Pace([InputSettings("slow", ("x",), "raw", rate=100), InputSettings("free", ("y",), "raw")], clock)
    pace.took("slow", 250)
    pace.took("free", 250)

    assert (pace.waits("slow"), pace.waits("free"), pace.due()) == (True, False, 2.5)

    clock.advance(2.5)
    assert (pace.waits("slow"), pace.due()) == (False, None)


def test_idle_time_is_not_saved_up():
    clock = VirtualClock()
    pace = Pace([InputSettings("slow", ("x",), "raw", rate=100)], clock)
    pace.took("slow", 100)
    clock.advance(1000)
    pace.took("slow", 100)

    assert pace.due() == 1.0


@pytest.fixture
def scene(tmp_path):
    """One input of 64 KiB per second."""
    return Scene.of(tmp_path, "**/*", rate=1 << 16)


def test_a_single_pass_takes_as_long_as_the_rate_says(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10000))
    began = scene.clock.now
    scene.once()
    took = scene.clock.now - began

    assert took == pytest.approx(log.stat().st_size / (1 << 16), rel=0.01)
    assert scene.sources() == [numbered(0, 10000)]
    assert scene.verdict() == CLOSED


def test_a_live_agent_goes_on_when_the_rate_allows(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10000))
    with scene.live() as live:
        live.catch_up(3.0)
        early = len(scene.messages())
        append(log, "and one more")
        live.catch_up(20.0)

    assert 0 < early < 10000
    assert scene.sources() == [[*numbered(0, 10000), "and one more"]]
    assert scene.verdict() == CLOSED


def test_files_that_wait_for_their_rate_leave_descriptors_to_others(scene):
    scene.with_settings(max_open_files=8)
    for number in range(30):
        write(scene.logs / f"{number}.log", *numbered(0, 1000, f"log {number:02d} line"))
    scene.once()

    assert len(scene.sources()) == 30
    assert sum(scene.messages().values()) == 30000
    assert scene.verdict() == CLOSED
