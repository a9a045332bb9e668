"""No room for the state: the agent waits, says so, at first at once and then ever rarer, and goes on by itself.

`status` learns it from a small file beside the state, which has its block on disk before there is none left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from shipper.clock import Bell, Clock
from shipper.errors import StateError
from shipper.events_log import EventsLog

NOTE_NAME = "stall.json"
SCOPE = "state"
_NOTE_SIZE = 4096
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0


class Note(NamedTuple):
    """What stands in the file."""

    reason: str
    since: float
    """Seconds since the epoch."""


class WaitForRoom:
    """Waits until there is room, or until the agent gives up. One line in the log for each doubling of the time."""

    def __init__(
        self, folder: Path, clock: Clock, bell: Bell, events: EventsLog, giving_up: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._bell = bell
        self._events = events
        self._giving_up = giving_up
        self._since: float | None = None
        self._tell_after = 0.0
        self._pause = _FIRST_PAUSE

    def wait(self, problem: str) -> None:
        """Wait a little. Raises StateError when the agent gives up."""
        reason = f"no room for the state in {self._folder}: {problem}"
        now = self._clock.monotonic()
        if self._since is None:
            self._since, self._tell_after = now, 0.0
            write_note(self._folder, Note(reason, self._clock.time()))
        if self._giving_up():
            raise StateError(
                f"There is {reason}. Nothing is lost: what could not be recorded is read and sent by the next run. "
                "Make room on that disk."
            )
        waited = now - self._since
        if waited >= self._tell_after:
            self._events.warning("state_stalled", reason=reason, seconds=round(waited, 1))
            self._tell_after = max(1.0, 2 * waited)
        until = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        while (left := until - self._clock.monotonic()) > 0 and not self._giving_up():
            self._clock.wait(self._bell, left)

    def found(self) -> None:
        """There is room again."""
        seconds = self._clock.monotonic() - (self._since or 0.0)
        self._since, self._pause = None, _FIRST_PAUSE
        write_note(self._folder, None)
        self._events.info("state_resumed", seconds=round(seconds, 1))
        self._bell.ring()  # waiting has silenced it


def write_note(folder: Path, note: Note | None) -> None:
    """Write the note in place, or blank it: its blocks on disk stay the same."""
    text = json.dumps(note._asdict()) if note else ""
    path = folder / NOTE_NAME
    # Where not even this can be written, the log alone tells of the stall.
    with suppress(OSError), path.open("r+b" if path.exists() else "w+b") as file:
        file.write(text.encode()[:_NOTE_SIZE].ljust(_NOTE_SIZE))


def read_note(folder: Path) -> Note | None:
    """The note, if something stands in it."""
    try:
        text = (folder / NOTE_NAME).read_bytes().strip()
    except FileNotFoundError:
        return None
    with suppress(ValueError):  # it is being written
        return Note(**json.loads(text))
    return None
