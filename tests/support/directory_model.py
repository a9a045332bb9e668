"""A folder of logs that rotate, vanish and come back, an agent that follows them, and a list of what must come out.

The model knows nothing of inodes, heads or chains. It reads the folder after every step:

* `possible`: how often each line was ever seen within one file; more documents than that are doubles.
* `certain`: lines that were complete, under a name that the input matches, when a running agent was given time. They
  must be in the index at the end, whatever happened to the files before or after.

A line that vanished before any agent had time for it is in neither promise: it may be stored or not.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

from shipper.settings import InputSettings
from support.scene import Live, Scene

HEADER = "#15#c_ip:1 c_port:2 c_pkts_all:3"
"""The same first line in every file, as tstat writes it."""
NAMES = ("a.log", "b.log", "deep/c.log")
RESCAN = 60.0
"""Seconds between two looks of the agent."""
LONG_QUIET = 700.0
"""Seconds after which half lines of files without a name, and replaced files, are given up."""


class Folder:
    """The logs, and those who write, rotate and damage them."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.elsewhere = folder / "elsewhere"
        self.logs.mkdir(parents=True)
        self.elsewhere.mkdir()
        self._number = 0
        self._moved = 0
        self.possible: Counter[str] = Counter()

    def line(self, kind: str = "line") -> str:
        """A text that no other line has, long enough to identify a file."""
        self._number += 1
        return f"{kind} {self._number:05d} of the story of a rotating folder"

    def append(self, name: str, text: str) -> None:
        """Write at the end, as one write; a new file gets the header."""
        path = self.logs / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            text = f"{HEADER}\n{text}"
        with path.open("ab") as file:
            file.write(text.encode())

    def free_name(self, name: str, kind: str) -> Path:
        """A name beside a log that nothing has or had."""
        self._moved += 1
        return self.logs / f"{name}.{kind}{self._moved}"

    def cascade(self, name: str) -> None:
        """As logrotate with `rotate 2`: .1 becomes .2, what was .2 is gone, the log becomes .1."""
        first, second = self.logs / f"{name}.1", self.logs / f"{name}.2"
        if first.exists():
            first.replace(second)
        (self.logs / name).replace(first)

    def compress(self, path: Path) -> None:
        """As logrotate with `compress`: the whole archive, then the log is unlinked."""
        archive = path.with_name(path.name + ".gz")
        archive.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    def copy_truncate(self, name: str) -> None:
        """As logrotate with `copytruncate`."""
        shutil.copyfile(self.logs / name, self.free_name(name, "copy"))
        os.truncate(self.logs / name, 0)

    def begin_again(self, name: str, keep: int, lines: list[str]) -> None:
        """The same inode, the same first lines, then something else: a writer that was restarted on its log."""
        path = self.logs / name
        kept = b"".join(path.read_bytes().splitlines(keepends=True)[:keep])
        if not kept.endswith(b"\n"):
            kept = b""
        with path.open("r+b") as file:
            file.truncate(0)
            file.write(kept + "".join(f"{line}\n" for line in lines).encode())

    def point_link(self, name: str) -> None:
        """A symbolic link to the log that is current."""
        link = self.logs / "current.log"
        link.unlink(missing_ok=True)
        link.symlink_to(self.logs / name)

    def wipe(self) -> None:
        """As tstat with a directory of equal name: all that is in it goes, and it is made anew."""
        shutil.rmtree(self.logs / "deep", ignore_errors=True)
        (self.logs / "deep").mkdir()

    def files(self) -> list[Path]:
        """The logs and archives that are there, without links."""
        return sorted(path for path in self.logs.rglob("*") if path.is_file() and not path.is_symlink())

    def existing(self) -> list[str]:
        """The names that writers use and that are there."""
        return [name for name in NAMES if (self.logs / name).exists()]

    def look(self) -> Counter[str]:
        """How often each complete line stands in one file now; takes note of it as possible."""
        seen: Counter[str] = Counter()
        for path in self.files():
            seen |= complete_lines(path)
        self.possible |= seen
        return seen


def complete_lines(path: Path) -> Counter[str]:
    """The lines of a file or archive, without headers and without half a line at the end."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return Counter(line for line in text.split("\n")[:-1] if not line.startswith("#"))


_WHOLE_LINES = """
SELECT document ->> '$.message' FROM documents
WHERE NOT EXISTS (SELECT 1 FROM json_each(document, '$.tags') WHERE value = '_line_incomplete')
"""


class Follower:
    """An agent under a virtual clock that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        item = InputSettings("logs", (f"{folder}/logs/**/*",), "raw", timezone="UTC")
        self.scene = Scene(folder, item)
        # Small batches: what was sent and not committed is sent again after a kill. Few looks: stories take minutes.
        self.scene.with_settings(batch_documents=3, rescan=RESCAN)
        self._running = ExitStack()
        self.live: Live | None = None

    def start(self) -> None:
        """Start it, if it is not running."""
        if self.live is None:
            self.live = self._running.enter_context(self.scene.live())

    def kill(self) -> None:
        """End it in the middle: nothing is settled or committed any more."""
        self._running.close()
        self.live = None

    def work_and_die(self) -> None:
        """Read and send everything that is there, and die before any of it is committed."""
        self.start()
        assert self.live is not None
        self.live.read_once()
        self.kill()

    def catch_up(self, seconds: float) -> None:
        """Let it run for so long; then it has settled what it read."""
        self.start()
        assert self.live is not None
        self.live.catch_up(seconds)

    def stored(self) -> Counter[str]:
        """How often each line is in the index, without headers and the halves of lines that were given up."""
        with closing(sqlite3.connect(self.scene.folder / "index.db")) as db:
            messages = db.execute(_WHOLE_LINES).fetchall()
        return Counter(message for (message,) in messages if not message.startswith("#"))
