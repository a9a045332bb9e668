"""An input is held to its rate."""

from support.clock import VirtualClock

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
