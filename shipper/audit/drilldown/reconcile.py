"""Which event on disk is which document in the index: pure comparison of two sequences.

An id is made of a line's place, its content and all lines before it, so equal ids need no further thought. They fail
only after a place where the file was edited: there every id changes, and every offset if a line's length changed. From
there on, contents (the tallies of events) are aligned: a *shift*, the distance between an event's place on disk and in
the index, holds until something does not fit and another shift explains more of what follows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from shipper.audit.drilldown.matching import Changed, DiskEvent, Matching, Surplus
from shipper.records import Stored, Tally

_NOTHING = Tally()
_WINDOW = 32
"""Events that are looked ahead at to choose a shift."""
_CREDIBLE = 3
"""Events that a shift must explain; fewer at the end of a file."""
_OCCURRENCES = 8
"""Documents of equal content that are considered as the partner of an event."""


def as_held(events: Sequence[DiskEvent], documents: Sequence[Stored]) -> list[DiskEvent]:
    """Events that follow each other, as one where a document holds just their lines.

    The pipeline that made it took lines together that the one of today takes apart.
    """
    longer = {document.id: document.tally for document in documents if document.tally.lines > 1}
    joined: list[DiskEvent] = []
    number = 0
    while number < len(events):
        event, wanted = events[number], longer.get(events[number].id, _NOTHING)
        last, tally = number + 1, event.tally
        while last < len(events) and tally.bytes < wanted.bytes:
            tally = tally.plus(events[last].tally)
            last += 1
        together = tally == wanted
        joined.append(event._replace(tally=tally) if together else event)
        number = last if together else number + 1
    return joined


def match_ids(events: Sequence[DiskEvent], documents: Sequence[Stored]) -> tuple[Matching, list[Stored]]:
    """Match by id; what is left of the events is `absent`, what is left of the documents is the second result."""
    matching = Matching()
    by_id: dict[str, Stored] = {}
    for document in documents:
        if document.id in by_id:
            matching.twice.append(document)
        else:
            by_id[document.id] = document
    for event in events:
        found = by_id.pop(event.id, None)
        if found is None:
            matching.absent.append(event)
        elif found.tally == event.tally and found.offset == event.offset:
            matching.stored[event.id] = found
        else:
            matching.changed.append(Changed(event, found))
    return matching, sorted(by_id.values(), key=lambda document: document.offset)


def match_contents(
    matching: Matching, events: Sequence[DiskEvent], rest: Sequence[Stored], unshipped: Collection[int] = ()
) -> None:
    """Align the absent events with the documents that are left, by content.

    `events` are all of the file; `unshipped` are the offsets of those that never had a document.
    """
    left, matching.absent = matching.absent, []
    pairs = _align(left, rest, unshipped) if left and rest else []
    if pairs:
        matching.edited_at = _edited_at(matching, events, left[pairs[0][0]].offset)
    _Settling(matching, unshipped).settle(left, rest, pairs)


def _edited_at(matching: Matching, events: Sequence[DiskEvent], first: int) -> int:
    """Where a file was edited, if `first` is the first place with a content whose id differs.

    An id knows no line of its event but the first. So an edit of the others shows in the ids of what follows, as one of
    lines that are not shipped and stand between would.
    """
    changed = {item.event.id: item for item in matching.changed}
    known = [event for event in events if event.offset < first and (event.id in matching.stored or event.id in changed)]
    if not known:
        return 0
    last = max(known, key=lambda event: event.end)
    item = changed.get(last.id)
    return last.offset if item and max(last.tally.lines, item.document.tally.lines) > 1 else last.end


class _Index:
    """Documents by place and by content, from a position on."""

    def __init__(self, documents: Sequence[Stored]) -> None:
        self._documents = documents
        self._by_offset: dict[int, list[int]] = defaultdict(list)
        self._by_content: dict[Tally, list[int]] = defaultdict(list)
        for number, document in enumerate(documents):
            self._by_offset[document.offset].append(number)
            self._by_content[document.tally].append(number)

    def at(self, event: DiskEvent, shift: int, floor: int) -> int | None:
        """The document of the event's content at its place under a shift."""
        for number in self._by_offset.get(event.offset - shift, ()):
            if number >= floor and self._documents[number].tally == event.tally:
                return number
        return None

    def shifts(self, event: DiskEvent, floor: int) -> list[tuple[int, int]]:
        """Documents that would explain the event, each with the shift that this means."""
        numbers = self._by_content.get(event.tally, [])
        first = bisect_left(numbers, floor)
        return [(n, event.offset - self._documents[n].offset) for n in numbers[first : first + _OCCURRENCES]]


