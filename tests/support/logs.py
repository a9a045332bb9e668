"""What happens to log files, as verbs."""

import gzip
import os
import shutil
from pathlib import Path


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line.encode() + b"\n" for line in lines))
    return path


def append(path: Path, *lines: str) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line.encode() + b"\n" for line in lines))


def numbered(first: int, last: int, name: str = "line") -> list[str]:
    """Distinct lines, each longer than a head needs."""
    return [f"{name} {number:06d} of a log that is long enough to be told from others" for number in range(first, last)]


def rename(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def compress(path: Path) -> Path:
    target = path.with_name(path.name + ".gz")
    with path.open("rb") as source, gzip.open(target, "wb") as sink:
        shutil.copyfileobj(source, sink)
    status = path.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    return target


def copy_and_truncate(path: Path, name: str) -> Path:
    target = path.with_name(name)
    shutil.copyfile(path, target)
    os.truncate(path, 0)
    return target


def replace_in_place(path: Path, *lines: str) -> None:
    """Other content under the same inode, longer or shorter."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(b"".join(line.encode() + b"\n" for line in lines))
