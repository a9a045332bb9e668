"""Files that cannot be told from others yet, and files and folders that cannot be read: each is said once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shipper.errors import OutputError
from shipper.events_log import EventsLog
from shipper.hashes import HEAD_LIMIT
from shipper.read.discover import Found, closed_folders
from shipper.read.files import Content, UnfinishedArchive
from shipper.settings import InputSettings

_FOLDERS = 60.0
"""Seconds between two looks for folders that cannot be listed."""


class Unidentified(NamedTuple):
    """A file that no row stands for yet."""

    input: str
    path: str
    size: int
    problem: str
    """`empty`, `header only`, `unfinished` or why it cannot be read."""
    lines: int = 0


class Troubles:
    """What keeps files from being read, as long as it is so."""

    def __init__(self, inputs: Sequence[InputSettings], events: EventsLog) -> None:
        self._inputs = inputs
        self._events = events
        self._folders: dict[str, str] = {}
        self._folders_due = 0.0
        self._files: dict[str, str] = {}
        self.unidentified: dict[str, Unidentified] = {}
        """By path: files that no row stands for yet."""
        self.unanswered = False
        """Whether the output did not answer what it was asked of a file."""

    @property
    def unreadable(self) -> dict[str, str]:
        """By path: why a file or a folder cannot be read."""
        return {**self._folders, **self._files}

    def look(self, now: float) -> None:
        """Begin another look at all files; `now` is monotonic. Folders are looked at now and then."""
        self.unidentified.clear()
        self._files = {path: problem for path, problem in self._files.items() if Path(path).exists()}
        if now >= self._folders_due:
            self._folders_due = now + _FOLDERS
            before, self._folders = self._folders, {}
            for settings in self._inputs:
                self._folders.update(closed_folders(settings))
            for path in self._folders.keys() - before.keys():
                self._events.error("file_unreadable", path=path, problem=self._folders[path])

    def cannot_read(self, path: str, error: Exception) -> None:
        """A file that cannot be read: said once, and remembered."""
        problem = _problem(path, error)
        if self._files.get(path) != problem:
            self._files[path] = problem
            self._events.error("file_unreadable", path=path, problem=problem)

    def can_read(self, path: str) -> None:
        """A file that was read."""
        self._files.pop(path, None)

    def too_short(self, settings: InputSettings, found: Found, content: Content) -> None:
        """A file that has too little content to be told from others."""
        head = content.pread(HEAD_LIMIT, 0)
        lines = head.count(b"\n") + (not head.endswith(b"\n")) if head else 0
        problem = "unfinished" if content.compressed else "header only" if head else "empty"
        self.cannot_tell(settings, found, problem, lines)

    def cannot_open(self, settings: InputSettings, found: Found, error: Exception) -> None:
        """A file of which nothing can be read, or of which the output must be asked first, and does not answer."""
        if isinstance(error, UnfinishedArchive):
            self.cannot_tell(settings, found, "unfinished")
            return
        self.unanswered = self.unanswered or isinstance(error, OutputError)
        path = str(found.path)
        self.cannot_tell(settings, found, _problem(path, error))
        self.cannot_read(path, error)

    def cannot_tell(self, settings: InputSettings, found: Found, problem: str, lines: int = 0) -> None:
        """A file that no row can stand for."""
        path = str(found.path)
        self.unidentified[path] = Unidentified(settings.name, path, found.status.st_size, problem, lines)


def _problem(path: str, error: Exception) -> str:
    """The sentence that says what is wrong; the system's own errors do not name the file."""
    return f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
