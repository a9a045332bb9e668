"""What a finding is about: a file as disk, ledger and index know it, and the stretch of it that is concerned."""

from __future__ import annotations

from typing import NamedTuple

from shipper.audit.findings import Cause, Finding, Kind
from shipper.records import Tally


class Stretch(NamedTuple):
    """Adjacent lines of a file; the whole of it, or of something that is no file, if nothing is said."""

    offset: int | None = None
    """Where it begins."""
    tally: Tally = Tally()
    """Of its lines; where they are known, a piece of one counts as one."""
    line: int | None = None
    """Number of its first line (1-based), where that is known."""


WHOLE = Stretch()


class Subject(NamedTuple):
    """A file of an input of a host; where the other parts are empty an input, or a host."""

    host: str
    input: str = ""
    fingerprint: str = ""
    path: str = ""

    def finding(
        self, kind: Kind, cause: Cause, evidence: str, stretch: Stretch = WHOLE, repair: str | None = None
    ) -> Finding:
        """What is wrong with a stretch of it."""
        offset, tally, line = stretch
        lines = tally.lines if line is None else max(tally.lines, 1)
        return Finding(
            kind=kind,
            cause=cause,
            input=self.input,
            host=self.host,
            fingerprint=self.fingerprint,
            path=self.path,
            offset=offset,
            first_line=line,
            last_line=None if line is None else line + lines - 1,
            lines=lines,
            bytes=tally.bytes,
            evidence=evidence,
            repair=repair,
        )
