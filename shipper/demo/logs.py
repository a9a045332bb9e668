"""Log files that grow and rotate: the bundled samples, written piece by piece the way their programs write them."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

Rotate = Callable[[Path], Path]
"""Rotates the file at a path; the path of the next file."""

_STAMP = re.compile(rb"^(?:DATE=|\d\d:\d\d:)", re.MULTILINE)


@dataclass(slots=True)
class ReplayedLog:
    """One log: what is written before and after its rotation, and how it rotates."""

    name: str
    """The input that reads it."""
    path: Path
    first: bytes
    second: bytes
    rotate: Rotate
    manner: str
    """How it rotates, for people."""
    _left: bytes = field(init=False)
    written: int = field(init=False, default=0)
    """Bytes written so far, in both files."""

    def __post_init__(self) -> None:
        self._left = self.first
        self.path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def content(self) -> bytes:
        """Everything written so far; the first file's bytes, then the second's."""
        return (self.first + self.second)[: self.written]

    @property
    def left(self) -> int:
        """Bytes of the present file that are not written yet."""
        return len(self._left)

    @property
    def lines(self) -> int:
        """Complete lines written so far."""
        return self.content.count(b"\n")

    def grow(self, size: int) -> None:
        """Append the next bytes, wherever in a line that ends."""
        piece, self._left = self._left[:size], self._left[size:]
        with self.path.open("ab") as file:
            file.write(piece)
        self.written += len(piece)

    def turn_over(self) -> None:
        """Finish the first file, rotate it and go on with the second."""
        self.grow(self.left)
        self.path = self.rotate(self.path)
        self._left = self.second


def replayed_logs(samples: Path, folder: Path) -> list[ReplayedLog]:
    """The demo's logs below `folder`, none of them begun."""
    gridftp = _halves((samples / "gridftp-transfer.log").read_bytes())
    storm = _halves((samples / "storm-backend.log").read_bytes())
    return [
        ReplayedLog(
            "tstat",
            folder / "tstat" / "2026_11_21_15_16.out" / "log_tcp_complete",
            (samples / "tstat-tcp-complete-16.log").read_bytes(),
            (samples / "tstat-tcp-complete-17.log").read_bytes(),
            next_minute,
            "a new directory",
        ),
        ReplayedLog("gridftp", folder / "gridftp-transfer.log", *gridftp, copy_and_truncate, "copied and truncated"),
        ReplayedLog("storm-backend", folder / "storm-backend.log", *storm, compress_by_day, "renamed and compressed"),
    ]


def next_minute(path: Path) -> Path:
    """As tstat: a new directory, the same file name; the old file stays."""
    following = path.parent.parent / "2026_11_21_15_17.out" / path.name
    following.parent.mkdir()
    return following


def compress_by_day(path: Path) -> Path:
    """As StoRM's logback: renamed to `.tmp`, compressed under the day's name, removed; a new file begins."""
    day = datetime.fromtimestamp(path.stat().st_mtime).astimezone().date()
    old = path.rename(path.with_name(path.name + ".tmp"))
    with old.open("rb") as plain, gzip.open(path.with_name(f"{path.stem}-{day}.log.gz"), "wb") as packed:
        shutil.copyfileobj(plain, packed)
    old.unlink()
    return path


def copy_and_truncate(path: Path) -> Path:
    """As logrotate with `copytruncate`: a copy becomes `.1`; the file itself is emptied and written on."""
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    with path.open("r+b") as file:
        file.truncate()
    return path


def lines_of(path: Path, first: int, last: int) -> list[bytes]:
    """Lines of a file, numbered from 1, plain or compressed: what `zcat -f FILE | sed -n FIRST,LASTp` prints."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return [line for number, line in enumerate(file, 1) if first <= number <= last]


def _halves(content: bytes) -> tuple[bytes, bytes]:
    """Content cut in the middle, where an entry begins."""
    middle = _STAMP.search(content, content.find(b"\n", len(content) // 2) + 1)
    assert middle is not None
    return content[: middle.start()], content[middle.start() :]
