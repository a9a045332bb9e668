"""Copies of the state: one a day is kept beside it; one can be put back. Nothing is ever overwritten or deleted."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from shipper.commit.database import FILE_NAME, Database, explained

COPY_NAME = f"{FILE_NAME}.backup"
_PARTS = ("", "-wal", "-shm")
"""Endings of the files that SQLite makes of a database."""


def keep_copy(database: Database) -> str:
    """Make the copy anew, all of one moment; at every moment there is a whole one.

    The reason if that failed, for example for lack of room: then the one before stays, and the agent goes on.
    """
    database.flush()
    target = database.path.with_name(COPY_NAME)
    try:
        _copy(database, target)
    except (sqlite3.Error, OSError) as error:
        return f"{target}: {error}"
    return ""


def restore(folder: Path, copy: Path, now: float) -> Path | None:
    """Put a copy in the place of the state; what was there is kept under another name, which is returned.

    The copy is checked first and stays as it is. Raises StateError. The caller holds the lock.
    """
    checked = Database.look_at(copy)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = folder / f"{FILE_NAME}.restored"
    with closing(checked.connection), explained(copy):
        _copy(checked, made)
    aside = move_aside(folder, now)
    made.rename(folder / FILE_NAME)
    return aside


def move_aside(folder: Path, now: float) -> Path | None:
    """Give the state, whatever is wrong with it, another name; None where there is none."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = folder / f"{FILE_NAME}.replaced-{stamp}"
    if not any((folder / (FILE_NAME + part)).exists() for part in _PARTS):
        return None
    number = 1
    while aside.exists():
        number += 1
        aside = folder / f"{FILE_NAME}.replaced-{stamp}-{number}"
    for part in _PARTS:
        path = folder / (FILE_NAME + part)
        if path.exists():
            path.rename(aside.with_name(aside.name + part))
    return aside


def _copy(database: Database, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as made:
            database.connection.backup(made)
    except sqlite3.Error:
        part.unlink()  # on a full disk it must not take the last room
        raise
    part.chmod(0o600)
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.rename(target)
