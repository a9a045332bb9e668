"""The comparison of sequences, against what was done to them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shipper.audit.drilldown.matching import DiskEvent, Matching
from shipper.audit.drilldown.reconcile import match_contents, match_ids
from shipper.hashes import chain_start, chains, document_ids, line_tallies
from shipper.records import Stored

MARK = "0123456789abcdef"


def lines_of(numbers: Sequence[int]) -> list[bytes]:
    return [b"%d %s\n" % (number, b"x" * (number * 7 % 23)) for number in numbers]


def disk(lines: Sequence[bytes]) -> list[DiskEvent]:
    """Events of a file of single lines."""
    events, offset = [], 0
    for number, (line, tally, chain) in enumerate(
        zip(lines, line_tallies(lines), chains(lines, chain_start("h", "i")), strict=True), 1
    ):
        events.append(DiskEvent(document_ids(MARK, [(offset, chain)])[0], offset, tally, number))
        offset += len(line)
    return events


def stored(lines: Sequence[bytes]) -> list[Stored]:
    """The documents of such a file."""
    return [Stored(event.id, event.offset, event.tally, "p", "index", "/a") for event in disk(lines)]


def compared(events: list[DiskEvent], documents: list[Stored]) -> Matching:
    matching, rest = match_ids(events, documents)
    match_contents(matching, events, rest)
    return matching


def test_equal_sequences_match_by_id() -> None:
    lines = lines_of(range(10))
    matching = compared(disk(lines), stored(lines))
    assert len(matching.stored) == 10
    assert (matching.absent, matching.changed, matching.surplus, matching.edited_at) == ([], [], [], None)


def test_a_hole_beside_repeated_lines_is_found_by_place() -> None:
    lines = [b"same\n"] * 10
    documents = stored(lines)
    del documents[6]
    assert [event.line for event in compared(disk(lines), documents).absent] == [7]


def test_a_repeated_line_that_is_dropped_is_one_surplus() -> None:
    lines = [b"same\n"] * 10
    matching = compared(disk(lines[:-1]), stored(lines))
    assert (len(matching.surplus), matching.absent, matching.changed) == (1, [], [])


def test_a_big_hole_after_an_edit_does_not_lead_astray() -> None:
    lines = lines_of(range(500))
    documents = stored(lines)
    del documents[100:300]
    matching = compared(disk(lines[:50] + lines[51:]), documents)
    assert [item.document.offset for item in matching.surplus] == [sum(map(len, lines[:50]))]
    assert [event.line for event in matching.absent] == list(range(100, 300))
    assert matching.changed == []


@given(
    count=st.integers(1, 200),
    dropped=st.sets(st.integers(0, 199), max_size=6),
    deleted=st.sets(st.integers(0, 199), max_size=6),
    altered=st.sets(st.integers(0, 199), max_size=6),
    added=st.sets(st.integers(0, 199), max_size=4),
)
def test_any_mix_of_separate_damage_is_told_apart(
    count: int, dropped: set[int], deleted: set[int], altered: set[int], added: set[int]
) -> None:
    kinds = {number: kind for kind, numbers in enumerate((deleted, altered, dropped, added)) for number in numbers}
    chosen: dict[int, int] = {}
    for number in sorted(number for number in kinds if number < count):
        # Damage in one place is ambiguous by nature: keep some whole lines between, and before the end.
        if number - max(chosen, default=-9) >= 9 and number + 9 < count:
            chosen[number] = kinds[number]
    lines = lines_of(range(count))
    kept: list[bytes] = []
    for number, line in enumerate(lines):
        kind = chosen.get(number)
        if kind == 3:
            kept.append(b"added %d\n" % number)
        if kind != 2:
            kept.append(b"altered %d\n" % number if kind == 1 else line)
    documents = [document for number, document in enumerate(stored(lines)) if chosen.get(number) != 0]
    events = disk(kept)
    matching = compared(events, documents)
    texts = dict(zip((event.id for event in events), kept, strict=True))
    offsets = [document.offset for document in stored(lines)]
    assert {texts[event.id] for event in matching.absent if event.id not in matching.added} == {
        lines[number] for number, kind in chosen.items() if kind == 0
    }
    assert {texts[name] for name in matching.added} == {b"added %d\n" % n for n, k in chosen.items() if k == 3}
    assert {texts[item.event.id] for item in matching.changed} == {
        b"altered %d\n" % number for number, kind in chosen.items() if kind == 1
    }
    assert {(item.document.offset, item.removed) for item in matching.surplus} == {
        (offsets[number], True) for number, kind in chosen.items() if kind == 2
    }


@given(
    on_disk=st.lists(st.sampled_from([b"a\n", b"bb\n", b"ccc\n"]), max_size=30),
    in_index=st.lists(st.sampled_from([b"a\n", b"bb\n", b"ccc\n"]), max_size=30),
)
def test_every_event_and_document_is_in_exactly_one_place_whatever_they_are(
    on_disk: list[bytes], in_index: list[bytes]
) -> None:
    events, documents = disk(on_disk), stored(in_index)
    matching = compared(events, documents)
    names = [*matching.stored, *(c.event.id for c in matching.changed), *(e.id for e in matching.absent)]
    assert sorted(names) == sorted(event.id for event in events)
    ids = [s.id for s in matching.stored.values()]
    ids += [c.document.id for c in matching.changed] + [s.document.id for s in matching.surplus]
    assert sorted(ids) == sorted(document.id for document in documents)
    tallies = {event.id: event.tally for event in events}
    assert all(tallies[name] == document.tally for name, document in matching.stored.items())
    nothing_found = not (matching.changed or matching.absent or matching.surplus)
    assert nothing_found == (on_disk == in_index)
