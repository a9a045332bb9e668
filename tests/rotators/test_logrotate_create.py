"""A real logrotate that tells the writer of a new file: nothing is lost, while the agent is stopped and killed."""

from __future__ import annotations

import pytest
from support.logrotate import require_logrotate
from support.rotated import (
    BETWEEN,
    LINES,
    RATE,
    SECONDS,
    Rotated,
    live_through,
    numbers_in_order,
    rotations,
)
from support.scene import CLOSED
from support.steady_writer import LINE

TOLD = {
    "create": ["create"],
    "create compress": ["create", "compress"],
    "create dateext delaycompress": ["create", "dateext", "dateformat -%Y%m%d-%s", "compress", "delaycompress"],
    "create maxsize": ["create", "weekly", f"maxsize {BETWEEN * RATE * LINE}", "compress", "delaycompress"],
}
"""The writer is told of a new file. Nothing may be lost."""


@pytest.fixture(autouse=True)
def _installed():
    require_logrotate()


@pytest.mark.slow
@pytest.mark.parametrize("case", TOLD)
def test_where_the_writer_is_told_every_line_is_stored_once_and_in_order(tmp_path, case):
    host = Rotated.of(tmp_path, TOLD[case])
    live_through(host, force="maxsize" not in case)
    sources = [numbers_in_order(messages) for messages in host.agent.sources()]

    assert len(sources) >= SECONDS // (2 * BETWEEN), "it was not rotated"
    assert [number for source in sources for number in source] == list(range(LINES))
    assert host.agent.verdict() == CLOSED


@pytest.mark.slow
def test_files_that_are_moved_out_of_the_glob_are_read_to_their_end_by_an_agent_that_holds_them(tmp_path):
    """Nobody can find such a file again: an agent must have seen it while it had its name, and read it before it is
    stopped."""
    (tmp_path / "old").mkdir()
    host = Rotated.of(tmp_path, ["create", f"olddir {tmp_path}/old"])
    moments = rotations(force=True)
    with host.agent, host.writer:
        for turn, moment in enumerate(moments):
            host.after(moment)
            host.logrotate.rotate()
            # A file that came and went between two looks at the folder would be seen by nobody.
            host.until_stored(0, min(host.writer.written() + 1, LINES))
            if turn % 2 == 0:
                (host.agent.kill if turn else host.agent.stop)()
                host.agent.start()
        host.finish()
    sources = [numbers_in_order(messages) for messages in host.agent.sources()]

    assert [path.name for path in host.agent.logs.iterdir()] == ["app.log"]
    assert len(list((tmp_path / "old").iterdir())) == len(moments)
    assert [number for source in sources for number in source] == list(range(LINES))
    assert host.agent.verdict() == CLOSED
