"""Writers of named events: readable text on a terminal, JSON with the journal's priorities under systemd."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from shipper.events_log import Value, Write, text_writer

_PRIORITIES = {"info": 6, "warning": 4, "error": 3}
"""Of syslog: systemd takes `<n>` at the beginning of a line as its priority."""


def writer_for(stream: TextIO, environment: Mapping[str, str], now: Callable[[], float]) -> Write:
    """The writer that suits where the stream ends: the journal, or a person's eyes."""
    return journal_writer(stream, now) if leads_to_journal(stream, environment) else text_writer(stream)


def leads_to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether systemd connected this very stream to the journal: it says so by device and inode."""
    told = environment.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # a stream in memory has no descriptor
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


def journal_writer(stream: TextIO, now: Callable[[], float]) -> Write:
    """A writer of one JSON object per line, after the priority that systemd understands.

    `time`, `level` and `event` come first; a field of the same name does not replace them.
    """

    def write(level: str, event: str, fields: dict[str, Value]) -> None:
        moment = datetime.fromtimestamp(now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Value] = {"time": moment, "level": level, "event": event}
        line |= {key: value for key, value in fields.items() if key not in line}
        # The standard encoder, because it also takes file names that are not UTF-8.
        stream.write(f"<{_PRIORITIES[level]}>{json.dumps(line)}\n")
        stream.flush()

    return write
