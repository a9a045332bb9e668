"""How fast new lines of a live log are indexed while an agent reads up on old ones, and what it takes.

    python bench/backfill.py [--files 20000] [--gigabytes 5] [--seconds 120] [--json]

Before the agent starts there are so many small session logs (GridFTP's `log_unique`), one large transfer log, and a
live log. Then one line every tenth of a second is appended to the live log. A line's latency is the time from its
writing until a reader of the index sees it. Memory and descriptors are those of the agent. If the backlog was read
before the measurement ended, the time was too long to say anything, and the last line says so.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import TextIO

from process import AgentProcess, running_agent
from run import write_log

SESSION = "[{pid}] Tue Mar 17 10:{minute:02d}:{second:02d} 2015 :: New connection from: client{pid}.example.org:{pid}\n"
SESSION_LINES = 12
RECORDS = 100_000
INTERVAL = 0.1
DESCRIPTOR_LIMIT = 512


@dataclass(frozen=True)
class Result:
    """What was seen."""

    lines: int
    seconds_p50: float
    seconds_p99: float
    seconds_max: float
    peak_megabytes: float
    descriptors: int
    backlog_left: bool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_backlog(folder, options.files, int(options.gigabytes * 2**30))
        found = measure(folder, options.seconds)
    if options.json:
        print(json.dumps(asdict(found)))
        return
    print(f"{found.lines:,} lines of a live log while {options.files:,} files and {options.gigabytes} GB wait:")
    waits = f"{found.seconds_p50:.2f} s (p50), {found.seconds_p99:.2f} s (p99), {found.seconds_max:.2f} s (max)"
    print(f"indexed after {waits}")
    print(
        f"peak {found.peak_megabytes:.0f} MB, at most {found.descriptors} descriptors, of them files {DESCRIPTOR_LIMIT}"
    )
    print("the backlog was not finished" if found.backlog_left else "the backlog was FINISHED before the measurement")


def write_backlog(folder: Path, files: int, size: int) -> None:
    """The small files and the large one."""
    sessions = folder / "sessions"
    sessions.mkdir()
    for pid in range(10_000, 10_000 + files):
        lines = [SESSION.format(pid=pid, minute=line, second=pid % 60) for line in range(SESSION_LINES)]
        (sessions / f"gridftp.{pid}.log").write_text("".join(lines))
    large = folder / "gridftp-transfer.log"
    write_log(large, RECORDS)
    block = large.read_bytes()
    with large.open("ab") as file:
        while file.tell() + len(block) < size:
            file.write(block)


def measure(folder: Path, seconds: float) -> Result:
    """Write to the live log, and ask the index what it has, until the time is over and all lines are there."""
    live = folder / "live.log"
    live.write_text("a log that was there before the agent was started\n")
    inputs = [
        {"name": "sessions", "paths": [f"{folder}/sessions/*.log"], "pipeline": "gridftp-session", "timezone": "UTC"},
        {"name": "transfers", "paths": [f"{folder}/gridftp-transfer.log"], "pipeline": "gridftp-transfer"},
        {"name": "live", "paths": [str(live)], "pipeline": "raw", "timezone": "UTC"},
    ]
    with running_agent(folder, inputs, max_open_files=DESCRIPTOR_LIMIT) as agent, live.open("a") as log:
        while not (fingerprint := fingerprint_of_live(folder)):
            agent.assert_alive()
            time.sleep(0.05)
        return watched(agent, folder, fingerprint, log, seconds)


def watched(agent: AgentProcess, folder: Path, fingerprint: str, log: TextIO, seconds: float) -> Result:
    """Line by line: when it was written, and when it was first seen in the index."""
    written: list[float] = []
    seen: list[float] = []
    descriptors = 0
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end or len(seen) < len(written):
        agent.assert_alive()
        if now < end:
            written.append(time.monotonic())
            print(f"line {len(written)} of the live log", file=log, flush=True)
        arrived = indexed(folder, fingerprint) - 1 - len(seen)
        seen += [time.monotonic()] * arrived
        descriptors = max(descriptors, agent.descriptors())
        time.sleep(INTERVAL)
    waits = sorted(arrival - departure for departure, arrival in zip(written, seen, strict=True))
    cuts = quantiles(waits, n=100)
    left = backlog_left(folder)
    return Result(len(waits), cuts[49], cuts[98], waits[-1], agent.peak_megabytes(), descriptors, left)


def fingerprint_of_live(folder: Path) -> str:
    """Under which the live log's documents are stored; empty while the agent has not opened it."""
    state = folder / "state" / "state.db"
    if not state.exists():
        return ""
    with closing(sqlite3.connect(state)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
            return ""
        row = db.execute("SELECT fingerprint FROM files WHERE input = 'live'").fetchone()
        return row[0] if row else ""


def indexed(folder: Path, fingerprint: str) -> int:
    """How many lines of the live log are in the index; they arrive in their order."""
    with closing(sqlite3.connect(folder / "index.db")) as db:
        count: int = db.execute("SELECT COUNT(*) FROM documents WHERE fingerprint = ?", (fingerprint,)).fetchone()[0]
        return max(count, 1)


def backlog_left(folder: Path) -> bool:
    """Whether the large log was not read to its end."""
    with closing(sqlite3.connect(folder / "state" / "state.db")) as db:
        query = "SELECT c.offset FROM checkpoints c JOIN files f ON f.id = c.file WHERE f.input = 'transfers'"
        row = db.execute(query).fetchone()
    return row is None or row[0] < (folder / "gridftp-transfer.log").stat().st_size


if __name__ == "__main__":
    main()
