"""A site that never rests: a hundred logs of several kinds, written at a steady rate and rotated in every way that
loses nothing, and an agent as a process of its own on them.

What is written is never torn from what is rotated: one thread does both, so every line reaches a file that stays until
the agent holds it. Any finding of an audit is a false one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.logs import compress, rename
from support.rotating_logs import RotatingLogs
from support.running import Running
from support.tstat import HEADER, LOG, row

RATE = 5_000
"""Lines a second, all logs together."""
TICK = 0.02
"""Seconds between two turns of the writer."""
GRIDFTP, STORM, TSTAT = 60, 20, 20
"""Logs of each kind."""
DEADLINE = 300.0


class StormLogs:
    """Logs of StoRM's backend: events of one line and of several, no dates; rotated by renaming and compressing."""

    def __init__(self, folder: Path, files: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._paths = [folder / f"{number:02d}" / "storm-backend.log" for number in range(files)]
        self._rotations = dict.fromkeys(self._paths, 0)
        self.written = 0
        for path in self._paths:
            path.parent.mkdir(parents=True)

    def write(self, lines: int) -> None:
        """Append so many lines or a few more; rotate now and then."""
        end = self.written + lines
        while self.written < end:
            path = self._random.choice(self._paths)
            with path.open("ab", buffering=0) as file:
                for _ in range(self._random.randint(1, 20)):
                    event = self._event()
                    self.written += len(event)
                    file.write("".join(event).encode())
            if self._random.random() < 0.01:
                self._rotate(path)

    def _event(self) -> list[str]:
        number, now = self.written, time.gmtime()
        at = f"{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02}.{number % 1000:03}"
        first = f"{at} - INFO [xmlrpc-{number}] - srmPing: Request {number} done with: [status: SRM_SUCCESS: ]\n"
        length = self._random.choice((0, 0, 0, 3))
        return [first, *(f"\tat Harness.call{number}(Harness.java:{line})\n" for line in range(length))]

    def _rotate(self, path: Path) -> None:
        """As logback does: renamed, then packed."""
        if not path.exists():
            return
        self._rotations[path] += 1
        old = rename(path, f"{path.name}.{self._rotations[path]}")
        if self._random.random() < 0.5:
            compress(old)


class TstatLogs:
    """Sensors that begin a new directory now and then, or wipe the one they have and make it again under its name."""

    def __init__(self, folder: Path, sensors: int, seed: int, held: Callable[[Path], bool]) -> None:
        self._random = random.Random(seed)
        self._held = held
        """Whether the agent has a file open: then it may go, and is read to its end all the same."""
        self._logs = [folder / f"sensor-{number:02d}" / "0000.out" / LOG for number in range(sensors)]
        self._old: list[Path] = []
        self.written = 0
        self.wiped: set[Path] = set()
        """Logs that are on no disk any more."""
        for log in self._logs:
            self._begin(log)

    def write(self, lines: int) -> None:
        """Append so many rows; rotate now and then."""
        end = self.written + lines
        while self.written < end:
            number = self._random.randrange(len(self._logs))
            log, burst = self._logs[number], min(end - self.written, self._random.randint(1, 60))
            with log.open("ab", buffering=0) as file:
                file.write(b"".join(row(self.written + n) for n in range(burst)))
            self.written += burst
            if self._random.random() < 0.03:
                self._logs[number] = self._rotated(log)

    def _rotated(self, log: Path) -> Path:
        """The log that is written to from now on."""
        if self._random.random() < 0.5 and self._held(log):
            return self._begin(log)
        self._old.append(log)
        if len(self._old) > 5:
            self._clean(self._old.pop(0))
        number = int(log.parent.stem) + 1
        return self._begin(log.parents[1] / f"{number:04d}.out" / LOG)

    def _begin(self, log: Path) -> Path:
        if log.parent.exists():
            self._wipe(log)
        log.parent.mkdir(parents=True)
        log.write_bytes(HEADER)
        return log

    def _clean(self, log: Path) -> None:
        """Old directories are packed or removed."""
        if self._random.random() < 0.5 and self._held(log):
            self._wipe(log)
        else:
            compress(log)

    def _wipe(self, log: Path) -> None:
        shutil.rmtree(log.parent)
        self.wiped.add(log)


class LiveSite:
    """The logs, the thread that writes them and the agent that ships them."""

    def __init__(self, folder: Path, *, seed: int, output: dict[str, Any] | None = None, copied: float = 0.0) -> None:
        logs = folder / "logs"
        inputs = [
            {"name": "gridftp", "paths": [f"{logs}/gridftp/*.log*"], "pipeline": "gridftp-transfer"},
            {"name": "storm", "paths": [f"{logs}/storm/*/*.log*"], "pipeline": "storm-backend", "timezone": "UTC"},
            {"name": "tstat", "paths": [f"{logs}/tstat/*/*.out/{LOG}*"], "pipeline": "tstat-tcp"},
        ]
        settings = {} if output is None else {"output": output}
        self.agent = Running(folder, inputs, batch_age="200ms", **settings)
        self._gridftp = RotatingLogs(logs / "gridftp", GRIDFTP, seed, copied=copied)
        self._storm = StormLogs(logs / "storm", STORM, seed)
        self._tstat = TstatLogs(logs / "tstat", TSTAT, seed, self._is_held)
        self._over = threading.Event()
        self.limit = 0
        """Lines after which the writer waits, so that a host that is slow for other reasons is not overrun."""

    @property
    def written(self) -> int:
        """Lines so far, without the headers of tstat, which are filtered."""
        return self._gridftp.written + self._storm.written + self._tstat.written

    @property
    def wiped(self) -> set[str]:
        """Paths of logs that were deleted after the agent had opened them; others may have the names by now."""
        return set(map(str, self._tstat.wiped))

    @contextmanager
    def living(self) -> Iterator[None]:
        """The agent runs and logs grow until the block is left; then the agent ships all that was written and ends."""
        with self.agent, ThreadPoolExecutor(1) as pool:
            writer = pool.submit(self._write)
            try:
                yield
            finally:
                self._over.set()
            writer.result()
            self.agent.until(lambda: self.shipped() == self.written, DEADLINE)
            self.agent.stop()

    def shipped(self) -> int:
        """Lines that the index holds, as the quickest audit says."""
        return self.audit("--level", "ledger")["totals"]["indexed"]

    def audit(self, *options: str) -> dict[str, Any]:
        """The report of an audit as a process of its own."""
        done = self.agent.run("audit", *options, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def _write(self) -> None:
        begin = time.monotonic()
        while not self._over.wait(TICK):
            begin = max(begin, time.monotonic() - self.limit / RATE)
            due = int((time.monotonic() - begin) * RATE) - self.written
            if due > 0:
                self._gridftp.write(due * 3 // 5)
                self._storm.write(due // 5)
                self._tstat.write(due // 5)

    def _is_held(self, log: Path) -> bool:
        assert self.agent.process is not None
        folder = Path(f"/proc/{self.agent.process.pid}/fd")
        for link in folder.iterdir():
            try:
                if str(link.readlink()) == str(log) and os.path.samestat(link.stat(), log.stat()):
                    return True
            except FileNotFoundError:
                continue
        return False


def false_findings(site: LiveSite, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that an audit says of such a site and should not.

    Without the state nobody can tell what became of a log that was deleted: that alone an audit must say.
    """
    return [
        finding
        for finding in report["findings"]
        if finding["cause"] != "file gone and no ledger vouches" or finding["path"] not in site.wiped
    ]
