"""A host whose log a real logrotate rotates under a writer of 20,000 lines a second, and an agent that goes down now
and then. What is printed shows how far the agent had followed.

`SHIPPER_ROTATE_SECONDS` (10) says how long a story goes on.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from support.edited_site import until
from support.logrotate import Logrotate
from support.running import Running
from support.steady_writer import SteadyWriter, is_whole, line, number_of

SECONDS = int(os.environ.get("SHIPPER_ROTATE_SECONDS", "10"))
RATE = 20_000
LINES = RATE * SECONDS
BETWEEN = 2
"""Seconds between two rotations."""
DEADLINE = 60.0 + 2 * SECONDS


@dataclass
class Rotated:
    """A host with a writer, a rotator and an agent."""

    agent: Running
    writer: SteadyWriter
    logrotate: Logrotate
    told: bool
    """Whether the writer is told of a new file: then every line reaches a file that stays."""

    @classmethod
    def of(cls, folder: Path, directives: list[str], *, torn: bool = True) -> Rotated:
        one = {"name": "logs", "paths": [f"{folder}/logs/app.log*"], "pipeline": "raw", "timezone": "UTC"}
        agent = Running(folder, [one], batch_age="1s")
        agent.logs.chmod(0o755)  # logrotate refuses a folder that a group may write to
        told = "copytruncate" not in directives
        log = agent.logs / "app.log"
        writer = SteadyWriter(folder, log, RATE, LINES, torn=torn)
        return cls(
            agent, writer, Logrotate(folder, log, directives, (writer.reopen, writer.pid) if told else None), told
        )

    def after(self, seconds: float) -> None:
        """Wait until so much was written."""
        until(lambda: self.writer.written() >= seconds * RATE, DEADLINE)

    def until_stored(self, first: int, last: int) -> None:
        """Wait for the lines of the numbers first <= n < last; each look takes only what came since the one before."""
        looked_at = arrived = 0

        def all_have_arrived() -> bool:
            nonlocal looked_at, arrived
            with closing(sqlite3.connect(self.agent.index)) as db:
                end, more = db.execute(
                    "SELECT MAX(rowid), SUM(document ->> '$.message' >= ? AND document ->> '$.message' < ?) "
                    "FROM documents WHERE rowid > ?",
                    (f"{first:010d}", f"{last:010d}", looked_at),
                ).fetchone()
            looked_at, arrived = end or looked_at, arrived + (more or 0)
            return arrived == last - first

        self.agent.until(all_have_arrived, DEADLINE)

    def finish(self) -> None:
        """The writer ends; the agent catches up with what has a name, and is stopped."""
        self.writer.finish(DEADLINE)
        print(f"{self.agent.count()} of {LINES} lines were stored when the writer ended")  # noqa: T201
        begin = time.monotonic()
        # The last line may have been lost as others are: between a copy and the truncation.
        last = LINES if self.told else max(numbers_on_disk(self.agent.logs)) + 1
        self.until_stored(0 if self.told else last - 1, last)
        print(f"the last line was stored {time.monotonic() - begin:.1f} s later")  # noqa: T201
        self.agent.stop()
        self.agent.once()


def rotations(*, force: bool) -> list[float]:
    """When logrotate is run; where a size decides, it is run often."""
    step = BETWEEN if force else 0.5
    return [step * number for number in range(1, int(SECONDS / step))]


def live_through(host: Rotated, *, force: bool = True) -> None:
    """Rotations, one while the agent is down and one right before it is killed."""
    moments = rotations(force=force)
    stopped, killed = moments[len(moments) // 3], moments[2 * len(moments) // 3]
    with host.agent, host.writer:
        for moment in moments:
            host.after(moment)
            if moment == stopped:
                host.agent.stop()
            host.logrotate.rotate(force=force)
            if moment == stopped:
                host.after(moment + 0.4)
                host.agent.start()
            elif moment == killed:
                host.agent.kill()
                host.agent.start()
        host.finish()


def numbers_on_disk(folder: Path) -> set[int]:
    """The numbers of all whole lines that are in files now. No line is in two of them."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    contents = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]
    lines = [text.decode() for content in contents for text in content.split(b"\n")]
    numbers = [number_of(text) for text in lines if is_whole(text)]
    assert len(set(numbers)) == len(numbers)
    return set(numbers)


def numbers_in_order(messages: list[str]) -> list[int]:
    """The numbers of a source's lines, none of which may be missing between two others or come too late."""
    numbers = [number_of(text) for text in messages]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return numbers


def without_pieces(messages: list[str]) -> list[str]:
    """A source's whole lines.

    A packed copy may break off within a line. Of a writer that buffers, the rest of it begins the file that goes on.
    """
    whole = [text for text in messages if is_whole(text)]
    pieces = [text for text in messages if not is_whole(text)]
    assert len(pieces) <= 2
    known = range(max(0, number_of(whole[0]) - RATE), number_of(whole[-1]) + 2)
    assert all(any(text in line(number).decode() for number in known) for text in pieces)
    return whole
