"""How far a file is and what stands still: a pure summary of its row in the state and of a look at the disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from shipper.records import FileRow, Mark, MarkKind, Tally


class FileState(StrEnum):
    """What a file is doing. The words are stable: programs read them."""

    EMPTY = "empty"
    HEADER_ONLY = "header only"
    NEW = "new"
    READING = "reading"
    CAUGHT_UP = "caught up"
    PARTIAL_LINE = "holding a partial line"
    UNFINISHED = "unfinished archive"
    FINISHED = "finished"
    REPLACED = "replaced"
    GONE = "gone"
    UNREADABLE = "unreadable"


_ABSENT = (FileState.GONE, FileState.REPLACED)


@dataclass(frozen=True, slots=True)
class Look:
    """What the disk shows of a file now."""

    path: str
    size: int = 0
    """Bytes on disk."""
    compressed: bool = False
    gone: bool = False
    """Nothing that its input matches is this file."""
    replaced: bool = False
    """Likewise, and another file has its name, or other content its inode."""
    problem: str = ""
    """Why it cannot be read."""
    partial: bool = False
    """Whether what follows the checkpoint is one line without its end."""
    waiting: float | None = None
    """Age of the oldest unread byte in seconds, as far as it can be known."""


class FileError(NamedTuple):
    """What went wrong with a file."""

    message: str
    at: float | None
    """Seconds since the epoch; None where nobody noted it."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """How far one file is."""

    input: str
    path: str
    """Where it is now; where it was last, if it is gone."""
    state: FileState
    size: int
    checkpoint: int
    """Bytes, uncompressed."""
    lag: int | None
    """Bytes behind; None where nobody knows (archives that are not done, files that cannot be read). Of a file that is
    not there any more: bytes that were unread when it was last seen, and are not told as lost."""
    waiting: float | None = None
    """Age of the oldest unread byte in seconds, as far as it can be known; None where nobody knows."""
    first_path: str = ""
    """Where it was first seen: `log.file.path` of its documents."""
    fingerprint: str = ""
    """Empty while it has too little content to be told from others."""
    device: int = 0
    inode: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines by fate: `stored`, `filtered:<rule>`, `dead:<category>`."""
    lost_bytes: int = 0
    """Proved to be lost at the source, at least so many."""
    pipeline: str = ""
    """Version that rules at the checkpoint."""
    error: FileError | None = None
    """The last one."""

    def needs_attention(self, *, running: bool) -> bool:
        """Whether someone should look at it; a running agent may still read what has lost its name."""
        left_behind = self.state in _ABSENT and bool(self.lag) and not running
        return self.state is FileState.UNREADABLE or bool(self.lost_bytes) or left_behind

    @property
    def behind(self) -> bool:
        """Whether there is something unread in it, or nobody knows. Header lines alone wait for no one."""
        return self.lag != 0 and self.state not in {FileState.UNREADABLE, FileState.HEADER_ONLY}


Buckets = Mapping[int, Mapping[str, Tally]]
"""A file's ledger: bucket -> fate -> tally."""


