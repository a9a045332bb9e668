"""Log files as records: whatever the pipelines make of them, whole files from the beginning, also compressed ones."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from shipper.correlate.entries import Entry
from shipper.errors import SourceError, UsageError
from shipper.parse.definition import about, load_pipeline
from shipper.parse.guard import Guard
from shipper.read.discover import Found, closed_folders, discover
from shipper.read.files import Content, open_found
from shipper.records import Document, Event, Parsed
from shipper.settings import InputSettings
from shipper.whole_logs import WholeLog, blocks_of, parsed

EVENT_SECONDS = 1.0
"""Processor time that parsing one event may take."""

Progress = Callable[[int, int], None]
"""Called with the number of files that were read, and of all."""


class Logs:
    """The files of one kind of log."""

    def __init__(
        self,
        settings: InputSettings,
        host: str = "",
        pipeline_dirs: Sequence[Path] = (),
        pattern_dirs: Sequence[Path] = (),
    ) -> None:
        """Raises ConfigurationError where the pipeline is wrong."""
        self.problems = list(closed_folders(settings).values())
        """Files that could not be read to their end, folders that could not be looked into, and why: what they hold is
        not known."""
        self._host = host
        self._input = settings
        self._pipeline = load_pipeline(
            settings.pipeline,
            settings,
            pipeline_dirs=pipeline_dirs,
            pattern_dirs=pattern_dirs,
            guard=Guard(EVENT_SECONDS),
        )
        self.files = discover(settings)

    def entries(self, progress: Progress | None = None) -> Iterator[Entry]:
        """Every record that is no header and no blank line; one that was not understood has no fields of its own."""
        with self._pipeline.guard.on():
            for number, found in enumerate(self.files):
                if progress:
                    progress(number, len(self.files))
                try:
                    yield from self._of_file(found)
                except SourceError as error:
                    self.problems.append(str(error))
        if progress:
            progress(len(self.files), len(self.files))

    def _of_file(self, found: Found) -> Iterator[Entry]:
        log = WholeLog(str(found.path), found.status.st_mtime, lambda: blocks_of(lambda: _opened(found)))
        line = 1
        for events, made in parsed(log, self._pipeline, self._host, self._input.name):
            yield from _entries(made, events, line, log.name)
            line += sum(event.tally.lines for event in events)


def logs_at(pipeline: str, words: Sequence[str], timezone: str | None = None) -> Logs:
    """The files that words lead to: files, wildcards, and folders, below which those of the pipeline's log are taken.

    Raises UsageError where there is none.
    """
    names = [Path(file).name for file in about(pipeline).files] or ["*"]
    logs = Logs(InputSettings(pipeline, _globs(words, names), pipeline, timezone=timezone))
    if not logs.files and not logs.problems:
        raise UsageError(f"{' '.join(words)}: there is no such log file; looked for {', '.join(names)}.")
    return logs


def _entries(made: Parsed, events: Sequence[Event], first_line: int, path: str) -> Iterator[Entry]:
    line_at: dict[int, int] = {}
    for event in events:
        line_at[event.offset] = first_line
        first_line += event.tally.lines
    for document in (*made.documents, *(refusal.document for refusal in made.refused)):
        yield _entry(document, line_at[document.offset], path)


def _entry(document: Document, line: int, path: str) -> Entry:
    return Entry(document.id, path, orjson.loads(document.body), document.offset, line, document.tally.bytes)


def _opened(found: Found) -> Content:
    if found.problem:
        raise SourceError(found.problem)
    return open_found(found)


def _globs(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    patterns: list[str] = []
    for word in words:
        path = Path(word).absolute()
        if path.is_dir():
            patterns += [f"{glob.escape(str(path))}/**/{name}" for name in names]
        elif path.exists():
            patterns.append(glob.escape(str(path)))
        elif glob.has_magic(word):
            patterns.append(str(path))
        else:
            raise UsageError(f"{word}: there is no such file or folder.")
    return tuple(patterns)
