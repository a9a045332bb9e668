"""A program that writes its logs as tstat does, and the handle that tests have on it.

Its capture comes through stdin, a flow a line: the time of its last packet and its row. Time is packet time only, as
with tstat: what writes nothing rotates nothing. An interval's directory is named by local time (seconds here, minutes
with tstat); one that has that name already is removed with all it holds. The log is there at once, empty; it reaches
the disk in blocks of 4 KiB, its header as well. SIGINT closes it, any other signal is not handled. `-Z` packs it.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import zlib
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from support.buffered_writers import BufferedWriter

LOG = "log_tcp_complete"
TESTS = Path(__file__).parents[1]
SAMPLE = TESTS / "samples/tstat/v3.2.1_rotation/2026_11_21_15_17.out" / LOG
HEADER, *_ROWS = SAMPLE.read_bytes().splitlines(keepends=True)
_PORT, _BYTES = 1, 8  # c_port:2, c_bytes_all:9


def row(number: int) -> bytes:
    """A real row as the row of another flow; no two numbers have the same."""
    values = _ROWS[number % len(_ROWS)].split(b" ")
    values[_PORT] = b"%d" % (1024 + number % 64_000)
    values[_BYTES] = b"%d" % number
    return b" ".join(values)


def text(number: int) -> str:
    """The row as a document's message."""
    return row(number).decode().removesuffix("\n")


class Tstat:
    """The program while it captures below a folder. Packet times are whole seconds since the epoch."""

    def __init__(self, folder: Path, *, interval: int, packed: bool = False, zone: str = "UTC") -> None:
        self._folder = folder
        self._zone = ZoneInfo(zone)
        self._packed = packed
        words = [sys.executable, "-m", "support.tstat", str(folder), str(interval), zone, *(["-Z"] if packed else [])]
        self._process = subprocess.Popen(words, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def captures(self, at: int, first: int, last: int) -> None:
        """Flows of the numbers first <= n < last end at a packet time; returns when tstat has written their rows."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for number in range(first, last):
            self._process.stdin.write(b"%d %s" % (at, row(number)))
            self._process.stdin.flush()
            assert self._process.stdout.readline() == b"written\n"

    def log(self, at: int) -> Path:
        """The log of an interval that began at a packet time."""
        return _folder_of(self._folder, at, self._zone) / (f"{LOG}.gz" if self._packed else LOG)

    def interrupt(self) -> None:
        """SIGINT: it flushes and closes."""
        assert self._ended_by(signal.SIGINT) == 0

    def terminate(self) -> None:
        """SIGTERM, as `systemctl stop` sends it: what was not flushed is lost."""
        assert self._ended_by(signal.SIGTERM) == -signal.SIGTERM

    def _ended_by(self, number: int) -> int:
        self._process.send_signal(number)
        return self._process.wait(timeout=30)


def rows_on_disk(log: Path) -> int:
    """How many whole rows are in a log; in a packed one so many as can be unpacked of it."""
    content = log.read_bytes()
    content = zlib.decompressobj(wbits=31).decompress(content) if log.suffix == ".gz" else content
    return max(0, content.count(b"\n") - 1)


class _Packed:
    """A log that goes through zlib."""

    def __init__(self, path: Path) -> None:
        self._writer = BufferedWriter(path)
        self._packer = zlib.compressobj(wbits=31)

    def write(self, data: bytes) -> None:
        self._writer.write(self._packer.compress(data))

    def close(self) -> None:
        self._writer.write(self._packer.flush())
        self._writer.close()


def _folder_of(folder: Path, at: int, zone: ZoneInfo) -> Path:
    return folder / datetime.fromtimestamp(at, zone).strftime("%Y_%m_%d_%H_%M_%S.out")


def _open(directory: Path, *, packed: bool) -> BufferedWriter | _Packed:
    """Begin an interval, in a directory where nothing is."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    log = _Packed(directory / f"{LOG}.gz") if packed else BufferedWriter(directory / LOG)
    log.write(HEADER)
    return log


def _main(folder: Path, interval: int, zone: ZoneInfo, *, packed: bool) -> None:
    log, end = None, 0
    try:
        for flow in sys.stdin.buffer:
            at, _, line = flow.partition(b" ")
            if log is None or int(at) >= end:
                if log is not None:
                    log.close()
                log, end = _open(_folder_of(folder, int(at), zone), packed=packed), int(at) + interval
            log.write(line)
            print("written", flush=True)  # noqa: T201
    except KeyboardInterrupt:
        pass
    if log is not None:
        log.close()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), ZoneInfo(sys.argv[3]), packed="-Z" in sys.argv)
