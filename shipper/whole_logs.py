"""A whole log through a pipeline, as a finished file from beginning to end: nothing is shipped or remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from shipper.hashes import HEAD_LIMIT, fingerprint, head_length
from shipper.parse.pipeline import Pipeline
from shipper.read.files import Content
from shipper.read.framing import BLOCK, read_events
from shipper.records import Event, Parsed, Source


@dataclass(frozen=True, slots=True)
class WholeLog:
    """A log, whose content can be had more than once."""

    name: str
    """Its path, or what stands for it in documents."""
    modified: float
    """Seconds since the epoch."""
    blocks: Callable[[], Iterator[bytes]]
    """Begins with its uncompressed content. May raise SourceError."""


def blocks_of(opened: Callable[[], Content]) -> Iterator[bytes]:
    """The content of a file that is opened for it, and closed at the end. Raises SourceError."""
    with closing(opened()) as content:
        while block := content.read(BLOCK):
            yield block


def parsed(log: WholeLog, pipeline: Pipeline, host: str, input_name: str) -> Iterator[tuple[Sequence[Event], Parsed]]:
    """The log's events, in lists, and what the pipeline makes of them. Raises SourceError."""
    source = Source(host, input_name, log.name, fingerprint(host, input_name, _head(log.blocks())))
    marks = [pipeline.date_mark(log.blocks(), path=log.name, modified=log.modified)] if pipeline.needs_date else []
    parser = pipeline.parser(source, marks, None)
    for events in read_events(_Blocks(log.blocks()), pipeline.framing, host, input_name, (), final=True):
        yield events, parser.parse(events, modified=log.modified, at_end=False)


def _head(blocks: Iterable[bytes]) -> bytes:
    """The head that names the file."""
    data = b""
    for block in blocks:
        data += block
        if len(data) >= HEAD_LIMIT:
            break
    return data[: head_length(data, complete=True) or 0]


class _Blocks:
    """Blocks as something to read from; each read gives one of them, whatever its size."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002  the reader takes what comes
        """The next block; empty at the end."""
        return next(self._blocks, b"")
