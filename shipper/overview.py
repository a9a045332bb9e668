"""State and disk side by side, also while an agent works: what `status` shows. Reads only."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from shipper.commit.database import Database
from shipper.commit.state import Stall, State
from shipper.errors import SourceError, StateError
from shipper.operate.status import (
    Buckets,
    FileState,
    FileStatus,
    Look,
    Totals,
    file_status,
    gap_end,
    ledgers,
    totals,
    unidentified_status,
)
from shipper.read.discover import Found, discover
from shipper.read.files import Content, open_found
from shipper.read.identity import fingerprint_of
from shipper.records import FileRow
from shipper.settings import InputSettings, Settings
from shipper.shared_lines import SharedLines

_TAIL = 64 * 1024
LOCK_NAME = "agent.lock"

_Key = tuple[str, int, int]
"""Input, device, inode."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that `status` tells."""

    host: str
    state: Path
    output: str | None
    """Identity of the output that the numbers are for; None while nothing was ever sent."""
    other_outputs: tuple[str, ...]
    files: tuple[FileStatus, ...]
    totals: Totals
    stalls: tuple[Stall, ...] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    """Documents by category of refusal."""


def overview(settings: Settings) -> Overview:
    """State and disk as they are now. Raises StateError where the state cannot be read."""
    with looking(settings) as seen:
        if seen is None:
            files = tuple(_unknown_files(settings, _present(settings.inputs)))
            return Overview(settings.host, settings.state, None, (), files, totals(files, [], {}, _nothing_shared))
        return _overview(settings, *seen)


@contextmanager
def looking(settings: Settings) -> Iterator[tuple[State, str | None] | None]:
    """The state of one moment and the output it is seen for; None where there is no state."""
    folder = settings.state
    if folder.exists() and not folder.is_dir():
        raise StateError(f"{folder}: the state must be a folder, and this is a file.")
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        raise StateError(f"{folder}: this user may not look into the state; run the command as the agent's user.")
    database = Database.open_read_only(folder)
    if database is None:
        yield None
        return
    with closing(database.connection):
        # One read transaction: checkpoints, ledger and dead letters of the same moment.
        database.connection.execute("BEGIN")
        state = State(database, settings.host)
        chosen = state.output_in_use()
        if chosen is not None:
            state.look_at_output(chosen)
        yield state, chosen


def agent_runs(folder: Path) -> bool:
    """Whether an agent holds the state now; a look that changes nothing and does not wait."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _overview(settings: Settings, state: State, chosen: str | None) -> Overview:
    present = _present(settings.inputs)
    rows = state.files.all()
    ledger = ledgers(state.ledger())
    looks = _looks(rows, present)
    dead = state.dead_letters.categories()
    shared = SharedLines(settings.host, looks, state.definitions(), dead, settings.parse_timeout)
    files = _known_files(rows, looks, ledger, shared) + list(_unknown_files(settings, present))
    return Overview(
        host=settings.host,
        state=settings.state,
        output=chosen,
        other_outputs=tuple(name for name in state.outputs() if name != chosen),
        files=tuple(sorted(files, key=lambda file: (file.input, file.path))),
        totals=totals(files, rows, ledger, shared),
        stalls=tuple(state.stalls()),
        dead_letters=dict(sorted(Counter(dead.values()).items())),
    )


def _known_files(
    rows: Sequence[FileRow], looks: Mapping[int, Look], ledger: Mapping[int, Buckets], shared: SharedLines
) -> list[FileStatus]:
    kept = {row.id for row in rows if _kept_by_a_copy(row, rows, shared)}
    known = [(row.id, file_status(row, looks[row.id], ledger.get(row.id, {}))) for row in rows]
    return [replace(status, lost_bytes=0) if number in kept else status for number, status in known]


def _kept_by_a_copy(row: FileRow, rows: Sequence[FileRow], shared: SharedLines) -> bool:
    """Whether what this file lost, for example by copy and truncate, was read from a file that continues it."""
    end = gap_end(row)
    if end is None:
        return False
    further = (other for other in rows if other.fingerprint == row.fingerprint and other.offset >= end)
    return any(shared(other, row) is None for other in further if other.id != row.id)


def _present(inputs: Sequence[InputSettings]) -> dict[_Key, Found]:
    return {
        (settings.name, found.status.st_dev, found.status.st_ino): found
        for settings in inputs
        for found in discover(settings)
    }


def _looks(rows: Sequence[FileRow], present: dict[_Key, Found]) -> dict[int, Look]:
    """A look at each row's file; takes what a row stands for out of `present`."""
    looks = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        found = present.pop((row.input, row.device, row.inode), None)
        looks[row.id] = Look(row.current_path, gone=True) if found is None else _look(found, row.offset)
    return looks


def _look(found: Found, offset: int) -> Look:
    path, size = str(found.path), found.status.st_size
    try:
        with closing(open_found(found)) as content:
            if content.compressed:
                return Look(path, size, compressed=True)
            return Look(path, size, partial=offset < size <= offset + _TAIL and _unended(content, offset))
    except (SourceError, OSError) as error:
        return Look(path, size, problem=str(error))


def _unended(content: Content, offset: int) -> bool:
    return b"\n" not in content.pread(_TAIL, offset)


def _unknown_files(settings: Settings, present: Mapping[_Key, Found]) -> Iterator[FileStatus]:
    for (input_name, _, _), found in present.items():
        look = _look(found, 0)
        try:
            state = FileState.UNREADABLE if look.problem else _unidentified(found, settings.host, input_name)
        except (SourceError, OSError) as error:
            look, state = replace(look, problem=str(error)), FileState.UNREADABLE
        yield unidentified_status(input_name, look, state)


def _unidentified(found: Found, host: str, input_name: str) -> FileState:
    if not found.status.st_size:
        return FileState.EMPTY
    with closing(open_found(found)) as content:
        if fingerprint_of(content, host, input_name) is not None:
            return FileState.NEW
        return FileState.UNFINISHED if content.compressed else FileState.HEADER_ONLY


def _nothing_shared(_longer: FileRow, _shorter: FileRow) -> Mapping[str, int]:
    return {}
