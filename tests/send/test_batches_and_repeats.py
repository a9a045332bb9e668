"""Batches close by bytes, count and age; what must be sent again is, later and later, and never lost."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.clock import VirtualClock

from shipper.clock import Bell
from shipper.events_log import EventsLog, silent
from shipper.records import ALREADY_STORED, BUSY, STORED, Batch, Document, Outcome, OutcomeKind, Receipt, Source, Tally
from shipper.send.batches import Batches
from shipper.send.dispatch import Dispatcher
from shipper.send.retry import again, backoff

RETRY = Outcome(OutcomeKind.RETRY, "output", "away")
TOO_BUSY = Outcome(OutcomeKind.RETRY, BUSY, "no memory")
PAUSED = Outcome(OutcomeKind.PAUSED, "security", "no such key")


def document(size: int, number: int = 0, dataset: str = "d") -> Document:
    return Document(f"{number}", Source("h", "i", "/p", "f"), dataset, dataset, 0, number, Tally(), "p", b"x" * size)


@given(st.lists(st.integers(1, 50)), st.integers(1, 60), st.integers(1, 5))
def test_every_document_is_in_one_batch_and_limits_hold(sizes, max_bytes, max_documents):
    batches = Batches(max_bytes, max_documents, max_age=1)
    documents = [document(size, number) for number, size in enumerate(sizes)]
    closed = [*batches.add(documents, now=0), *batches.flush()]

    assert [one for batch in closed for one in batch.documents] == documents
    assert all(len(batch.documents) <= max_documents for batch in closed)
    assert all(batch.bytes <= max_bytes or len(batch.documents) == 1 for batch in closed)


def test_an_open_batch_is_due_by_the_age_of_its_oldest_document():
    batches = Batches(100, 100, max_age=1)
    assert batches.due(0) is None

    batches.add([document(1)], now=5)
    batches.add([document(1)], now=5.5)
    assert batches.due(5.75) == 0.25
    assert batches.due(5.75, least_age=30) == 29.25
    assert batches.due(7) == 0


def test_only_documents_without_final_outcome_are_sent_again():
    documents = [document(1, number) for number in range(3)]
    repeats = again(Receipt(Batch(1, documents, 3), [STORED, RETRY, PAUSED]), random=lambda: 1.0)

    assert [[one.id for one in batch.documents] for _, batch, _ in repeats] == [["1"], ["2"]]
    assert [batch.attempt for _, batch, _ in repeats] == [1, 1]


def test_a_batch_that_never_arrived_stays_whole():
    documents = tuple(document(1, number) for number in range(4))
    repeats = again(Receipt(Batch(1, documents, 4, attempt=50, failures=50), [RETRY] * 4), random=lambda: 1.0)

    assert [len(batch.documents) for _, batch, _ in repeats] == [4]


def test_a_batch_that_a_busy_output_turns_away_again_and_again_is_halved():
    documents = tuple(document(1, number) for number in range(4))
    repeats = again(Receipt(Batch(1, documents, 4, attempt=2, failures=2), [TOO_BUSY] * 4), random=lambda: 1.0)

    assert [[one.id for one in batch.documents] for _, batch, _ in repeats] == [["0", "1"], ["2", "3"]]


def test_pauses_grow_to_a_minute_with_full_jitter():
    assert [backoff(failures, lambda: 1.0) for failures in (0, 1, 2, 3, 6, 100)] == [0.05, 1, 2, 4, 32, 60]
    assert backoff(100, lambda: 0.0) == 0


def test_pauses_begin_anew_as_soon_as_a_part_is_taken():
    waits, batch = [], Batch(1, tuple(document(1, number) for number in range(4)), 4)
    for outcomes in ([RETRY] * 4, [RETRY] * 4, [RETRY, RETRY, RETRY, STORED], [RETRY] * 3, [RETRY] * 3):
        ((wait, batch, _),) = again(Receipt(batch, outcomes), random=lambda: 1.0)
        waits.append(wait)

    assert waits == [1, 2, 0.05, 1, 2]
    assert batch.attempt == 5


class Scripted:
    """An output that answers as scripted, then stores."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, batch):
        self.sent.append([one.id for one in batch.documents])
        answer = self.answers.pop(0) if self.answers else STORED
        return Receipt(batch, [answer] * len(batch.documents))


class Rationed:
    """An output that takes so many documents of each request, the first ones; then all."""

    def __init__(self, rations):
        self.rations = list(rations)
        self.sent = []

    def send(self, batch):
        self.sent.append([one.id for one in batch.documents])
        taken = self.rations.pop(0) if self.rations else len(batch.documents)
        return Receipt(batch, ([STORED] * taken + [RETRY] * len(batch.documents))[: len(batch.documents)])


def dispatched(output, clock):
    return Dispatcher(output, clock, Bell(), EventsLog(silent), senders=0, jitter=lambda: 1.0)


