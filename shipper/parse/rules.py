"""What a checked definition says, as compiled parts that run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from shipper.parse.derive import Formula
from shipper.parse.enrich import DateCopy, Drop, MappedCopy, PlainCopies, Redaction, ScaledCopy
from shipper.parse.fields import Fields, TypeTable
from shipper.parse.inference import Undeclared
from shipper.parse.shapes import Shapes
from shipper.parse.steps import Chain
from shipper.parse.timestamps import TimeReader


@dataclass(frozen=True, slots=True)
class Rules:
    """What a definition says, ready to run."""

    header: re.Pattern[str] | None
    drop_blank: bool
    redaction: Redaction | None
    steps: Chain
    dates: Sequence[DateCopy]
    types: TypeTable
    undeclared: Undeclared | None
    """Which names get a type by their first value; None where all are declared."""
    copies: Sequence[PlainCopies | ScaledCopy | MappedCopy]
    formulas: Sequence[Formula]
    constants: Fields
    drops: Sequence[Drop]
    remove: frozenset[str]
    shapes: Shapes | None
    """The short way, where the definition allows it; it makes no difference but of speed."""
    times: Sequence[TimeReader]
    by_modification: bool
    """Whether the log has no times of its own and is dated by marks alone."""
    zone: ZoneInfo
    takes_timezone: bool
    """Whether the input's `timezone` makes a difference: some definitions say the zone of all their times."""
    encoding: str
    """Of the text; bytes that it does not know become escapes."""
    since: int
    """Nanoseconds since the epoch: events before it are not shipped."""

    @property
    def needs_date(self) -> bool:
        """Whether some times lack their year or date, or all of them."""
        return self.by_modification or any(reader.needs_date for reader in self.times)
