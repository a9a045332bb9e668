"""Which row of the state a file belongs to: content decides, inode and path are hints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from shipper.events_log import EventsLog
from shipper.hashes import chain_start
from shipper.read.beginnings import Starts, begins_there
from shipper.read.discover import Found
from shipper.read.files import Content, UnfinishedArchive
from shipper.read.framing import cut_is_needed
from shipper.read.identity import chains_at, fingerprint_of, guard_at
from shipper.records import FileRow, Framing, Mark, MarkKind, Source
from shipper.settings import InputSettings

_LINE = 4096
"""Bytes of a line that tell whether it starts an event."""
_END = 1 << 62
"""Beyond the end of any file."""


class Registry(Starts, Protocol):
    """What reading must know of the past; the state implements it."""

    def rows_of_inode(self, input_name: str, device: int, inode: int) -> Sequence[FileRow]:
        """Rows of files that were last seen under this inode."""

    def rows_of_fingerprint(self, fingerprint: str) -> Sequence[FileRow]:
        """Rows whose content begins the same."""

    def add(self, row: FileRow, heir_of: FileRow | None) -> FileRow:
        """Record a new file; with the ledger of the file it continues. Returns it with its id."""

    def seen(self, row: FileRow) -> None:
        """Record path, inode and size as they are now."""

    def gap(self, row: FileRow, mark: Mark) -> None:
        """Record a loss at the source."""

    def mark(self, file: int, marks: Sequence[Mark]) -> None:
        """Record decisions."""


Adopt = Callable[[Source, int], Sequence[Mark]]
"""Marks that documents in the output carry, of a file from an offset on: beyond it the state may know nothing."""
_ADOPTED_LATER = frozenset({MarkKind.CUT, MarkKind.DATE})


class Recogniser:
    """Finds or makes the row of a file."""

    def __init__(self, host: str, registry: Registry, adopt: Adopt, events: EventsLog) -> None:
        self._host = host
        self._registry = registry
        self._adopt = adopt
        self._events = events
        self._live: dict[int, FileRow] = {}
        self._met: set[int] = set()
        """Rows whose marks are known to be complete: what this agent decides is recorded."""

    def row_of(
        self, settings: InputSettings, found: Found, content: Content, framing: Framing, start: Mark | None = None
    ) -> FileRow | None:
        """The file's row, with the place where reading goes on; None while it has too little content.

        `start` says from where on a file that nothing is known of is shipped.
        """
        fingerprint = fingerprint_of(content, self._host, settings.name)
        if fingerprint is None:
            return None
        row = self._known(settings, found, content, fingerprint)
        if row is not None:
            later = self._later(row, content, framing)
            row.marks = sorted([*row.marks, *later])
            self._registry.mark(row.id, later)
        if row is None and framing.whole_archives and content.compressed:
            content.pread(1, _END)  # raises UnfinishedArchive
        return row or self._new(settings, found, content, framing, fingerprint, start)

    def read_to(self, row: FileRow, offset: int, chain: int, guard: int) -> None:
        """Remember how far a file was read that is closed for now: what is in flight must not be read again."""
        row.offset, row.chain, row.guard = offset, chain, guard
        self._live[row.id] = row

    def forget(self, file: int) -> None:
        """Nothing of a closed file is in flight: the row in the state is right."""
        self._live.pop(file, None)

    def _known(self, settings: InputSettings, found: Found, content: Content, fingerprint: str) -> FileRow | None:
        """The row of this very file: same inode, and what was read before the place still stands there."""
        status = found.status
        rows = self._registry.rows_of_inode(settings.name, status.st_dev, status.st_ino)
        rows = [self._live.get(row.id, row) for row in rows]
        for row in sorted(rows, key=lambda row: -row.offset):
            if row.fingerprint != fingerprint or not _still_there(row, found, content):
                self._lost(row, found)
                continue
            if (row.current_path, row.size) != (str(found.path), status.st_size):
                row.current_path, row.size = str(found.path), status.st_size
                self._registry.seen(row)
            return row
        return None

    def _lost(self, row: FileRow, found: Found) -> None:
        """Record what was seen of a file, and not read, when another one took its inode while nobody looked."""
        if unread := row.unread:
            what = "truncated" if row.current_path == str(found.path) else "gone"
            mark = Mark(row.offset, MarkKind.GAP, f"{what}:{unread}")
            row.marks.append(mark)
            self._registry.gap(row, mark)
            self._events.warning("file_truncated", path=row.current_path, position=row.offset, unread=unread)

    def _new(
        self,
        settings: InputSettings,
        found: Found,
        content: Content,
        framing: Framing,
        fingerprint: str,
        start: Mark | None,
    ) -> FileRow:
        """A new row, which goes on where the row that agrees with its bytes furthest has come to."""
        elder = self._elder(settings, content, fingerprint)
        row = FileRow(
            id=0,
            input=settings.name,
            path=str(found.path),
            current_path=str(found.path),
            device=found.status.st_dev,
            inode=found.status.st_ino,
            fingerprint=fingerprint,
            size=found.status.st_size,
            offset=elder.offset if elder else 0,
            chain=elder.chain if elder else chain_start(self._host, settings.name),
            guard=guard_at(content, elder.offset) if elder else 0,
            carry=elder.carry if elder else None,
        )
        if elder:
            inherited = [mark for mark in elder.marks if _is_inherited(mark, elder, content)]
            row.marks = sorted([*inherited, *self._later(elder, content, framing)])
        else:
            adopted = self._adopt(Source(self._host, settings.name, row.path, fingerprint), 0)
            # The end of what is stored is kept in any case: what follows it is dated as what nobody has read yet.
            end = max((mark.offset for mark in adopted if mark.kind is MarkKind.CUT), default=-1)
            row.marks = [mark for mark in adopted if mark.offset == end or _matters(mark, content, framing)]
            if start and not any(mark.kind is MarkKind.START for mark in row.marks):
                row.marks.append(start)
        self._events.info("file_found", path=row.path, fingerprint=fingerprint, offset=row.offset)
        added = self._registry.add(row, elder)
        self._met.add(added.id)
        return added

    def _later(self, row: FileRow, content: Content, framing: Framing) -> list[Mark]:
        """What was decided beyond the checkpoint by an agent whose state is not this one: it may be a copy put back."""
        if row.id in self._met or row.finished:
            return []
        self._met.add(row.id)
        if not _goes_on(content, row.offset):
            return []
        known = {(mark.offset, mark.kind) for mark in row.marks}
        adopted = self._adopt(Source(self._host, row.input, row.path, row.fingerprint), row.offset)
        return [
            mark
            for mark in adopted
            if mark.kind in _ADOPTED_LATER
            and mark.offset >= row.offset
            and (mark.offset, mark.kind) not in known
            and _matters(mark, content, framing)
        ]

    def _elder(self, settings: InputSettings, content: Content, fingerprint: str) -> FileRow | None:
        candidates = [row for row in self._registry.rows_of_fingerprint(fingerprint) if row.offset]
        if not candidates:
            return None
        chains = chains_at(content, self._host, settings.name, {row.offset for row in candidates})
        agreeing = [row for row in candidates if chains.get(row.offset) == row.chain]
        return max(agreeing, key=lambda row: row.offset, default=None)


def finished_stamp(size: int, modified_ns: int) -> str:
    """Size and modification time: enough to know a finished file again without reading it."""
    return f"{size}:{modified_ns}"


def _goes_on(content: Content, offset: int) -> bool:
    try:
        return bool(content.pread(1, offset))
    except UnfinishedArchive:
        return False


def _still_there(row: FileRow, found: Found, content: Content) -> bool:
    if row.finished:
        # Its last line may have been cut: whatever looks different now is taken for another file and compared whole.
        return row.finished == finished_stamp(found.status.st_size, found.status.st_mtime_ns)
    if not row.offset:
        return True
    whole = content.compressed or found.status.st_size >= row.offset
    return whole and guard_at(content, row.offset) == row.guard


def _is_inherited(mark: Mark, elder: FileRow, content: Content) -> bool:
    """Whether a mark of a file holds for one that goes on after it."""
    return mark.kind is not MarkKind.GAP and (mark.offset <= elder.offset or begins_there(mark, content))


def _matters(mark: Mark, content: Content, framing: Framing) -> bool:
    """Whether a cut stands where an event would have gone on, or where nothing follows yet."""
    if mark.kind is not MarkKind.CUT:
        return True
    line = content.pread(_LINE, mark.offset)
    return not line or cut_is_needed(line.partition(b"\n")[0], framing)
