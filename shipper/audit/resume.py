"""The progress of an audit, kept in a file, so that one that was interrupted goes on where it was.

The file has a line for each piece of work that is done: a hash of all that its result is a function of, the result,
and when it was done. So nothing of it can be wrong for an audit that asks for the same; what changed meanwhile has
another hash, and is done again. What the state and the index say is no such piece: they are asked anew.

Lines are written as the work is done, each with a checksum. The end of a line that was broken off, and lines that were
damaged, count for nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_64_hexdigest, xxh3_128_hexdigest

from shipper import __version__
from shipper.errors import UsageError

_MAGIC = b"shipper audit progress "
_HEADER = _MAGIC + f"1 of shipper {__version__}\n".encode()
_CHECKSUM = 16


class Work(NamedTuple):
    """The result of a piece of work, from an earlier part of the audit."""

    result: Any
    """As JSON has it."""
    at: float
    """When it was done, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an audit took from an earlier part of it."""

    files: int
    """Files that were not read again."""
    bytes: int
    """Their size on disk."""
    compared_lines: int
    """Lines whose documents were not made again and compared."""
    since: float
    """When the first of the parts that did it began, in seconds since the epoch."""
    until: float
    """When the last of them began."""


class Journal:
    """What is remembered of an audit: of this one nothing. It is read and compared whole."""

    def __init__(self) -> None:
        self.pieces = 0
        """Pieces of work that were done, of this part and of earlier ones."""

    @property
    def resumed(self) -> Resumed | None:
        """What was taken from an earlier part."""
        return None

    def recall(self, key: str) -> Work | None:  # noqa: ARG002  there is nothing to look it up in
        """What a piece of work came to, if it was done in an earlier part of the audit."""
        return None

    def keep(self, key: str, result: Any, at: float) -> None:  # noqa: ARG002  of this one only the number is told
        """Remember what a piece of work came to, and when (seconds since the epoch) it was done."""
        self.pieces += 1

    def took(self, key: str, at: float, *, files: int = 0, size: int = 0, lines: int = 0) -> None:
        """Count what was taken from an earlier part, of that time."""


NO_JOURNAL = Journal()


class JournalFile(Journal):
    """A journal in a file, which is made anew. Its folder must be there; raises OSError."""

    def __init__(self, path: Path, earlier: Earlier | None = None) -> None:
        super().__init__()
        self.path = path
        self.obstacle = ""
        """Why no more could be kept."""
        self._earlier = earlier.lines if earlier else {}
        self._taken: dict[str, tuple[float, int, int, int]] = {}
        self._descriptor = self._made()

    def recall(self, key: str) -> Work | None:
        """As for every journal."""
        line = self._earlier.get(key)
        if line is None:
            return None
        work = orjson.loads(line[_CHECKSUM:])
        return Work(work["result"], work["at"])

    def keep(self, key: str, result: Any, at: float) -> None:
        """As for every journal. Where the disk is full, the audit goes on without keeping more."""
        if self.obstacle:
            return
        content = orjson.dumps({"key": key, "at": at, "result": result}, default=tuple)
        try:
            self._write(xxh3_64_hexdigest(content).encode() + content + b"\n")
            self.pieces += 1
        except OSError as error:
            self.obstacle = f"{self.path}: {error.strerror}"

    def took(self, key: str, at: float, *, files: int = 0, size: int = 0, lines: int = 0) -> None:
        """As for every journal; the same piece of work counts once."""
        self._taken[key] = (at, files, size, lines)

    @property
    def resumed(self) -> Resumed | None:
        """What was taken from the earlier part, if anything was."""
        if not self._taken:
            return None
        times, files, sizes, lines = zip(*self._taken.values(), strict=True)
        return Resumed(sum(files), sum(sizes), sum(lines), min(times), max(times))

    def is_there(self) -> bool:
        """Whether the file is still the one that this audit writes."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return False

    def finish(self) -> None:
        """The audit is done: there is nothing to go on with."""
        if self.is_there():
            self.path.unlink()

    def close(self) -> None:
        """Leave the file as it is."""
        os.close(self._descriptor)

    def _made(self) -> int:
        """A new file in the place of an earlier one, at once with all that is known already."""
        descriptor, name = mkstemp(prefix=f"{self.path.name}.", dir=self.path.parent)
        self._descriptor = descriptor
        try:
            self._write(_HEADER)
            for line in self._earlier.values():
                self._write(line + b"\n")
            Path(name).replace(self.path)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                Path(name).unlink()
            raise
        self.pieces = len(self._earlier)
        return descriptor

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class Earlier(NamedTuple):
    """What an earlier part of an audit left behind."""

    lines: dict[str, bytes]
    """By key, as they stand in the file."""
    problem: str = ""
    """Why some of it, or all, does not count; a sentence."""


def read_earlier(path: Path) -> Earlier | None:
    """What a journal file holds; None if there is none. Raises UsageError if it is another file, which is kept."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Earlier({}, f"{path}: {error.strerror}. The audit begins anew.")
    if not data.startswith(_MAGIC):
        if data.strip(b"\0"):
            raise UsageError(f"--resume {path}: this is not the progress of an audit, so it is left as it is.")
        return Earlier({}, f"{path}: nothing was written to it. The audit begins anew.")
    if not data.startswith(_HEADER):
        return Earlier({}, f"{path}: another version of shipper wrote it, or it is damaged. The audit begins anew.")
    return _checked(path, data[len(_HEADER) :].split(b"\n")[:-1])


def _checked(path: Path, lines: list[bytes]) -> Earlier:
    found: dict[str, bytes] = {}
    damaged = 0
    for line in lines:
        content = line[_CHECKSUM:]
        if xxh3_64_hexdigest(content).encode() == line[:_CHECKSUM]:
            found[orjson.loads(content)["key"]] = line
        else:
            damaged += 1
    if not damaged:
        return Earlier(found)
    return Earlier(found, f"{path}: {damaged:,} of {len(lines):,} entries are damaged; what they were about is redone.")


def key_of(*parts: Any) -> str:
    """The key of a piece of work: a hash of all that its result is a function of, in JSON's types."""
    return xxh3_128_hexdigest(orjson.dumps(parts, default=tuple))
