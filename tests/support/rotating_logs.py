"""Writers that rotate while they write: many files of GridFTP records, every record distinct."""

from __future__ import annotations

import random
from pathlib import Path

from support.logs import compress, copy_and_truncate

RECORD = (
    "DATE=202611{day:02d}{hour:02d}{minute:02d}{second:02d}.{micro:06d} HOST=dtn01.example.org "
    "PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=202611{day:02d}{hour:02d}{minute:02d}{second:02d}.000000 "
    "USER=alice FILE=/data/file {number} BUFFER=131072 BLOCK=262144 NBYTES={number} VOLUME=/ STREAMS=4 STRIPES=1 "
    "DEST=[192.0.2.{host}] TYPE=RETR CODE=226 TASKID=none retrans=0,0,0,1"
)


def record(number: int) -> str:
    """One record; a bijection from numbers to lines."""
    rest, second = divmod(number // 1000, 60)
    rest, minute = divmod(rest, 60)
    day, hour = divmod(rest, 24)
    micro = number % 1000 * 1000
    return RECORD.format(
        number=number, day=1 + day, hour=hour, minute=minute, second=second, micro=micro, host=number % 250
    )


class RotatingLogs:
    """So many logs in a folder, written in turn; each is renamed now and then, older ones are compressed."""

    def __init__(self, folder: Path, files: int, seed: int, *, copied: float = 0.1) -> None:
        """`copied` is the share of rotations that copy and truncate."""
        self._random = random.Random(seed)
        self._copied = copied
        self._paths = [folder / f"gridftp-transfer-{number:02d}.log" for number in range(files)]
        self._rotations = dict.fromkeys(self._paths, 0)
        self.written = 0
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, lines: int) -> None:
        """Append so many records in bursts, rotating on the way."""
        left = lines
        while left:
            burst = min(left, self._random.randint(1, 400))
            path = self._random.choice(self._paths)
            data = "".join(record(self.written + n) + "\n" for n in range(burst)).encode()
            middle = self._random.randint(0, len(data))
            with path.open("ab", buffering=0) as file:  # a reader can meet half a line
                file.write(data[:middle])
                file.write(data[middle:])
            self.written += burst
            left -= burst
            if self._random.random() < 0.08:
                self._rotate(path)

    def _rotate(self, path: Path) -> None:
        self._rotations[path] += 1
        number = self._rotations[path]
        old = path.with_name(f"{path.name}.{number}")
        if self._random.random() < self._copied:
            copy_and_truncate(path, old.name)
        else:
            path.rename(old)
        before = path.with_name(f"{path.name}.{number - 1}")
        if before.exists():
            compress(before)
