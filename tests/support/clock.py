"""A clock that never waits: waiting moves it."""

import threading

from shipper.clock import Bell


class VirtualClock:
    """Starts at a given time; moves only when somebody waits, or when told."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.now = start

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, bell: Bell, seconds: float) -> bool:
        rung = bell.wait(0)
        if not rung:
            self.now += max(seconds, 0.001)
        return rung

    def wait_for(self, condition: threading.Condition, seconds: float | None) -> None:
        raise AssertionError("with a virtual clock there are no threads to wait for")
