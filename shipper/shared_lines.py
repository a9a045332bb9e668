"""What two files of one fingerprint have in common, so that totals count it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, closing

from shipper.errors import SourceError
from shipper.hashes import chain_start
from shipper.operate.status import Look
from shipper.parse.definition import restore_pipeline
from shipper.parse.guard import Guard
from shipper.read.files import Content, open_content
from shipper.read.framing import frame
from shipper.read.identity import agreement, guard_at
from shipper.records import BUCKET_BITS, FileRow, MarkKind, Source

_BLOCK = 256 * 1024
_LIMIT = 1 << BUCKET_BITS
"""Bytes of a common beginning that are parsed again; beyond it the ledger's buckets tell what is shared."""


class SharedLines:
    """Compares files by what stands in them now."""

    def __init__(
        self,
        host: str,
        looks: Mapping[int, Look],
        definitions: Mapping[str, str],
        dead: Mapping[str, str],
        parse_timeout: float = 1.0,
    ) -> None:
        """`definitions` of pipelines by version; `dead` has the categories of dead letters by id."""
        self._guard = Guard(parse_timeout)
        self._host = host
        self._looks = looks
        self._definitions = definitions
        self._dead = dead

    def __call__(self, longer: FileRow, shorter: FileRow) -> Mapping[str, int] | None:
        """Lines by fate that the longer file shares with what the shorter one has settled; None means all of them.

        A file that cannot be read is taken to hold all: copies are why two files have one fingerprint.
        """
        paths = [self._looks[row.id] for row in (longer, shorter)]
        if not _readable(paths[0]):
            return None
        try:
            with ExitStack() as files:
                first = files.enter_context(closing(open_content(paths[0].path)))
                if guard_at(first, shorter.offset) == shorter.guard:
                    return None
                if not _readable(paths[1]):
                    return {}
                second = files.enter_context(closing(open_content(paths[1].path)))
                return self._fates(shorter, common_beginning(first, second, min(shorter.offset, _LIMIT)))
        except (SourceError, OSError):
            return None

    def _fates(self, row: FileRow, beginning: bytes) -> Mapping[str, int]:
        """How the lines of a file's beginning were settled: made again, because the ledger has only sums."""
        versions = [mark.value for mark in row.marks if mark.kind is MarkKind.PIPELINE and mark.offset < len(beginning)]
        if len(beginning) >= _LIMIT or len(versions) != 1 or versions[0] not in self._definitions:
            return {}
        pipeline = restore_pipeline(self._definitions[versions[0]], self._guard)
        cuts = {mark.offset for mark in row.marks if mark.kind is MarkKind.CUT}
        chain = chain_start(self._host, row.input)
        events = frame(beginning, 0, chain, pipeline.framing, cuts, final=False).events
        source = Source(self._host, row.input, row.path, row.fingerprint, row.id)
        with self._guard.on():
            parsed = pipeline.parser(source, row.marks, None).parse(events, modified=0.0, at_end=False)
        lines: Counter[str] = Counter()
        for document in parsed.documents:
            category = self._dead.get(document.id)
            lines["stored" if category is None else f"dead:{category}"] += document.tally.lines
        for _, rule, tally in parsed.filtered:
            lines[f"filtered:{rule}"] += tally.lines
        for refusal in parsed.refused:
            lines[f"dead:{refusal.category}"] += refusal.document.tally.lines
        return lines


def common_beginning(one: Content, other: Content, limit: int) -> bytes:
    """The whole lines with which both contents begin, at most so many bytes."""
    same: list[bytes] = []
    position = 0
    while position < limit:
        left, right = (content.pread(min(_BLOCK, limit - position), position) for content in (one, other))
        length = agreement(left, right)
        same.append(left[:length])
        position += length
        if not length or length < max(len(left), len(right)):
            break
    data = b"".join(same)
    return data[: data.rfind(b"\n") + 1]


def _readable(look: Look) -> bool:
    return not (look.gone or look.problem or (look.compressed and look.size > _LIMIT))