def _align(
    events: Sequence[DiskEvent], documents: Sequence[Stored], unshipped: Collection[int]
) -> list[tuple[int, int]]:
    """Pairs of positions of an event and a document of the same content, ascending in both."""
    index = _Index(documents)
    pairs: list[tuple[int, int]] = []
    shift = floor = 0
    shipped = [(position, event) for position, event in enumerate(events) if event.offset not in unshipped]
    for turn, (position, event) in enumerate(shipped):
        number = index.at(event, shift, floor)
        if number is None:
            window = [following for _, following in shipped[turn : turn + _WINDOW]]
            shift = _best_shift(window, index, shift, floor)
            number = index.at(event, shift, floor)
        if number is not None:
            pairs.append((position, number))
            floor = number + 1
    return pairs


def _best_shift(window: Sequence[DiskEvent], index: _Index, current: int, floor: int) -> int:
    """Of the shifts that explain several of the next events, the one that leaves out least on both sides."""
    votes: Counter[int] = Counter()
    left_out: dict[int, int] = {}
    for position, event in enumerate(window):
        for number, shift in index.shifts(event, floor):
            votes[shift] += 1
            left_out.setdefault(shift, position + number - floor)
    enough = min(_CREDIBLE, (len(window) + 1) // 2)
    credible = [shift for shift, count in votes.items() if count >= enough or shift == current]
    return min(credible, key=lambda shift: (left_out[shift], shift != current, -votes[shift]), default=current)


class _Gap(NamedTuple):
    """What stands between two pairs."""

    events: Sequence[DiskEvent]
    documents: Sequence[Stored]
    before: int
    """The shift that held before it."""
    after: int | None
    """The shift that holds after it; None at the end."""


class _Settling:
    """Sorts what stands between the pairs into changed, absent and surplus."""

    def __init__(self, matching: Matching, unshipped: Collection[int]) -> None:
        self._matching = matching
        self._unshipped = unshipped

    def settle(
        self, events: Sequence[DiskEvent], documents: Sequence[Stored], pairs: Sequence[tuple[int, int]]
    ) -> None:
        """Settle the pairs and every gap between them."""
        shift = event_floor = document_floor = 0
        for position, number in pairs:
            event, document = events[position], documents[number]
            after = event.offset - document.offset
            self._gap(_Gap(events[event_floor:position], documents[document_floor:number], shift, after))
            self._matching.stored[event.id] = document
            shift, event_floor, document_floor = after, position + 1, number + 1
        self._gap(_Gap(events[event_floor:], documents[document_floor:], shift, None))

    def _gap(self, gap: _Gap) -> None:
        """Pair what stands in the same place; the rest is absent or surplus, by an edit as far as the shift tells."""
        matching, shift = self._matching, gap.before
        waiting = deque(gap.documents)
        absent: list[DiskEvent] = []
        surplus: list[Surplus] = []
        for event in gap.events:
            while waiting and waiting[0].offset + shift < event.offset:
                document = waiting.popleft()
                surplus.append(Surplus(document, document.offset + shift, removed=False))
            if waiting and waiting[0].offset + shift == event.offset and event.offset not in self._unshipped:
                document = waiting.popleft()
                matching.changed.append(Changed(event, document))
                shift += event.tally.bytes - document.tally.bytes
            else:
                absent.append(event)
                matching.moved[event.id] = event.offset - shift
        surplus += [Surplus(document, document.offset + shift, removed=False) for document in waiting]
        self._edited(absent, surplus, 0 if gap.after is None else gap.after - shift)

    def _edited(self, absent: Sequence[DiskEvent], surplus: Sequence[Surplus], grown: int) -> None:
        """Take in what is left of a gap; as much of it as explains by how much the file has grown is an edit."""
        matching = self._matching
        edited_at = matching.edited_at or 0  # what stands before it is as it was
        late = [item for item in surplus if item.place >= edited_at]
        removed = late[len(late) - _last(_sizes(late), -grown) :]
        wanted = grown + sum(_sizes(removed))
        after = [event for event in absent if event.offset >= edited_at]
        shipped = [event for event in after if event.offset not in self._unshipped]
        pool = shipped if sum(event.tally.bytes for event in shipped) == wanted else after
        added = _last([event.tally.bytes for event in pool], wanted)
        names = {item.document.id for item in removed}
        kept = [item for item in surplus if item.document.id not in names]
        matching.surplus += [*kept, *(item._replace(removed=True) for item in removed)]
        matching.absent += absent
        matching.added.update(event.id for event in pool[len(pool) - added :])


def _last(sizes: Sequence[int], wanted: int) -> int:
    """How many of the last ones have the wanted size in all; where no number of them has, and some are wanted, all."""
    if wanted <= 0:
        return 0
    size = count = 0
    while size < wanted and count < len(sizes):
        count += 1
        size += sizes[-count]
    return count if size == wanted else len(sizes)


def _sizes(surplus: Sequence[Surplus]) -> list[int]:
    return [item.document.tally.bytes for item in surplus]
