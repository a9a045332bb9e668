"""An agent under measurement: a process, and what the kernel says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


class AgentProcess:
    """A running `shipper run`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._proc = Path("/proc") / str(process.pid)

    def cpu_seconds(self) -> float:
        """User plus system time so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_megabytes(self) -> float:
        """The most memory it had at once (resident)."""
        status = (self._proc / "status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def descriptors(self) -> int:
        """How many files it has open."""
        return len(list((self._proc / "fd").iterdir()))

    def assert_alive(self) -> None:
        """An agent that ended is no measurement."""
        assert self._process.poll() is None, "the agent ended"


@contextmanager
def running_agent(folder: Path, inputs: list[dict[str, Any]], **settings: Any) -> Iterator[AgentProcess]:
    """An agent with a SQLite index `index.db` in the folder."""
    configuration = folder / "shipper.yml"
    output = {"sqlite": {"path": f"{folder}/index.db"}}
    said = {"host": "bench.example.org", "state": f"{folder}/state", "inputs": inputs, "output": output, **settings}
    configuration.write_text(json.dumps(said))
    command = [sys.executable, "-m", "shipper", "run", "-c", str(configuration)]
    with (folder / "agent.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield AgentProcess(process)
        finally:
            process.terminate()
            process.wait()
