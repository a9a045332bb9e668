"""State and disk side by side, also while an agent works: what `status` shows. Reads only."""

from __future__ import annotations

import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shipper.commit.database import Database
from shipper.commit.state import Stall, State
from shipper.errors import StateError
from shipper.looks import Ages, Key, look_at_stranger, looks_at_rows
from shipper.operate.status import (
    Buckets,
    FileError,
    FileStatus,
    Look,
    file_status,
    kept_by_a_copy,
    ledgers,
    seen_end,
    unidentified_status,
)
from shipper.operate.totals import Shared, Totals, together, totals
from shipper.parse.guard import Guard
from shipper.read.discover import Found, discover
from shipper.records import FileRow, MarkKind
from shipper.settings import InputSettings, Settings
from shipper.shared_lines import SharedLines

LOCK_NAME = "agent.lock"


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that `status` tells."""

    host: str
    state: Path
    output: str | None
    """Identity of the output that the numbers are for; None while nothing was ever sent."""
    other_outputs: tuple[str, ...]
    files: tuple[FileStatus, ...]
    inputs: Mapping[str, Totals]
    """By input."""
    totals: Totals
    stalls: tuple[Stall, ...] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    """Documents by category of refusal."""


def overview(settings: Settings, now: Callable[[], float] = time.time) -> Overview:
    """State and disk as they are now. Raises StateError where the state cannot be read."""
    guard = Guard(settings.parse_timeout)
    with looking(settings) as seen, guard.on():
        if seen is None:
            present = _present(settings.inputs)
            files = _unknown_files(settings, present, {}, {}, Ages(settings.host, {}, guard, present.values(), now()))
            by_input = _by_input(settings, files, [], {}, _nothing_shared)
            return Overview(settings.host, settings.state, None, (), files, by_input, together(by_input.values()))
        return _overview(settings, *seen, guard, now())


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


def _overview(settings: Settings, state: State, chosen: str | None, guard: Guard, now: float) -> Overview:
    present = _present(settings.inputs)
    rows = state.files.all()
    ledger = ledgers(state.ledger())
    definitions, dead, stalls = state.definitions(), state.dead_letters.categories(), state.stalls()
    ages = Ages(settings.host, definitions, guard, present.values(), now)
    looks = looks_at_rows(rows, present, settings.host, ages)
    shared = SharedLines(settings.host, looks, definitions, dead, settings.parse_timeout)
    noted = {stall.scope[5:]: FileError(stall.reason, stall.since) for stall in stalls if stall.scope[:5] == "file "}
    files = _known_files(rows, looks, ledger, shared, _errors(rows, looks, noted, state.dead_letters.last_refusals()))
    files += _unknown_files(settings, present, _versions(rows), noted, ages)
    by_input = _by_input(settings, files, rows, ledger, shared)
    return Overview(
        host=settings.host,
        state=settings.state,
        output=chosen,
        other_outputs=tuple(name for name in state.outputs() if name != chosen),
        files=tuple(sorted(files, key=lambda file: (file.input, file.path))),
        inputs=by_input,
        totals=together(by_input.values()),
        stalls=tuple(stalls),
        dead_letters=state.dead_letters.waiting(),
    )


def _known_files(
    rows: Sequence[FileRow],
    looks: Mapping[int, Look],
    ledger: Mapping[int, Buckets],
    shared: SharedLines,
    errors: Mapping[int, FileError],
) -> tuple[FileStatus, ...]:
    alike: dict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        alike[row.fingerprint].append(row)
    files = []
    for row in rows:
        file = file_status(row, looks[row.id], ledger.get(row.id, {}), errors.get(row.id))
        if seen_end(row, file) is not None:
            file = kept_by_a_copy(file, row, _kept_until(row, alike[row.fingerprint], shared))
        files.append(file)
    return tuple(files)


def _kept_until(row: FileRow, alike: Sequence[FileRow], shared: SharedLines) -> int:
    """How far what this file lost, for example by copy and truncate, was read from a file that continues it."""
    further = sorted((other for other in alike if other.offset > row.offset), key=lambda other: -other.offset)
    return next((other.offset for other in further if shared(other, row) is None), 0)


def _errors(
    rows: Sequence[FileRow],
    looks: Mapping[int, Look],
    noted: Mapping[str, FileError],
    refused: Mapping[int, tuple[str, float]],
) -> dict[int, FileError]:
    """By file: what the agent noted of it last, unreadable or refused."""
    errors = {file: FileError(*refusal) for file, refusal in refused.items()}
    if noted:
        errors.update({row.id: noted[path] for row in rows if (path := looks[row.id].path) in noted})
    return errors


def _versions(rows: Sequence[FileRow]) -> dict[str, str]:
    """By input: the pipeline's version that ruled the file that was found last."""
    return {row.input: mark.value for row in rows for mark in row.marks if mark.kind is MarkKind.PIPELINE}


def _present(inputs: Sequence[InputSettings]) -> dict[Key, Found]:
    return {
        (settings.name, found.status.st_dev, found.status.st_ino): found
        for settings in inputs
        for found in discover(settings)
    }


def _unknown_files(
    settings: Settings,
    present: Mapping[Key, Found],
    versions: Mapping[str, str],
    noted: Mapping[str, FileError],
    ages: Ages,
) -> tuple[FileStatus, ...]:
    files = []
    for (name, device, inode), found in present.items():
        seen = look_at_stranger(found, name, settings.host, versions.get(name, ""), ages)
        if seen is not None:
            error = noted.get(seen[0].path)
            files.append(unidentified_status(name, *seen, device=device, inode=inode, noted=error))
    return tuple(files)


def _by_input(
    settings: Settings,
    files: Sequence[FileStatus],
    rows: Sequence[FileRow],
    ledger: Mapping[int, Buckets],
    shared: Shared,
) -> dict[str, Totals]:
    """The sums by input: those that are configured, and those that the state still knows files of."""
    their_files: dict[str, list[FileStatus]] = {item.name: [] for item in settings.inputs}
    their_rows: dict[str, list[FileRow]] = defaultdict(list)
    for file in files:
        their_files.setdefault(file.input, []).append(file)
    for row in rows:
        their_rows[row.input].append(row)
    return {name: totals(found, their_rows[name], ledger, shared) for name, found in their_files.items()}


def _nothing_shared(_longer: FileRow, _shorter: FileRow) -> Mapping[str, int]:
    return {}
