"""One file, read on from where it was."""

from __future__ import annotations

import math
import os
from pathlib import Path

from shipper.errors import SourceError
from shipper.hashes import GUARD, HEAD_LIMIT, fingerprint, guard_of, head_length
from shipper.read.files import Content, UnfinishedArchive
from shipper.read.framing import BLOCK, PART, Frames, frame
from shipper.read.identity import cannot_grow
from shipper.read.nuls import SETTLE, NulHold
from shipper.read.recognise import finished_stamp
from shipper.records import Chunk, FileRow, Framing, Mark, MarkKind, Source


class Replaced(Exception):  # noqa: N818  a fact, not a defect; caught by the reader
    """What stands before the position is not what was read there: truncated, or another file under the same inode."""


class TailedFile:
    """An open file with a position. The position is where the next event begins; nothing after it is remembered."""

    def __init__(self, row: FileRow, source: Source, content: Content, framing: Framing) -> None:
        self.row = row
        self.source = source
        self.content = content
        self.path = Path(row.current_path)
        self.position = row.offset
        self.chain = row.chain
        self.cuts = {mark.offset for mark in row.marks if mark.kind is MarkKind.CUT}
        self.size = row.offset
        """Uncompressed bytes known to exist; for archives known only as far as read."""
        self.epoch = -math.inf
        """Time minus monotonic time when the file was opened, if old files need not be waited for."""
        self.grew_at = 0.0
        """Monotonic time when the file was last seen to grow."""
        self._nameless_since = math.inf
        """Monotonic time when the file was first seen to have no name at all any more."""
        self.named = True
        """Whether the file's name still leads to it."""
        self.done = False
        """Nothing more will come."""
        self.framing = framing
        """How the next lines become events."""
        self._nuls = NulHold()
        self._head_length = HEAD_LIMIT
        """Bytes by which the file is known; the most there can be as long as nobody has looked."""
        self._guard = row.guard
        self._before: bytes | None = None
        self._looked_at: tuple[int, int] | None = None

    @property
    def looked_at(self) -> str:
        """How the file looked when it was last read to its end; empty if it never was."""
        return finished_stamp(*self._looked_at) if self._looked_at else ""

    @property
    def pending(self) -> int:
        """Bytes that are there and not read as whole events yet."""
        return max(0, self.size - self.position)

    @property
    def has_name(self) -> bool:
        """Whether the file can be opened again; one that lost its name cannot."""
        status = self._status()
        return self.named and status is not None and status.st_nlink > 0

    @property
    def guard(self) -> int:
        """Hash of the up to 1 KiB before the position."""
        return self._guard if self._before is None else guard_of(self._before)

    def bytes_on_disk(self) -> int | None:
        """Of the file as it is, packed or not; None where it cannot be asked."""
        status = self._status()
        return None if status is None else status.st_size

    def pending_lines(self) -> int:
        """How many lines the pending bytes are, a last one without newline included; one if they cannot be read."""
        try:
            data = self.content.pread(self.pending, self.position) if self.pending else b""
        except (SourceError, OSError):
            return 1
        return data.count(b"\n") + bool(data and not data.endswith(b"\n"))

    def has_changed(self) -> bool:
        """Whether the file looks different from what it was at its end; the next chunk tells what is wrong with it."""
        status = self._status()
        return status is None or (status.st_size, status.st_mtime_ns) != self._looked_at

    def is_itself(self) -> bool:
        """Whether what was read, or else the head that the file is known by, still stands in it; archives stay."""
        if self.content.compressed:
            return True
        try:
            self._read(0)
        except (Replaced, OSError):
            return False
        return True

    def next_chunk(self, now: float, *, once: bool) -> Chunk | None:
        """The next events, or None at the end. Raises Replaced, SourceError, UnfinishedArchive."""
        status = self.content.stat()
        if status.st_nlink == 0:
            self._nameless_since = min(self._nameless_since, now)
        look = (status.st_size, status.st_mtime_ns)
        if look != self._looked_at:
            self.grew_at = now if self._looked_at else min(now, status.st_mtime - self.epoch)
        elif not self._may_end(status, now, once=once):
            return None
        window = BLOCK
        while True:
            data = self._read(window)
            # The file was still the same when it was read: so it was when it was found to be so large.
            size = 0 if self.content.compressed else status.st_size
            self.size = max(self.size, self.position + len(data), size)
            at_end = len(data) < window
            frames, marks = self._frames(data, status, now, at_end=at_end, once=once)
            if frames.events or at_end or window > 2 * PART:
                break
            window *= 4
        finished = self._finished(data, frames, status, now, at_end=at_end)
        if at_end:
            self._looked_at = look
        if not frames.events and not finished:
            return None
        return self._chunk(data, frames, marks, status, finished, at_end=at_end)

    def close(self) -> None:
        """Give the descriptor back."""
        self.content.close()

    def _status(self) -> os.stat_result | None:
        """How the file looks; None where nobody tells: on a network file system an open file can be deleted."""
        try:
            return self.content.stat()
        except OSError:
            return None

    def _read(self, window: int) -> bytes:
        """Bytes from the position on, after comparing the up to 1 KiB before it with what was read there."""
        before = min(self.position, GUARD)
        block = self.content.pread(before + window, self.position - before)
        head, data = block[:before], block[before:]
        if before and not self._is_what_was_read(head):
            raise Replaced
        if self.position < self._head_length and not self._has_its_head(self.content.pread(HEAD_LIMIT, 0)):
            raise Replaced
        self._before = head
        return data

    def _has_its_head(self, data: bytes) -> bool:
        """Whether the file still begins as it is known; asked while its head is not behind the position."""
        length = head_length(data, complete=cannot_grow(self.content))
        if length is None:
            return False
        self._head_length = length
        return fingerprint(self.source.host, self.source.input, data[:length]) == self.source.fingerprint

    def _is_what_was_read(self, head: bytes) -> bool:
        if self._before is not None:
            return head == self._before
        return len(head) == min(self.position, GUARD) and guard_of(head) == self._guard

    def _frames(
        self, data: bytes, status: os.stat_result, now: float, *, at_end: bool, once: bool
    ) -> tuple[Frames, list[Mark]]:
        readable = data
        if b"\0" in data and not once and not self._is_final(status, now):
            readable = data[: self._nuls.readable(data, self.position, now, at_end=at_end)]
        frames = self._frame(readable)
        if not at_end or len(readable) < len(data) or frames.consumed == len(data):
            return frames, []
        if self._is_final(status, now):
            return self._frame(data, final=True), []
        end_of_line = self.position + data.rfind(b"\n") + 1
        quiet = self.framing.multiline and (once or now - self.grew_at >= self.framing.quiet)
        if not quiet or end_of_line <= self.position + frames.consumed:
            return frames, []
        self.cuts.add(end_of_line)
        return self._frame(data), [Mark(end_of_line, MarkKind.CUT, "once" if once else "quiet")]

    def _frame(self, data: bytes, *, final: bool = False) -> Frames:
        return frame(data, self.position, self.chain, self.framing, self.cuts, final=final)

    def _finished(self, data: bytes, frames: Frames, status: os.stat_result, now: float, *, at_end: bool) -> str:
        if not at_end or frames.consumed < len(data) or not self._is_final(status, now):
            return ""
        self.done = True
        return finished_stamp(status.st_size, status.st_mtime_ns)

    def _chunk(
        self, data: bytes, frames: Frames, marks: list[Mark], status: os.stat_result, finished: str, *, at_end: bool
    ) -> Chunk:
        assert self._before is not None
        start, consumed = self.position, data[: frames.consumed]
        self._before = (self._before + consumed)[-GUARD:]
        self.position += frames.consumed
        self.chain = frames.chain
        if not at_end:  # whoever wrote the last lines may want them, too
            self.content.done_with(self.position - GUARD)
        return Chunk(
            source=self.source,
            start=start,
            end=self.position,
            chain=frames.chain,
            guard=guard_of(self._before),
            events=frames.events,
            modified=status.st_mtime,
            at_end=at_end,
            marks=marks,
            finished=finished,
        )

    def _may_end(self, status: os.stat_result, now: float, *, once: bool) -> bool:
        """Whether looking again at an unchanged file can bring something: bytes that become final by time."""
        if self.done or self.content.compressed:
            return False  # whether an archive is whole was seen when its last bytes were read
        waits = self.framing.quiet if self.framing.multiline else SETTLE
        held = self.pending > 0 and (once or now - self.grew_at >= waits)
        return held or self._is_final(status, now)

    def _is_final(self, status: os.stat_result, now: float) -> bool:
        """Whether the file can grow no more. An archive that breaks off raises."""
        if self.content.compressed:
            return self._archive_is_whole()
        # Who has it open may still write: it must have been quiet since it lost its name.
        return status.st_nlink == 0 and now - max(self.grew_at, self._nameless_since) >= SETTLE

    def _archive_is_whole(self) -> bool:
        try:
            return not self.content.pread(1, max(self.size, self.position))
        except UnfinishedArchive:
            return False
