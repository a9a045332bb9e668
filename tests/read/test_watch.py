"""Changes wake the agent; what the watcher misses is left to the rescan."""

from support.logs import append, numbered, rename, write

from shipper.clock import Bell
from shipper.events_log import EventsLog, silent
from shipper.read.sizes import Sizes
from shipper.read.watch import Changes, Watcher
from shipper.settings import InputSettings

LONG = 10.0


def test_the_bell_rings_when_a_file_appears_grows_or_is_renamed(tmp_path):
    bell = Bell()
    item = InputSettings("i", (f"{tmp_path}/logs/**/*.log",), "raw")
    (tmp_path / "logs").mkdir()
    watcher = Watcher([item], Changes(bell), Sizes(), EventsLog(silent))
    try:
        log = write(tmp_path / "logs" / "deep" / "a.log", *numbered(0, 1))
        assert bell.wait(LONG)
        while bell.wait(0.2):
            pass
        append(log, *numbered(1, 2))
        assert bell.wait(LONG)
        while bell.wait(0.2):
            pass
        rename(log, "a.log.1")
        assert bell.wait(LONG)
    finally:
        watcher.close()


def test_inputs_that_are_polled_are_not_watched(tmp_path):
    bell = Bell()
    watcher = Watcher(
        [InputSettings("i", (f"{tmp_path}/*",), "raw", watch="poll")], Changes(bell), Sizes(), EventsLog(silent)
    )
    write(tmp_path / "a.log", *numbered(0, 1))
    rung = bell.wait(0.5)
    watcher.close()

    assert not rung
