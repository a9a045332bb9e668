"""Which bytes were there before an input was first read: inputs that start `now` do not ship them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shipper.read.discover import Found, Key
from shipper.read.files import Content
from shipper.read.identity import guard_at
from shipper.records import Mark, MarkKind
from shipper.settings import InputSettings

EVERYTHING = (1 << 48) - 1
"""An offset that no file reaches: ids have room for smaller ones."""
_BLOCK = 1 << 16


class Starts(Protocol):
    """What must be known of the past; the state implements it."""

    def is_started(self, input_name: str) -> bool:
        """Whether all files that an input found first were opened once."""

    def start(self, input_name: str) -> None:
        """Record that they were."""


class Beginnings:
    """Remembers how long files were at the first look; a restart before all of them were opened looks first again.

    What appears after the first look is read from its beginning.
    """

    def __init__(self, inputs: Sequence[InputSettings], starts: Starts) -> None:
        self._starts = starts
        self._to_start = {item.name for item in inputs if not starts.is_started(item.name)}
        self._to_look = {item.name for item in inputs if item.start_at == "now"} & self._to_start
        self._sizes: dict[Key, int] = {}

    def looked(self, settings: InputSettings, files: Sequence[Found]) -> None:
        """Take note of the files of an input; only the first look counts."""
        if settings.name in self._to_look:
            self._to_look.remove(settings.name)
            for found in files:
                self._sizes[found.key(settings.name)] = found.status.st_size

    def opened(self, *, left: int) -> None:
        """So many files of the last look are left to be opened; with the last of them, inputs are started for good."""
        if not left and self._to_start:
            for name in self._to_start:
                self._starts.start(name)
            self._to_start.clear()

    def start_of(self, settings: InputSettings, found: Found, content: Content) -> Mark | None:
        """Where the new lines of a file begin; one of which only the beginning was there is new."""
        size = self._sizes.get(found.key(settings.name), 0)
        if size and content.compressed:
            return Mark(EVERYTHING, MarkKind.START, "")
        return start_at(content, min(size, found.status.st_size))

    def known(self, settings: InputSettings, found: Found) -> None:
        """A file was recognised: should there be another under its inode, it is a new one."""
        self._sizes.pop(found.key(settings.name), None)


def start_at(content: Content, offset: int) -> Mark | None:
    """The mark by which all before the line that an offset lies in is not shipped; None if that is nothing."""
    offset = _line_start(content, offset)
    return Mark(offset, MarkKind.START, f"{guard_at(content, offset):016x}") if offset else None


def begins_there(mark: Mark, content: Content) -> bool:
    """Whether what stands before the start of one file also stands there in another."""
    return mark.kind is MarkKind.START and mark.value == f"{guard_at(content, mark.offset):016x}"


def _line_start(content: Content, offset: int) -> int:
    """The end of the last whole line before an offset."""
    while offset > 0:
        block = content.pread(min(_BLOCK, offset), max(0, offset - _BLOCK))
        newline = block.rfind(b"\n")
        if newline >= 0:
            return max(0, offset - _BLOCK) + newline + 1
        offset -= _BLOCK
    return 0
