"""A program that logs numbered lines at a steady rate, as daemons do, and the handle that tests have on it.

It appends (O_APPEND), opens its log anew on SIGHUP, and tells that it did by removing the file `reopen` beside its
progress. Torn, it writes pieces that end anywhere, and the rest later, as programs do that buffer what they write;
otherwise whole lines at a time, as syslog daemons do.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from support.edited_site import until

LINE = 100
"""Bytes of a line with its newline."""
TICK = 0.005
"""Seconds between two writes."""


def line(number: int) -> bytes:
    """One line; no two numbers have the same, and what follows the number depends on it."""
    filler = b"%020d" % (number * 0x9E3779B97F4A7C15 % 10**20)
    return b"%010d %s\n" % (number, (filler * 5)[: LINE - 12])


def number_of(text: str) -> int:
    """The number of a whole line's text. Raises ValueError if it is none that was written."""
    number = int(text[:10])
    if line(number) != text.encode() + b"\n":
        raise ValueError(text)
    return number


def is_whole(text: str) -> bool:
    """Whether it is a line, and no piece of one."""
    return len(text) == LINE - 1


class SteadyWriter:
    """The program while it runs; leaving the block kills it."""

    def __init__(self, folder: Path, log: Path, rate: int, lines: int, *, torn: bool) -> None:
        self.lines = lines
        self.reopen = folder / "reopen"
        self.pid = folder / "pid"
        self._progress = folder / "progress"
        self._progress.write_text("0")
        self._words = [str(log), str(folder), str(rate), str(lines), "torn" if torn else "whole"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "support.steady_writer", *self._words]
        self._process = subprocess.Popen(words, cwd=Path(__file__).parents[1])
        self.pid.write_text(str(self._process.pid))
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def written(self) -> int:
        """How many lines have been written."""
        assert self._process is not None
        assert self._process.poll() in (None, 0), "the writer failed"
        return int(self._progress.read_text() or 0)

    def finish(self, seconds: float) -> None:
        """Wait until everything was written, and end the program, which would wait to be told of another file."""
        assert self._process is not None
        until(lambda: self.written() == self.lines, seconds)
        self._process.terminate()
        assert self._process.wait(timeout=seconds) == 0


def _write(log: Path, folder: Path, rate: int, lines: int, moments: random.Random | None) -> None:
    """What the program does: after each tick the lines that are due, on SIGHUP another file, on SIGTERM the end."""
    asks = {signal.SIGHUP, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, asks)
    progress = os.open(folder / "progress", os.O_WRONLY)
    file = log.open("ab", buffering=0)
    begin, written, held = time.monotonic(), 0, b""
    asked = None
    while asked is None or asked.si_signo == signal.SIGHUP:
        due = min(lines, int((time.monotonic() - begin) * rate))
        held += b"".join(map(line, range(written, due)))
        end = moments.randrange(len(held)) if moments and held and due < lines else len(held)
        if end:
            assert file.write(held[:end]) == end
        written, held = due, held[end:]
        os.pwrite(progress, b"%d" % written, 0)
        asked = signal.sigtimedwait(asks, TICK)
        if asked:
            file.write(held)
            file.close()
            held = b""
            file = log.open("ab", buffering=0)
            (folder / "reopen").unlink(missing_ok=True)


if __name__ == "__main__":
    path, beside, *numbers, how = sys.argv[1:]
    _write(Path(path), Path(beside), *map(int, numbers), random.Random(1) if how == "torn" else None)
