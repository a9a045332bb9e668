"""The ledger covers exactly the leading settled run of each file, whatever order receipts come in."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shipper.commit.ledger import Ledger
from shipper.records import (
    STORED,
    Batch,
    Chunk,
    Document,
    Event,
    Filtered,
    Outcome,
    OutcomeKind,
    Parsed,
    Receipt,
    Source,
    Tally,
    total,
)

REFUSED = Outcome(OutcomeKind.REFUSED, "mapping", "no such field")
RETRY = Outcome(OutcomeKind.RETRY, "output", "away")
ENOUGH = 1 << 30


def chunk_of(file: int, start: int, fates: str) -> tuple[Chunk, Parsed]:
    """A chunk of one-line events of ten bytes: s is shipped, f filtered."""
    source = Source("h", "i", "/p", "0" * 16, file)
    events = [Event(start + 10 * n, Tally(1, 10, n, 2 * n), 0, b"x" * 9 + b"\n") for n in range(len(fates))]
    end = start + 10 * len(fates)
    chunk = Chunk(source, start, end, chain=end, guard=0, events=events, modified=0.0, at_end=False)
    shipped = [event for event, fate in zip(events, fates, strict=True) if fate == "s"]
    filtered = [
        Filtered(event.offset, "blank", event.tally) for event, fate in zip(events, fates, strict=True) if fate == "f"
    ]
    documents = [
        Document(f"{file}:{event.offset}", source, "d", "d", 0, event.offset, event.tally, "p", b"{}")
        for event in shipped
    ]
    return chunk, Parsed(documents, filtered, [], [], carry=f"after {end}")


def receipt_for(*documents: Document, outcome: Outcome = STORED) -> Receipt:
    return Receipt(Batch(1, documents, 0), [outcome] * len(documents))


def test_a_chunk_of_filtered_lines_advances_at_once():
    ledger = Ledger()
    ledger.open(*chunk_of(1, 0, "fff"))
    (advance,) = ledger.advances(ENOUGH)

    assert (advance.offset, advance.carry) == (30, "after 30")
    assert advance.fates == {(0, "filtered:blank"): Tally(3, 30, 3, 6)}
    assert ledger.idle


def test_what_is_left_is_in_flight_no_more_and_holds_the_checkpoint_for_good():
    ledger = Ledger()
    for start in (0, 20):
        chunk, parsed = chunk_of(1, start, "ss")
        ledger.open(chunk, parsed)
        ledger.settle(receipt_for(*parsed.documents, outcome=Outcome(OutcomeKind.LEFT) if start else STORED))
    assert [advance.offset for advance in ledger.advances(ENOUGH)] == [20]
    assert (ledger.documents_in_flight, ledger.bytes_in_flight) == (0, 0)
    assert not ledger.idle


def test_a_hole_holds_the_checkpoint_until_it_is_closed():
    ledger = Ledger()
    first, second = chunk_of(1, 0, "s"), chunk_of(1, 10, "s")
    ledger.open(*first)
    ledger.open(*second)
    ledger.settle(receipt_for(*second[1].documents))
    assert ledger.advances(ENOUGH) == []

    ledger.settle(receipt_for(*first[1].documents))
    assert [advance.offset for advance in ledger.advances(ENOUGH)] == [20]


def test_documents_that_are_sent_again_stay_in_flight():
    ledger = Ledger()
    chunk, parsed = chunk_of(1, 0, "ss")
    ledger.open(chunk, parsed)
    ledger.settle(receipt_for(*parsed.documents, outcome=RETRY))

    assert ledger.documents_in_flight == 2
    assert ledger.advances(ENOUGH) == []


def test_a_refused_document_is_dead_and_settled():
    ledger = Ledger()
    chunk, parsed = chunk_of(1, 0, "ss")
    ledger.open(chunk, parsed)
    ledger.settle(Receipt(Batch(1, parsed.documents, 0), [STORED, REFUSED]))
    (advance,) = ledger.advances(ENOUGH)

    assert advance.fates == {(0, "stored"): Tally(1, 10, 0, 0), (0, "dead:mapping"): Tally(1, 10, 1, 2)}
    assert [refusal.reason for refusal in advance.dead] == ["no such field"]


def test_without_room_for_dead_letters_their_file_waits_and_others_go_on():
    ledger = Ledger()
    bad, good = chunk_of(1, 0, "s"), chunk_of(2, 0, "s")
    ledger.open(*bad)
    ledger.open(*good)
    ledger.settle(receipt_for(*bad[1].documents, outcome=REFUSED))
    ledger.settle(receipt_for(*good[1].documents))

    assert [advance.file for advance in ledger.advances(3)] == [2]
    assert ledger.waits_for_room == {"i"}
    assert ledger.bytes_in_flight == len("{}" + "no such field")
    assert [advance.file for advance in ledger.advances(ENOUGH)] == [1]
    assert not ledger.waits_for_room
    assert ledger.bytes_in_flight == 0


def test_what_is_held_does_not_fill_the_memory_of_the_others():
    ledger = Ledger()
    chunk, parsed = chunk_of(1, 0, "s" * 50)
    ledger.open(chunk, parsed)
    assert (ledger.is_full(100, ()), ledger.is_full(99, ())) == (False, True)
    assert not ledger.is_full(99, {"i"})

    other = replace(chunk, source=replace(chunk.source, input="other", file=2))
    documents = [replace(one, source=other.source) for one in parsed.documents]
    ledger.open(other, replace(parsed, documents=documents))
    assert [ledger.is_full(memory, {"i"}) for memory in (400, 399, 200, 199)] == [False, False, False, True]
    assert ledger.is_full(120, {"i"})


def test_however_many_inputs_are_held_together_they_stay_below_twice_the_memory_and_none_is_shut_out():
    ledger, memory, held = Ledger(), 1000, set[str]()
    chunk, parsed = chunk_of(1, 0, "s" * 10)
    size = sum(len(document.body) for document in parsed.documents)
    for number in range(1, 101):
        source = replace(chunk.source, input=f"i{number}", file=number)
        taken = 0
        while not ledger.is_full(memory, held):
            documents = [replace(one, source=source) for one in parsed.documents]
            ledger.open(replace(chunk, source=source, start=taken * 100), replace(parsed, documents=documents))
            taken += 1
        assert taken
        held.add(source.input)
    assert ledger.bytes_in_flight <= 2 * memory + size * len(held)


def test_an_event_belongs_to_the_bucket_of_its_offset():
    ledger = Ledger()
    ledger.open(*chunk_of(1, (1 << 24) - 10, "ff"))
    (advance,) = ledger.advances(ENOUGH)

    assert set(advance.fates) == {(0, "filtered:blank"), (1, "filtered:blank")}


@given(st.lists(st.text("sf", min_size=1, max_size=5), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_sum_of_the_ledger_is_the_number_of_lines_below_the_checkpoint(chunks, random):
    ledger, start, documents = Ledger(), 0, []
    for fates in chunks:
        chunk, parsed = chunk_of(1, start, fates)
        ledger.open(chunk, parsed)
        documents += parsed.documents
        start = chunk.end
    random.shuffle(documents)

    lines = offset = 0
    while True:
        for advance in ledger.advances(ENOUGH):
            offset = advance.offset
            lines += total(advance.fates.values()).lines
        assert lines * 10 == offset
        unsettled = {document.offset for document in documents}
        assert all(at >= offset for at in unsettled)
        if not documents:
            break
        ledger.settle(receipt_for(documents.pop(), outcome=random.choice([STORED, REFUSED])))

    assert offset == start
    assert (ledger.bytes_in_flight, ledger.documents_in_flight) == (0, 0)
