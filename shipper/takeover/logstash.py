"""Logstash's sincedb: a line for each file, `inode major minor position [time path]`."""

from __future__ import annotations

import os
from pathlib import Path

from shipper.errors import UsageError
from shipper.takeover.positions import Position

_WITHOUT_PATH, _WITH_PATH = 4, 6


def positions(path: Path) -> list[Position]:
    """What a sincedb says of files. UsageError if it is none."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such sincedb. Logstash names its own .sincedb_…; see `sincedb_path`.")
    lines = enumerate(path.read_text(errors="surrogateescape").splitlines(), start=1)
    return [_position(path, number, line) for number, line in lines if line.strip()]


def _position(file: Path, number: int, line: str) -> Position:
    parts = line.split(maxsplit=_WITH_PATH - 1)
    numbers = parts[:_WITHOUT_PATH]
    if len(parts) not in (_WITHOUT_PATH, _WITH_PATH) or not all(part.isdecimal() for part in numbers):
        raise UsageError(f"{file}:{number}: this is no line of a sincedb: inode major minor position [time path].")
    inode, major, minor, offset = map(int, numbers)
    return Position(offset, parts[-1] if len(parts) == _WITH_PATH else "", inode, _devices(major, minor))


def _devices(major: int, minor: int) -> frozenset[int]:
    """What the two may mean: under JRuby the minor number may hold the whole device, with 0 before it."""
    try:
        return frozenset({os.makedev(major, minor), major << 24 | minor})
    except OverflowError:
        return frozenset({major << 24 | minor})
