"""A part of a family as a drill-down compares it: its events on disk, and what became of each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipper.audit.drilldown.matching import DiskEvent, Matching
from shipper.audit.extents import Extent
from shipper.audit.families import Part
from shipper.audit.rules import Reading, Rules


@dataclass(slots=True)
class Comparison:
    """A part of a family, compared."""

    part: Part
    rules: Rules
    events: list[DiskEvent]
    """Those of the run, from the part's own start on."""
    reading: Reading
    """Its end, and what follows the last event."""
    ends_in_run: bool
    """Whether the file's end belongs to the run."""
    continues: bool
    """Whether the index holds documents beyond the run."""
    extent: Extent
    matching: Matching = field(default_factory=Matching)
    filtered: dict[int, str] = field(default_factory=dict)
    """Rules by offset of the absent events that they filtered."""
    refused: set[int] = field(default_factory=set)
    """Offsets of absent events that parsing refuses for good."""
    untold: Mapping[int, str] = field(default_factory=dict)
    """By bucket, what is to be said of dead letters of which it is not known which of the absent events they are."""

    def was_read_at(self, event: DiskEvent) -> int:
        """The offset of an event before the file was edited."""
        return self.matching.moved.get(event.id, event.offset)

    def why_absent(self, bucket: int) -> str:
        """Without a state: what is known of the absent events of a bucket."""
        return "the index does not hold it, and no state says why" + self.untold.get(bucket, "")

    def line_at(self, place: int) -> int:
        """The number of the line at a place of the file."""
        if not self.events:
            return 1
        number = bisect_right(self.events, place, key=lambda event: event.offset) - 1
        event = self.events[max(number, 0)]
        return event.line if place < event.end else event.line + event.tally.lines
