"""Waking up when something happens to files. A convenience: whatever an event misses, the next rescan finds."""

from __future__ import annotations

from collections.abc import Sequence

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
from shipper.settings import InputSettings


class Watcher:
    """Rings the bell at changes below the folders of the inputs that say `watch: inotify`."""

    def __init__(self, inputs: Sequence[InputSettings], bell: Bell, events: EventsLog) -> None:
        self._observer = Observer()
        handler = _Ringer(bell)
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


class _Ringer(FileSystemEventHandler):
    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002  what changed is found by looking
        self._bell.ring()
