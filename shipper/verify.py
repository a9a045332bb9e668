"""Whether a state is sound: in itself, and as far as the files that are still there tell. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from shipper.commit.database import Database, explained
from shipper.commit.state import State
from shipper.errors import SourceError
from shipper.hashes import chain_start, chains, tally_of
from shipper.read.files import Content, UnfinishedArchive, open_content
from shipper.read.framing import split_lines
from shipper.read.identity import guard_at
from shipper.records import FileRow, MarkKind, Tally, bucket_of, total
from shipper.wording import counted

_BLOCK = 1 << 20
_SHOWN = 20
"""Lines of SQLite's report on a damaged file."""


class Fault(NamedTuple):
    """Something that cannot be right."""

    output: str
    path: str
    """The log file that it concerns; empty if the state as a whole."""
    problem: str


@dataclass(slots=True)
class Verified:
    """What was looked at."""

    outputs: int = 0
    files: int = 0
    read_again: int = 0
    """Files whose bytes below the checkpoint are still on disk, and were compared."""
    unproved: int = 0
    """Files of which that cannot be said: gone, rewritten or unreadable."""
    faults: list[Fault] = field(default_factory=list)


class _Seen(NamedTuple):
    """What a file's bytes below an offset say."""

    chain: int
    tally: Tally


def verify(folder: Path, host: str) -> Verified | None:
    """Look through the state; None where there is none. Raises StateError where it cannot be read."""
    database = Database.open_read_only(folder)
    if database is None:
        return None
    found = Verified()
    with closing(database.connection), explained(database.path):
        found.faults += [Fault("", "", text) for text in database.damage()[:_SHOWN]]
        if found.faults:
            return found
        database.connection.execute("BEGIN")
        state = State(database, host)
        for output in state.outputs():
            state.look_at_output(output)
            found.outputs += 1
            _verify_output(state, output, found)
    return found


def _verify_output(state: State, output: str, found: Verified) -> None:
    ledger: dict[int, list[Tally]] = defaultdict(list)
    dead: dict[tuple[int, int, str], Tally] = {}
    for file, bucket, fate, tally in state.ledger():
        ledger[file].append(tally)
        if fate.startswith("dead:"):
            dead[file, bucket, fate] = tally
    rows, definitions = state.files.all(), state.definitions()
    found.files = len(rows)
    for row in rows:
        sums = total(ledger.pop(row.id, ()))
        problems = [*_in_itself(row, sums, definitions), *_on_disk(row, sums, state.host, found)]
        found.faults += [Fault(output, row.current_path, problem) for problem in problems]
    found.faults += [Fault(output, "", f"The ledger speaks of file {file}, which is not known.") for file in ledger]
    found.faults += [Fault(output, "", problem) for problem in _letters(state, dead)]


def _in_itself(row: FileRow, sums: Tally, definitions: Mapping[str, str]) -> Iterator[str]:
    if sums.bytes != row.offset:
        yield f"The ledger holds {counted(sums.bytes, 'byte')}, and the checkpoint is at {row.offset:,}."
    versions = [mark.value for mark in row.marks if mark.kind is MarkKind.PIPELINE]
    if row.offset and not versions:
        yield "It was read, and no mark tells by which pipeline."
    for version in versions:
        if version not in definitions:
            yield f"The pipeline's definition {version}, by which it was parsed, is not there."


def _on_disk(row: FileRow, sums: Tally, host: str, found: Verified) -> Iterator[str]:
    """Compare what is on disk below the checkpoint, if it is still the file that was read."""
    try:
        with closing(open_content(row.current_path)) as content:
            same = guard_at(content, row.offset) == row.guard if row.offset else True
            seen = _below(content, chain_start(host, row.input), row.offset) if same else None
    except (SourceError, UnfinishedArchive, OSError):
        seen = None
    if seen is None:
        found.unproved += 1
        return
    found.read_again += 1
    if seen.chain != row.chain:
        yield f"The bytes below the checkpoint at {row.offset:,} are not those that were read."
    elif seen.tally != sums:
        lines = counted(sums.lines, "line")
        yield f"The ledger holds {lines}, and the file has {seen.tally.lines:,} below the checkpoint."


def _below(content: Content, chain: int, end: int) -> _Seen | None:
    """Chain and tally of the lines of [0, end); None where the file is shorter."""
    position, tally, rest = 0, Tally(), b""
    while position + len(rest) < end:
        block = content.pread(min(_BLOCK, end - position - len(rest)), position + len(rest))
        if not block:
            return None
        data = rest + block
        lines = split_lines(data, final=position + len(data) == end)
        chain = chains(lines, chain)[-1] if lines else chain
        tally = tally.plus(tally_of(lines))
        used = sum(map(len, lines))
        position, rest = position + used, data[used:]
    return _Seen(chain, tally)


def _letters(state: State, dead: Mapping[tuple[int, int, str], Tally]) -> Sequence[str]:
    """Dead letters that the ledger does not count."""
    sums: dict[tuple[int, int, str], int] = defaultdict(int)
    for document, category, _ in (letter.refusal for letter in state.dead_letters.with_discarded()):
        sums[document.source.file, bucket_of(document.offset), f"dead:{category}"] += document.tally.bytes
    return [
        f"File {file}: dead letters `{fate.partition(':')[2]}` of {counted(size, 'byte')} are kept, the ledger counts "
        f"{dead.get((file, bucket, fate), Tally()).bytes:,}."
        for (file, bucket, fate), size in sums.items()
        if dead.get((file, bucket, fate), Tally()).bytes < size
    ]
