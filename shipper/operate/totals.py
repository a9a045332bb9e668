"""Files together. Shared lines count once: a file that is the beginning of another one (a copy, an archive, a restored
backup) adds nothing; of two files that begin alike and part ways, the second adds what it does not share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from shipper.operate.status import Buckets, FileStatus, lines_by_fate
from shipper.records import FileRow


@dataclass(frozen=True, slots=True)
class Totals:
    """Several files together; shared lines once."""

    files: int
    lag: int
    waiting: float
    """Of all unread bytes the age of the oldest, in seconds; 0 if there are none."""
    lines: Mapping[str, int]
    states: Mapping[str, int]


Shared = Callable[[FileRow, FileRow], Mapping[str, int] | None]
"""Lines by fate that the first row's file shares with what the second row has settled; None means all of them."""


def together(parts: Collection[Totals]) -> Totals:
    """The sum of totals that share no lines, as those of different inputs."""
    lines: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for part in parts:
        lines.update(part.lines)
        states.update(part.states)
    return Totals(
        files=sum(part.files for part in parts),
        lag=sum(part.lag for part in parts),
        waiting=max((part.waiting for part in parts), default=0.0),
        lines=dict(sorted(lines.items())),
        states=dict(states),
    )


def totals(
    files: Sequence[FileStatus], rows: Sequence[FileRow], ledger: Mapping[int, Buckets], shared: Shared
) -> Totals:
    """The sums over files. `shared` is asked only about rows of one fingerprint, the longer one first."""
    by_content: dict[str, list[FileRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row.offset):
        by_content[row.fingerprint].append(row)
    lines: Counter[str] = Counter()
    for alike in by_content.values():
        lines.update(_counted_once(alike, ledger, shared))
    return Totals(
        files=len(files),
        lag=sum(file.lag or 0 for file in files),
        waiting=max((file.waiting or 0.0 for file in files), default=0.0),
        lines=dict(sorted(lines.items())),
        states=dict(Counter(file.state.value for file in files)),
    )


def _counted_once(alike: Sequence[FileRow], ledger: Mapping[int, Buckets], shared: Shared) -> Mapping[str, int]:
    """Lines by fate of files that begin alike, the longest first."""
    if len(alike) == 1:  # as nearly all are
        return lines_by_fate(ledger.get(alike[0].id, {}))
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
        lines.update(lines_by_fate({b: fates for b, fates in own.items() if not any(k.get(b) == fates for k in known)}))
        lines.subtract(max((each for each in common if each), key=lambda each: sum(each.values()), default={}))
        apart.append(row)
    return lines


def _same(one: FileRow, other: FileRow) -> bool:
    return (one.offset, one.chain) == (other.offset, other.chain)
