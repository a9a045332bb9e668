"""The output is away while a lot is written: the agent's memory stays bounded, and all is delivered after.

`SHIPPER_MEMORY_MB` changes how much is written, `SHIPPER_AWAY_SECONDS` for how long the output is away at least.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from support.bulk_faults import whole
from support.bulk_server import BulkServer
from support.logs import append
from support.running import Running

MEGABYTES = int(os.environ.get("SHIPPER_MEMORY_MB", "200"))
AWAY = float(os.environ.get("SHIPPER_AWAY_SECONDS", "0"))
FILES = 4
LINE = 1000
LIMIT = 150 << 20
"""Bytes of resident memory."""


class Away:
    """Answers 503 to every request as long as it is asked to."""

    def __init__(self, server: BulkServer) -> None:
        self.server = server
        self.on = True
        self.refused = 0
        server.script.append(self)

    def __call__(self, exchange) -> None:
        if self.on:
            self.refused += 1
            self.server.script.append(self)
            whole(503)(exchange)
        else:
            exchange.answer_items(exchange.store())
            for creation in exchange.creations:  # this process has memory, too
                self.server.stored[creation.index, creation.id] = b""


def peak(process: int) -> int:
    """The most memory that a process ever held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def test_memory_stays_bounded_while_the_output_is_away_and_all_is_delivered_after(tmp_path):
    count, began = (MEGABYTES << 20) // LINE, time.monotonic()
    with BulkServer() as server:
        away = Away(server)
        running = Running(tmp_path, output={"elasticsearch": {"hosts": [server.url]}}, batch_age="1s")
        with running:
            for begin in range(0, count, 20_000):
                for file in range(FILES):
                    numbers = range(begin + file, min(begin + 20_000, count), FILES)
                    append(running.logs / f"{file}.log", *(f"{number:09d} ".ljust(LINE - 1, "x") for number in numbers))
            running.until(lambda: away.refused >= 2 and time.monotonic() - began >= AWAY, 60 + AWAY)
            running.until(lambda: running.ask("status", code=None)["totals"]["lag_bytes"] > (MEGABYTES - 100) << 20)
            running.until(lambda: "output" in [stall["scope"] for stall in running.ask("status", code=None)["stalls"]])
            away.on = False
            running.until(lambda: len(server.stored) >= count, 60 + MEGABYTES)
            assert running.process is not None
            most = peak(running.process.pid)
            running.stop()
        done = running.once()
        print(f"{MEGABYTES} MB were written while the output was away: at most {most >> 20} MiB of memory")  # noqa: T201
        assert most < LIMIT
        assert (done["stored"], done["pending_lines"], len(server.stored)) == (0, 0, count)
        assert sum(server.bulk_sizes) < 2 * count
