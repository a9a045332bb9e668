"""Fluent Bit's database of a `tail` input (`DB`): a row for each file, by inode and name, without device."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shipper.errors import UsageError
from shipper.takeover.positions import Position

_FILES = "SELECT name, offset, inode FROM in_tail_files WHERE offset >= 0 AND inode >= 0 ORDER BY id"


def positions(path: Path) -> list[Position]:
    """What a database says of files. UsageError if it is none of Fluent Bit."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            # Where an inode was used again, the row of the file that had it before may stay: the newest counts.
            newest = {
                (inode, Path(name).parent): Position(offset, name, inode) for name, offset, inode in db.execute(_FILES)
            }
    except sqlite3.Error as error:
        raise UsageError(f"{path}: this is no database of Fluent Bit's tail input: {error}") from error
    return list(newest.values())
