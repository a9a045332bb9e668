"""Waking up when something happens to files. A convenience: whatever an event misses, the next rescan finds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from shipper.clock import Bell
from shipper.events_log import EventsLog
from shipper.read.discover import fixed_folders
from shipper.read.sizes import Sizes
from shipper.settings import InputSettings


class Heard(NamedTuple):
    """What happened since somebody asked last."""

    grown: frozenset[str]
    """Paths of files that were written to."""
    names: bool
    """Whether files appeared, vanished or were renamed."""


NOTHING = Heard(frozenset(), names=False)


class Changes:
    """What the watcher hears, kept until the agent asks."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._lock = Lock()
        self._grown: set[str] = set()
        self._names = False

    def note(self, path: str, *, names: bool) -> None:
        """A file was written to, or (`names`) appeared, vanished or was renamed."""
        with self._lock:
            self._grown.add(path)
            self._names = self._names or names
        self._bell.ring()

    def take(self) -> Heard:
        """What was noted since the last call."""
        with self._lock:
            heard = Heard(frozenset(self._grown), self._names)
            self._grown.clear()
            self._names = False
        return heard


class Watcher:
    """Notes changes below the folders of the inputs that say `watch: inotify`."""

    def __init__(self, inputs: Sequence[InputSettings], changes: Changes, sizes: Sizes, events: EventsLog) -> None:
        self._observer = Observer()
        handler = _Handler(changes, sizes)
        folders = {folder for item in inputs if item.watch == "inotify" for folder in fixed_folders(item)}
        kinds = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent, FileClosedEvent]
        for folder in sorted(folders):
            try:
                self._observer.schedule(handler, str(folder), recursive=True, event_filter=list(kinds))
            except OSError as error:
                events.warning("watch_failed", folder=str(folder), problem=str(error))
        try:
            self._observer.start()
        except OSError as error:  # the limit of inotify watches, most often: rescans go on without
            events.warning("watch_failed", folder="all", problem=str(error))

    def close(self) -> None:
        """Stop watching."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, changes: Changes, sizes: Sizes) -> None:
        self._changes = changes
        self._sizes = sizes

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = os.fsdecode(event.src_path)
        written = isinstance(event, FileModifiedEvent | FileClosedEvent)
        if written:
            self._sizes.look(path)
        else:
            self._sizes.forget(path)
        self._changes.note(path, names=not written)