def test_a_document_is_sent_until_it_is_settled_and_the_stall_is_said_once():
    clock, output = VirtualClock(), Scripted(RETRY, RETRY)
    dispatcher = dispatched(output, clock)
    dispatcher.submit(Batch(1, (document(1, 7),), 1))

    kinds = []
    while True:
        kinds += [outcome.kind for receipt in dispatcher.receipts() for outcome in receipt.outcomes]
        wait = dispatcher.next_due()
        if wait is None:
            break
        assert dispatcher.troubles["output"][0] == "away"
        clock.advance(wait)

    assert kinds == [OutcomeKind.RETRY, OutcomeKind.RETRY, OutcomeKind.STORED]
    assert dispatcher.troubles == {}
    assert dispatcher._troubles._events.counts == {"shipping_stalled": 1, "shipping_resumed": 1}


def test_a_paused_dataset_does_not_hold_others():
    clock, output = VirtualClock(), Scripted(PAUSED)
    dispatcher = dispatched(output, clock)
    dispatcher.submit(Batch(1, (document(1, 1, "a"),), 1))
    dispatcher.submit(Batch(2, (document(1, 2, "b"),), 1))
    receipts = dispatcher.receipts()

    assert [outcome.kind for receipt in receipts for outcome in receipt.outcomes] == [
        OutcomeKind.PAUSED,
        OutcomeKind.STORED,
    ]
    assert dispatcher.troubles["dataset a"][0] == "no such key"


class PausedIndices:
    """An output that takes nothing for some indices, and needs a while to say so."""

    def __init__(self, clock, *indices, seconds=0.0):
        self.clock, self.indices, self.seconds = clock, set(indices), seconds
        self.sent = []

    def send(self, batch):
        self.sent.append((batch.number, self.clock.now))
        paused = {one.id for one in batch.documents if one.index in self.indices}
        self.clock.advance(self.seconds if paused else 1.0)
        return Receipt(batch, [PAUSED if one.id in paused else STORED for one in batch.documents])


def test_of_a_paused_index_one_batch_looks_and_the_others_leave_when_it_is_taken():
    clock = VirtualClock()
    output = PausedIndices(clock, "a")
    dispatcher = dispatched(output, clock)
    for number in range(1, 5):
        dispatcher.submit(Batch(number, (document(1, number, "a"), document(1, 10 + number, "b")), 2))
    end = clock.now + 60
    settled = []
    while clock.now < end:
        settled += [o.kind for receipt in dispatcher.receipts() for o in receipt.outcomes]
        clock.advance(1)
    assert Counter(number for number, _ in output.sent)[1] > 10
    assert [number for number, _ in output.sent if number > 1] == [2, 3, 4]
    assert settled.count(OutcomeKind.STORED) == 4
    assert dispatcher._troubles._events.counts == {"shipping_stalled": 1}

    output.indices.clear()
    clock.advance(5)
    kinds = [o.kind for receipt in dispatcher.receipts() for o in receipt.outcomes]
    assert kinds == [OutcomeKind.STORED] * 4
    assert (dispatcher.troubles, dispatcher.next_due()) == ({}, None)


def test_looks_that_take_half_a_minute_leave_half_of_the_time_to_others():
    clock = VirtualClock()
    output = PausedIndices(clock, *"abcdef", seconds=30.0)
    dispatcher = dispatched(output, clock)
    for number, dataset in enumerate("abcdef"):
        dispatcher.submit(Batch(number, (document(1, number, dataset),), 1))
    begin = clock.now + 6 * 30
    number = 10
    while clock.now < begin + 600:
        dispatcher.submit(Batch(number, (document(1, number, "healthy"),), 1))
        dispatcher.receipts()
        number += 1

    times = [at for number, at in output.sent if number >= 10 and at >= begin]
    looks = [number for number, at in output.sent if number < 10 and at >= begin]
    assert len(times) > 200
    assert set(looks) == set(range(6))


def test_a_dataset_stands_still_until_the_last_of_what_was_paused_is_taken():
    clock = VirtualClock()
    output = PausedIndices(clock, "old")
    dispatcher = dispatched(output, clock)
    old, new = (replace(document(1, n, "d"), index=index) for n, index in enumerate(("old", "new")))
    since = clock.now
    dispatcher.submit(Batch(1, (old,), 1))
    for number in range(2, 30):
        dispatcher.submit(Batch(number, (new,), 1))
        dispatcher.receipts()
        clock.advance(1)
        assert dispatcher.troubles == {"dataset d": ("no such key", since)}
    output.indices.clear()
    clock.advance(5)
    dispatcher.receipts()

    assert dispatcher.troubles == {}
    assert dispatcher._troubles._events.counts == {"shipping_stalled": 1, "shipping_resumed": 1}