def ledgers(rows: Iterable[tuple[int, int, str, Tally]]) -> dict[int, dict[int, dict[str, Tally]]]:
    """Rows of file, bucket, fate and tally, by file."""
    result: dict[int, dict[int, dict[str, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for file, bucket, fate, tally in rows:
        result[file][bucket][fate] = tally
    return result


def file_status(row: FileRow, look: Look, ledger: Buckets, noted: FileError | None = None) -> FileStatus:
    """The status of a file that the state knows; `noted` is the last error that the agent noted of it."""
    state = _state(row, look)
    lag = _lag(row, look, state)
    return FileStatus(
        input=row.input,
        path=look.path,
        state=state,
        size=row.size if state in _ABSENT else look.size,
        checkpoint=row.offset,
        lag=lag,
        waiting=_waiting(look, lag),
        first_path=row.path,
        fingerprint=row.fingerprint,
        device=row.device,
        inode=row.inode,
        lines=lines_by_fate(ledger),
        lost_bytes=_lost(row, beyond=0),
        pipeline=next((mark.value for mark in reversed(row.marks) if mark.kind is MarkKind.PIPELINE), ""),
        error=_error(look, noted),
    )


def unidentified_status(
    input_name: str, look: Look, state: FileState, *, device: int = 0, inode: int = 0, noted: FileError | None = None
) -> FileStatus:
    """The status of a file that the state does not know yet."""
    lag = None if look.compressed or look.problem else look.size
    return FileStatus(
        input=input_name,
        path=look.path,
        state=state,
        size=look.size,
        checkpoint=0,
        lag=lag,
        waiting=_waiting(look, 0 if state is FileState.HEADER_ONLY else lag),
        first_path=look.path,
        device=device,
        inode=inode,
        error=_error(look, noted),
    )


def settled_by_a_copy(file: FileStatus) -> FileStatus:
    """The status of a file of which a copy was read on: it lost nothing, and is behind with nothing."""
    return replace(file, lost_bytes=0, lag=0, waiting=0.0) if file.state in _ABSENT else replace(file, lost_bytes=0)


def kept_by_a_copy(file: FileStatus, row: FileRow, until: int) -> FileStatus:
    """The status of a file of which a copy was read on up to an offset: what lies beyond is lost still."""
    end = seen_end(row, file)
    if end is not None and until >= end:
        return settled_by_a_copy(file)
    return replace(file, lost_bytes=_lost(row, beyond=until))


def _state(row: FileRow, look: Look) -> FileState:
    if look.gone:
        return FileState.REPLACED if look.replaced else FileState.GONE
    if look.problem:
        return FileState.UNREADABLE
    if row.finished:
        return FileState.FINISHED
    if look.compressed:
        return FileState.READING
    if look.size <= row.offset:
        return FileState.CAUGHT_UP
    return FileState.PARTIAL_LINE if look.partial else FileState.READING


def _lag(row: FileRow, look: Look, state: FileState) -> int | None:
    if row.finished and state is not FileState.UNREADABLE:
        return 0
    if state in _ABSENT:
        told = any(mark.kind is MarkKind.GAP and mark.offset == row.offset for mark in row.marks)
        return 0 if told else max(0, row.size - row.offset)
    if look.compressed or look.problem:
        return None
    return max(0, look.size - row.offset)


def _waiting(look: Look, lag: int | None) -> float | None:
    if lag is None:
        return None
    return look.waiting if lag else 0.0


def _error(look: Look, noted: FileError | None) -> FileError | None:
    """What is wrong now, with the time since when the agent knows it; else what was noted last."""
    if not look.problem or (noted is not None and noted.message == look.problem):
        return noted
    return FileError(look.problem, None)


def lines_by_fate(ledger: Buckets) -> dict[str, int]:
    """The lines of a file's ledger, by what became of them."""
    lines: dict[str, int] = {}
    for fates in ledger.values():
        for fate, tally in fates.items():
            lines[fate] = lines.get(fate, 0) + tally.lines
    return dict(sorted(lines.items()))


def _lost(row: FileRow, *, beyond: int) -> int:
    """Bytes beyond an offset that are recorded as lost."""
    lost = ((mark.offset, mark.offset + mark.lost) for mark in row.marks if _is_lost(mark, row))
    return sum(max(0, end - max(start, beyond)) for start, end in lost)


def _is_lost(mark: Mark, row: FileRow) -> bool:
    """Whether a mark speaks of bytes that are lost: a file that was gone may have come back, and was read on."""
    came_back = mark.value.startswith("gone:") and mark.offset + mark.lost <= row.offset
    return mark.kind is MarkKind.GAP and not came_back


def seen_end(row: FileRow, file: FileStatus) -> int | None:
    """Where the furthest bytes end that were seen in a file, and that it may not have any more; None without such."""
    ends = [mark.offset + mark.lost for mark in row.marks if mark.kind is MarkKind.GAP]
    return max([*ends, row.size] if file.state in _ABSENT and file.lag else ends, default=None)
