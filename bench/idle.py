"""What an agent costs that has nothing to do.

    python bench/idle.py [--files 1000] [--seconds 60] [--json]

So many files of a hundred lines are read to their ends; then the processor time of the agent is measured over so many
seconds in which nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from process import running_agent

LINES = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    share, megabytes = measure(options.files, options.seconds)
    if options.json:
        print(json.dumps({"files": options.files, "cpu_percent": round(share, 3), "peak_megabytes": round(megabytes)}))
    else:
        print(f"{options.files:,} files, idle for {options.seconds:.0f} s: {share:.2f} % CPU, peak {megabytes:.0f} MB")


def measure(files: int, seconds: float) -> tuple[float, float]:
    """Per cent of one processor, and the peak of memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = folder / "logs"
        logs.mkdir()
        for number in range(files):
            (logs / f"{number}.log").write_text("".join(f"file {number} line {line}\n" for line in range(LINES)))
        inputs = [{"name": "logs", "paths": [f"{logs}/*.log"], "pipeline": "raw", "timezone": "UTC"}]
        with running_agent(folder, inputs) as agent:
            while stored(folder / "index.db") < files * LINES:
                agent.assert_alive()
                time.sleep(0.5)
            time.sleep(5)  # the last checkpoints
            before = agent.cpu_seconds()
            time.sleep(seconds)
            return (agent.cpu_seconds() - before) / seconds * 100, agent.peak_megabytes()


def stored(index: Path) -> int:
    """Documents in the index."""
    if not index.exists():
        return 0
    with closing(sqlite3.connect(index)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchone():
            return 0
        count: int = db.execute("SELECT COUNT(*) FROM documents").fetchone()[0]
        return count


if __name__ == "__main__":
    main()