def test_a_look_that_meets_an_output_that_is_away_waits_on():
    clock, output = VirtualClock(), Scripted(PAUSED, RETRY, RETRY, PAUSED)
    dispatcher = dispatched(output, clock)
    dispatcher.submit(Batch(1, (document(1, 1, "a"),), 1))
    dispatcher.receipts()
    dispatcher.submit(Batch(2, (document(1, 2, "a"),), 1))
    troubles = []
    while (wait := dispatcher.next_due()) is not None:
        troubles.append(sorted(dispatcher.troubles))
        clock.advance(wait)
        dispatcher.receipts()

    assert output.sent == [["1"]] * 5 + [["2"]]
    both = ["dataset a", "output"]
    assert troubles == [["dataset a"], ["dataset a"], both, both, ["dataset a"]]


def test_what_is_put_off_in_part_is_no_standstill_and_one_cause_is_told_once_whatever_its_numbers():
    clock = VirtualClock()
    dispatcher = dispatched(Rationed([1, 2, 3]), clock)
    dispatcher.submit(Batch(1, tuple(document(1, number) for number in range(6)), 6))
    drained(dispatcher, clock)
    assert dispatcher._troubles._events.counts == {}

    causes = [
        Outcome(OutcomeKind.RETRY, "busy", f"{size} bytes in use for [{name}]") for size, name in ((1, "a"), (20, "b"))
    ]
    dispatcher = dispatched(Scripted(*causes), clock)
    dispatcher.submit(Batch(1, (document(1),), 1))
    drained(dispatcher, clock)
    assert dispatcher._troubles._events.counts == {"shipping_stalled": 1, "shipping_resumed": 1}


def test_that_the_output_is_ahead_of_the_state_is_told_once_and_a_repetition_is_none():
    told = []
    for answers, expected in (([RETRY, ALREADY_STORED], 0), ([ALREADY_STORED, ALREADY_STORED], 1)):
        clock = VirtualClock()
        dispatcher = dispatched(Scripted(*answers), clock)
        for number in range(2):
            dispatcher.submit(Batch(number, (document(1, number),), 1))
            drained(dispatcher, clock)
        told.append((dispatcher._events.counts["output_ahead"], expected))
    assert told == [(0, 0), (1, 1)]


def drained(dispatcher, clock):
    while (wait := dispatcher.next_due()) is not None:
        dispatcher.receipts()
        clock.advance(wait)


def test_newer_batches_wait_for_the_rest_of_one_that_makes_progress_but_not_for_one_that_makes_none():
    clock = VirtualClock()
    output = Rationed([1, 0, 2, 0, 0, 1])
    dispatcher = dispatched(output, clock)
    dispatcher.submit(Batch(1, tuple(document(1, number) for number in range(4)), 4))
    dispatcher.submit(Batch(2, (document(1, 9),), 1))
    while (wait := dispatcher.next_due()) is not None:
        dispatcher.receipts()
        clock.advance(wait)

    assert output.sent == [["0", "1", "2", "3"], ["1", "2", "3"], ["1", "2", "3"], ["3"], ["3"], ["9"], ["3"]]


def test_nothing_new_leaves_before_the_agent_has_entered_the_receipts_of_what_left():
    from shipper.clock import SystemClock

    bell, output = Bell(), Scripted()
    dispatcher = Dispatcher(output, SystemClock(), bell, EventsLog(silent), senders=1)
    for number in range(3):
        dispatcher.submit(Batch(number, (document(1, number),), 1))
    assert bell.wait(5)
    assert output.sent == [["0"]]

    assert [receipt.batch.number for receipt in dispatcher.receipts()] == [0]
    assert bell.wait(5)
    dispatcher.close(5)
    assert output.sent == [["0"], ["1"]]


def test_threads_send_and_ring_the_bell():
    from shipper.clock import SystemClock

    bell, output = Bell(), Scripted()
    dispatcher = Dispatcher(output, SystemClock(), bell, EventsLog(silent), senders=2)
    for number in range(20):
        dispatcher.submit(Batch(number, (document(1, number),), 1))
    settled = []
    while len(settled) < 20:
        assert bell.wait(5)
        settled += dispatcher.receipts()
    dispatcher.close(5)

    assert sorted(receipt.batch.number for receipt in settled) == list(range(20))


def test_all_senders_together_are_waited_for_as_long_as_one():
    clock = VirtualClock()
    dispatcher, asked = dispatched(Scripted(), clock), []

    class Hung:
        def join(self, seconds):
            asked.append(seconds)
            clock.advance(seconds)

    dispatcher._threads = [Hung(), Hung(), Hung()]
    dispatcher.close(10.0)
    assert asked == [10.0, 0.0, 0.0]


def test_a_defect_in_a_sender_reaches_the_caller():
    import pytest

    from shipper.clock import SystemClock

    class Broken:
        def send(self, batch):
            raise ZeroDivisionError

    bell = Bell()
    dispatcher = Dispatcher(Broken(), SystemClock(), bell, EventsLog(silent), senders=1)
    dispatcher.submit(Batch(1, (document(1),), 1))
    assert bell.wait(5)
    with pytest.raises(ZeroDivisionError):
        dispatcher.receipts()
    dispatcher.close(5)
