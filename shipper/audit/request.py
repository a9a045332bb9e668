"""What an audit is asked, and which files and families that concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from shipper.audit.context import Level
from shipper.audit.disk import DiskFile
from shipper.audit.families import Family
from shipper.audit.window import EVERYTHING, Window
from shipper.read.discover import may_hold
from shipper.settings import InputSettings

GRACE = 900.0
"""Seconds, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an audit is asked."""

    level: Level = Level.DISK
    use_state: bool = True
    inputs: tuple[str, ...] = ()
    """Names of inputs; empty means all."""
    paths: tuple[str, ...] = ()
    """Globs, and folders for all that is below them; empty means all files."""
    window: Window = EVERYTHING
    """Event time: limits which files and buckets are looked at."""
    grace: float = GRACE
    """Without state: seconds since a file changed for which its last lines may still be under way."""
    settle: float = 0.0
    """Without state: seconds after which a hole must still be there to count: the deadline of a request."""

    @property
    def reads_files(self) -> bool:
        """Whether the files are read, and not the ledger alone."""
        return self.level is not Level.LEDGER

    def chosen(self, inputs: Sequence[InputSettings]) -> list[InputSettings]:
        """Those of some inputs that it is about."""
        return [item for item in inputs if not self.inputs or item.name in self.inputs]

    def is_about(self, family: Family) -> bool:
        """Whether one of a family's paths is meant: those on disk, or, where none is, those of the state."""
        paths = [str(file.path) for file in family.files] or [claim.row.current_path for claim in family.claims]
        return not self.paths or any(self._names(path) for path in paths)

    def is_about_unknown(self, file: DiskFile) -> bool:
        """Whether a file of which nothing but its place and its times is known is meant."""
        if self.window.is_after(file):
            return False
        if file.is_folder:
            return not self.paths or any(may_hold(str(file.path), pattern) for pattern in self.paths)
        return not self.paths or self._names(str(file.path))

    def _names(self, path: str) -> bool:
        return any(fnmatch(path, pattern) or fnmatch(path, f"{pattern.rstrip('/')}/*") for pattern in self.paths)
