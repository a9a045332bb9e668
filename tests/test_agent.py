"""The agent as a whole: what it promises, against outputs that fail as scripted."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import closing

import pytest
from support.agents import HOST, Site, already_stored, stored
from support.faulty import Faulty
from support.logs import append, numbered, write
from support.rotating_logs import record

from shipper.commit.state import State
from shipper.errors import OutputError, StateError
from shipper.records import ALREADY_STORED, Outcome, OutcomeKind
from shipper.send.sqlite import SQLiteOutput
from shipper.settings import InputSettings
from shipper.start import agent

AWAY = Outcome(OutcomeKind.RETRY, "output", "connection refused")
NO_RIGHTS = Outcome(OutcomeKind.PAUSED, "security", "the key may not write here")
POISON = Outcome(OutcomeKind.REFUSED, "mapping", "no such field")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def two_inputs(site: Site) -> None:
    names = {"raw": "raw", "transfers": "gridftp-transfer"}
    site.with_settings(
        inputs=tuple(
            InputSettings(name, (f"{site.logs}/{name}/*",), pipeline, timezone="UTC")
            for name, pipeline in names.items()
        )
    )
    write(site.logs / "raw" / "a.log", *numbered(0, 20))
    write(site.logs / "transfers" / "b.log", *[record(number) for number in range(20)])


def test_documents_are_a_function_of_host_input_path_and_bytes(site, tmp_path, monkeypatch):
    two_inputs(site)
    site.once()
    first = site.documents()

    other = Site(tmp_path / "elsewhere")
    other.with_settings(inputs=site.settings.inputs)
    other.clock.advance(40_000_000)
    monkeypatch.chdir("/")
    os.utime(site.logs / "raw" / "a.log")
    other.once()

    assert first == other.documents()
    assert len(first) == 40


def test_an_hour_without_output_loses_nothing_and_holds_little(site):
    write(site.logs / "a.log", *numbered(0, 30_000))
    site.with_settings(memory=1 << 20, batch_bytes=1 << 18)
    back = site.clock.now + 3600
    output = Faulty(site, lambda _: AWAY if site.clock.now < back else None)
    most = 0

    with agent(site.settings, site.clock, site.events, output=output, threads=0) as running:

        def all_there() -> bool:
            nonlocal most
            most = max(most, running.in_flight.ledger.bytes_in_flight)
            return stored(running.totals) == 30_000 or site.clock.now > back + 600

        running.run(all_there)

    assert site.messages() == Counter(numbered(0, 30_000))
    assert most < 3 << 20
    assert site.events.counts["shipping_stalled"] == site.events.counts["shipping_resumed"] == 1
    assert site.ledger_by_path() == {str(site.logs / "a.log"): Counter({"stored": 30_000})}


def test_a_pass_gives_up_when_the_output_stays_away_and_the_next_one_finishes(site):
    write(site.logs / "a.log", *numbered(0, 10))
    with pytest.raises(OutputError, match="10 documents could not be delivered: output: connection refused"):
        site.once(Faulty(site, lambda _: AWAY))

    assert stored(site.once()) == 10


def test_a_pass_whose_memory_is_full_of_what_cannot_be_sent_gives_up_too(site):
    write(site.logs / "a.log", *numbered(0, 3000))
    site.with_settings(memory=1 << 17, batch_bytes=1 << 15)
    with pytest.raises(OutputError, match="connection refused"):
        site.once(Faulty(site, lambda _: AWAY))

    assert stored(site.once()) == 3000


def test_an_agent_whose_memory_is_full_can_be_stopped(site):
    write(site.logs / "a.log", *numbered(0, 3000))
    site.with_settings(memory=1 << 17, batch_bytes=1 << 15)
    end = site.clock.now + 300
    with agent(site.settings, site.clock, site.events, output=Faulty(site, lambda _: AWAY), threads=0) as running:
        running.run(lambda: site.clock.now > end)

    assert site.clock.now < end + 60
    assert stored(site.once()) == 3000


def test_a_paused_dataset_does_not_hold_the_others(site):
    two_inputs(site)
    with pytest.raises(OutputError, match=r"dataset gridftp.transfer: the key may not write here"):
        site.once(Faulty(site, lambda document: NO_RIGHTS if document.dataset == "gridftp.transfer" else None))
    assert site.messages() == Counter(numbered(0, 20))

    assert stored(site.once()) == 20


def test_a_refused_document_is_kept_with_its_reason_and_the_others_are_stored(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    totals = site.once(Faulty(site, lambda document: POISON if document.offset == 0 else None))
    state = State.open_read_only(site.settings.state, HOST)
    with closing(state):
        state.look_at_output(state.outputs()[0])
        (letter,) = state.dead_letters.all()

    assert totals.outcomes[OutcomeKind.REFUSED] == 1
    assert json.loads(letter.refusal.document.body)["message"] == numbered(0, 1)[0]
    assert (letter.refusal.category, letter.refusal.reason) == ("mapping", "no such field")
    assert site.ledger_by_path() == {str(log): Counter({"stored": 9, "dead:mapping": 1})}


def test_at_the_limit_of_dead_letters_their_file_waits(site):
    write(site.logs / "a.log", *numbered(0, 10))
    site.with_settings(dead_letters=10)
    with pytest.raises(OutputError, match="limit is reached"):
        site.once(Faulty(site, lambda document: POISON if document.offset == 0 else None))
    assert site.ledger_by_path() == {str(site.logs / "a.log"): Counter()}

    site.with_settings(dead_letters=1 << 20)
    totals = site.once(Faulty(site, lambda document: POISON if document.offset == 0 else None))
    assert (already_stored(totals), totals.outcomes[OutcomeKind.REFUSED]) == (9, 1)


def test_marks_are_on_disk_before_a_document_that_depends_on_them_leaves(site):
    two_inputs(site)
    seen = []

    def look(document):
        state = State.open_read_only(site.settings.state, HOST)
        with closing(state):
            seen.append(document.pipeline in [mark.value for mark in state.files.marks(document.source.file)])
            assert document.pipeline in state.definitions()

    site.once(Faulty(site, look))
    assert seen == [True] * 40


def test_checkpoints_belong_to_an_output(site, tmp_path):
    write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    with closing(SQLiteOutput(tmp_path / "other.db")) as other:
        assert stored(site.once(other)) == 10

    assert site.once().lines == 0


def test_already_stored_counts_as_stored(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.once(Faulty(site, lambda _: ALREADY_STORED))

    assert site.ledger_by_path() == {str(log): Counter({"stored": 10})}


def test_one_agent_per_state(site):
    write(site.logs / "a.log", *numbered(0, 10))
    held = agent(site.settings, site.clock, site.events, threads=0)
    with held, pytest.raises(StateError, match=f"state already .process {os.getpid()}.. Stop it first"):
        site.once()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"host": "other.example.org"}, "The host name is 'other.example.org' now"),
        ({"name": "renamed"}, "Input 'renamed' has paths that input 'logs' had: "),
        ({"name": "renamed", "paths": ("/elsewhere/*",)}, "Input 'renamed' has paths that input 'logs' had: .*logs"),
        ({"namespace": "other"}, "Dataset raw is shipped to namespace/period other/month now"),
        ({"period": "day"}, "default/day now, before to default/month"),
    ],
)
def test_what_ids_depend_on_cannot_change_unseen(site, changes, complaint):
    from dataclasses import replace

    write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    (item,) = site.settings.inputs
    if "host" in changes:
        site.with_settings(**changes)
    else:
        paths = (*item.paths, *changes.get("paths", ()))
        site.with_settings(inputs=(replace(item, **{**changes, "paths": paths}),))

    with pytest.raises(StateError, match=complaint):
        site.once()


def test_an_output_that_is_away_at_the_start_is_asked_again(site):
    write(site.logs / "a.log", *numbered(0, 10))
    output = Faulty(site)
    back = site.clock.now + 600

    class Late:
        def __getattr__(self, name):
            if name == "identity" and site.clock.now < back:
                raise OutputError("no answer")
            return getattr(output, name)

    with agent(
        site.settings, site.clock, site.events, output=Late(), threads=0, giving_up=lambda: site.clock.now > back
    ) as running:
        running.once()

    assert site.messages() == Counter(numbered(0, 10))
    assert 5 < site.events.counts["output_away"] < 20


def test_a_running_agent_ships_what_is_appended(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    turns = iter(range(20))

    def stopping() -> bool:
        turn = next(turns)
        if turn == 3:
            append(log, *numbered(10, 20))
        return turn >= 15

    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.run(stopping)

    assert site.messages() == Counter(numbered(0, 20))


def test_what_a_paused_dataset_left_in_memory_during_an_outage_does_not_keep_out_the_others(site):
    two_inputs(site)
    write(site.logs / "transfers" / "c.log", *[record(number) for number in range(1000)])
    log = site.logs / "raw" / "a.log"
    site.with_settings(memory=1 << 18, batch_bytes=1 << 15)
    back = site.clock.now + 100

    def verdict(document):
        if site.clock.now < back:
            return AWAY
        return NO_RIGHTS if document.dataset == "gridftp.transfer" else None

    more = iter([lambda: append(log, *numbered(20, 40))])

    def stopping() -> bool:
        if site.clock.now > back + 60:
            next(more, lambda: None)()
        return site.clock.now > back + 300

    with agent(site.settings, site.clock, site.events, output=Faulty(site, verdict), threads=0) as running:
        running.run(stopping)
        assert running.in_flight.ledger.bytes_in_flight > site.settings.memory

    assert site.messages() == Counter(numbered(0, 40))


def test_at_the_limit_of_dead_letters_its_input_is_not_read_on_and_others_are(site):
    two_inputs(site)
    write(site.logs / "transfers" / "b.log", *[record(number) for number in range(6000)])
    site.with_settings(memory=1 << 18, batch_bytes=1 << 15, dead_letters=1000)
    end = site.clock.now + 100
    output = Faulty(site, lambda document: POISON if document.dataset == "gridftp.transfer" else None)
    with agent(site.settings, site.clock, site.events, output=output, threads=0) as running:
        running.run(lambda: site.clock.now > end)
        assert [stall.scope for stall in running.standstills.all] == ["dead letters"]
        assert 0 < running.totals.outcomes[OutcomeKind.REFUSED] < 6000

    assert site.messages() == Counter(numbered(0, 20))


def test_what_a_slow_log_brings_during_an_outage_leaves_in_few_batches_afterwards(site):
    log, written = write(site.logs / "a.log", *numbered(0, 1)), 1
    output = Faulty(site, lambda _: AWAY if written < 900 else None)

    def stopping() -> bool:
        nonlocal written
        if written >= 1000:
            return True
        append(log, *numbered(written, written + 1))
        written += 1
        if written == 900:
            output.batches = 0
        site.clock.advance(1.0)
        return False

    with agent(site.settings, site.clock, site.events, output=output, threads=0) as running:
        running.run(stopping)

    assert site.messages() == Counter(numbered(0, 1000))
    assert output.batches < 200
