"""How far every file is and what stands still: a pure summary of the state's rows and of a look at the disk.

Totals count shared lines once: a file that is the beginning of another one (a copy, an archive, a restored backup)
adds nothing to them; of two files that begin alike and part ways, the second adds what it does not share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shipper.records import FileRow, Mark, MarkKind, Tally


class FileState(StrEnum):
    """What a file is doing."""

    EMPTY = "empty"
    HEADER_ONLY = "header only"
    NEW = "new"
    READING = "reading"
    CAUGHT_UP = "caught up"
    PARTIAL_LINE = "holding a partial line"
    UNFINISHED = "unfinished archive"
    TRUNCATED = "truncated"
    GONE = "gone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Look:
    """What the disk shows of a file now."""

    path: str
    size: int = 0
    """Bytes on disk."""
    compressed: bool = False
    gone: bool = False
    """No such file, or another one under its name."""
    problem: str = ""
    """Why it cannot be read."""
    partial: bool = False
    """Whether what follows the checkpoint is one line without its end."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """How far one file is."""

    input: str
    path: str
    state: FileState
    size: int
    checkpoint: int
    """Bytes, uncompressed."""
    lag: int | None
    """Bytes behind; None where nobody knows (archives that are not done, files that are gone)."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines by fate: `stored`, `filtered:<rule>`, `dead:<category>`."""
    lost_bytes: int = 0
    """Proved to be lost at the source, at least so many."""
    pipeline: str = ""
    """Version that rules at the checkpoint."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """All files together; shared lines once."""

    files: int
    lag: int
    lines: Mapping[str, int]
    states: Mapping[str, int]


Shared = Callable[[FileRow, FileRow], Mapping[str, int] | None]
"""Lines by fate that the first row's file shares with what the second row has settled; None means all of them."""

Buckets = Mapping[int, Mapping[str, Tally]]
"""A file's ledger: bucket -> fate -> tally."""


def ledgers(rows: Iterable[tuple[int, int, str, Tally]]) -> dict[int, dict[int, dict[str, Tally]]]:
    """Rows of file, bucket, fate and tally, by file."""
    result: dict[int, dict[int, dict[str, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for file, bucket, fate, tally in rows:
        result[file][bucket][fate] = tally
    return result


def file_status(row: FileRow, look: Look, ledger: Buckets) -> FileStatus:
    """The status of a file that the state knows."""
    state = _state(row, look)
    known = state not in {FileState.GONE, FileState.UNREADABLE}
    lag: int | None = None
    if state is FileState.CAUGHT_UP:
        lag = 0
    elif known and not look.compressed:
        lag = max(0, look.size - row.offset)
    return FileStatus(
        input=row.input,
        path=look.path,
        state=state,
        size=look.size if known else row.size,
        checkpoint=row.offset,
        lag=lag,
        lines=_lines([ledger]),
        lost_bytes=sum(mark.lost for mark in row.marks if _is_lost(mark, row)),
        pipeline=next((mark.value for mark in reversed(row.marks) if mark.kind is MarkKind.PIPELINE), ""),
        problem=look.problem,
    )


def unidentified_status(input_name: str, look: Look, state: FileState) -> FileStatus:
    """The status of a file that the state does not know yet."""
    lag = None if look.compressed or look.problem else look.size
    return FileStatus(input_name, look.path, state, look.size, 0, lag, problem=look.problem)


def totals(
    files: Sequence[FileStatus], rows: Sequence[FileRow], ledger: Mapping[int, Buckets], shared: Shared
) -> Totals:
    """The sums over all files. `shared` is asked only about rows of one fingerprint, the longer one first."""
    by_content: dict[str, list[FileRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row.offset):
        by_content[row.fingerprint].append(row)
    lines: Counter[str] = Counter()
    for alike in by_content.values():
        lines.update(_counted_once(alike, ledger, shared))
    return Totals(
        files=len(files),
        lag=sum(file.lag or 0 for file in files),
        lines=dict(sorted(lines.items())),
        states=dict(Counter(file.state.value for file in files)),
    )


def _state(row: FileRow, look: Look) -> FileState:
    if look.gone:
        return FileState.GONE
    if look.problem:
        return FileState.UNREADABLE
    if row.finished or (not look.compressed and look.size == row.offset):
        return FileState.CAUGHT_UP
    if look.compressed:
        return FileState.READING
    if look.size < row.offset:
        return FileState.TRUNCATED
    return FileState.PARTIAL_LINE if look.partial else FileState.READING


def _counted_once(alike: Sequence[FileRow], ledger: Mapping[int, Buckets], shared: Shared) -> Mapping[str, int]:
    """Lines by fate of files that begin alike, the longest first."""
    lines: Counter[str] = Counter()
    apart: list[FileRow] = []
    for row in alike:
        if any(_same(other, row) for other in apart):
            continue
        common = [shared(other, row) for other in apart]
        if None in common:
            continue
        known = [ledger.get(other.id, {}) for other in apart]
        own = ledger.get(row.id, {})
        lines.update(_lines([{b: fates for b, fates in own.items() if not any(k.get(b) == fates for k in known)}]))
        lines.subtract(max((each for each in common if each), key=lambda each: sum(each.values()), default={}))
        apart.append(row)
    return lines


def _same(one: FileRow, other: FileRow) -> bool:
    return (one.offset, one.chain) == (other.offset, other.chain)


def _lines(ledger: Iterable[Buckets]) -> dict[str, int]:
    lines: Counter[str] = Counter()
    for buckets in ledger:
        for fates in buckets.values():
            for fate, tally in fates.items():
                lines[fate] += tally.lines
    return dict(sorted(lines.items()))


def _is_lost(mark: Mark, row: FileRow) -> bool:
    """Whether a mark speaks of bytes that are lost: a file that was gone may have come back, and was read on."""
    came_back = mark.value.startswith("gone:") and mark.offset + mark.lost <= row.offset
    return mark.kind is MarkKind.GAP and not came_back


def gap_end(row: FileRow) -> int | None:
    """Where the furthest bytes end that were seen in a file and could not be read; None if there are none."""
    return max((mark.offset + mark.lost for mark in row.marks if mark.kind is MarkKind.GAP), default=None)
