"""Where disk and index differ: which of the two was changed, as far as it can be proved."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

import orjson

from shipper.audit.claims import DEAD
from shipper.audit.context import Context
from shipper.audit.drilldown.comparison import Comparison
from shipper.audit.drilldown.matching import Changed, DiskEvent
from shipper.audit.families import Family
from shipper.audit.findings import Cause
from shipper.read.framing import SPLIT, holds
from shipper.records import Stored


class Sides:
    """Tells the sides of one comparison apart."""

    def __init__(self, context: Context, family: Family, comparison: Comparison) -> None:
        self._context = context
        self._family = family
        self._comparison = comparison

    def edited_at(self) -> int | None:
        """Offset from which on the file is not what was read."""
        matching = self._comparison.matching
        edited = (
            item for item in matching.changed if item.event.id != item.document.id or self._is_edited_within(item)
        )
        places = [item.event.offset for item in edited]
        if matching.edited_at is not None:
            places.append(matching.edited_at)
        return min(places, default=None)

    def changed(self, changed: Changed) -> Cause:
        """An equal id proves the first line on disk; a document that agrees with its tally, or is ours, the index."""
        event, document = changed
        if event.id == document.id:
            return Cause.CHANGED_ON_DISK if self._is_edited_within(changed) else Cause.CHANGED_IN_INDEX
        if self._is_as_read(event.offset) or document.place == DEAD or self._is_consistent(document):
            return Cause.CHANGED_ON_DISK
        return Cause.CHANGED

    def _is_edited_within(self, changed: Changed) -> bool:
        """Whether lines were edited that the event's id does not know: those after its first one.

        The ids of what follows know them.
        """
        event, document = changed
        if max(event.tally.lines, document.tally.lines) < 2:
            return False
        if self._comparison.matching.edited_at == event.offset:
            return True
        following = self._event_at(event.end)
        if following is not None and self._keeps_its_id(following):
            return False
        return self._is_consistent(document)

    def _is_as_read(self, offset: int) -> bool:
        """Whether all before a place is as it was read."""
        if offset == 0:
            return True
        events = self._comparison.events
        before = bisect_left(events, offset, key=lambda event: event.offset) - 1
        return before >= 0 and events[before].end == offset and self._keeps_its_id(events[before])

    def _event_at(self, offset: int) -> DiskEvent | None:
        events = self._comparison.events
        number = bisect_left(events, offset, key=lambda event: event.offset)
        return events[number] if number < len(events) and events[number].offset == offset else None

    def _keeps_its_id(self, event: DiskEvent) -> bool:
        stored = self._comparison.matching.stored.get(event.id)
        return stored is not None and stored.id == event.id

    def _is_consistent(self, document: Stored) -> bool:
        """Whether the tally of a document is that of its text; of a piece of a line, after the pieces before it."""
        text, before, begin = self._text(document), b"", document.offset
        while not any(holds(data, before, document.tally) for data in (text + b"\n", text)):
            piece = self._held_until.get(begin) if SPLIT in document.tags else None
            if piece is None or SPLIT not in piece.tags:
                return False
            before, begin = self._text(piece).rpartition(b"\n")[2] + before, piece.offset
        return True

    def _text(self, document: Stored) -> bytes:
        bodies = self._context.bodies(self._family, [document.id])
        return str(orjson.loads(bodies[document.id]).get("message", "")).encode(errors="surrogatepass")

    @cached_property
    def _held_until(self) -> dict[int, Stored]:
        """The documents by the offset where their event ended."""
        matching = self._comparison.matching
        held = [*matching.stored.values(), *(changed.document for changed in matching.changed)]
        return {document.offset + document.tally.bytes: document for document in held if document.place != DEAD}
