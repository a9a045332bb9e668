"""What an agent leaves of its ledger in the output: always what its state says, whatever happened before."""

import sqlite3
import threading
from contextlib import closing

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.agents import Site

from shipper.errors import OutputError
from shipper.events_log import EventsLog, silent
from shipper.fleet import reporter as reporter_module
from shipper.fleet import reporting
from shipper.fleet.account import Account, Accountant, Entry
from shipper.fleet.journal import Journal
from shipper.fleet.ledgers import read_ledger
from shipper.fleet.notes import AgentNote, Identity, agent_id
from shipper.fleet.reporter import REREAD, SCOPE, Reporter
from shipper.records import FileRow, Mark, MarkKind, Tally
from shipper.send.ledger_index import LedgerKind
from shipper.send.sqlite_ledger import SQLiteLedger
from shipper.start import agent

HOST = "dtn01.example.org"
WHO = Identity(HOST, agent_id(HOST, "/state"))


class Documents:
    """Ledger documents in memory: the latest of each id."""

    def __init__(self):
        self.held = {}
        self.writes = []
        self.away = False
        self.room = None
        """Documents that are taken before the output goes away; None: all."""

    def write(self, documents):
        if self.away:
            raise OutputError("it is away")
        self.writes.append(len(documents))
        for number, document in enumerate(documents):
            if self.room is not None and number >= self.room:
                raise OutputError("it went away")
            self.held[document.id] = document

    def refresh(self):
        if self.away:
            raise OutputError("it is away")

    def read(self, kind, *, host=None, agent=None):
        for document in list(self.held.values()):
            if document.kind is kind and host in (None, document.host) and agent in (None, document.agent):
                yield orjson.loads(document.body)

    def close(self):
        """Nothing to do."""


class Accounts:
    """A state that says what it is told to."""

    def __init__(self):
        self.account = Account({}, {}, [])
        self.said = None

    def take(self):
        if self.account == self.said:
            return None
        self.said = self.account
        return self.account

    def forget(self):
        self.said = None

    def close(self):
        """Nothing to do."""


def row(number, fingerprint="f" * 16, offset=0, **more):
    path = f"/logs/{number}.log"
    return FileRow(
        id=number, input="logs", path=path, current_path=path, device=1, inode=number, fingerprint=fingerprint, size=9,
        offset=offset, chain=1, guard=1, carry=None, **more,
    )  # fmt: skip


def account(*files):
    """Files with their fates: (row, {(bucket, fate): tally})."""
    return Account({one.id: one.fingerprint for one, _ in files}, {}, [Entry(*file) for file in files])


def sign(_account, ended):
    return AgentNote(
        host=HOST, agent=WHO.agent, at=1.0, every=60.0, ended=ended, version="1", started=0.0, state="/state",
        configuration="",
    )  # fmt: skip


@pytest.fixture
def documents():
    return Documents()


@pytest.fixture
def accounts():
    return Accounts()


@pytest.fixture
def events():
    return EventsLog(silent)


@pytest.fixture
def reporter(documents, accounts, events):
    return Reporter(WHO, accounts, sign, lambda: documents, events)


def claimed(documents):
    """What the documents say of files that the state knows: row number, offset, and tallies."""
    ledger = read_ledger(documents, HOST)
    return {
        claim.row.id: (
            claim.row.offset,
            {(bucket, fate): tally for bucket, fates in claim.ledger.items() for fate, tally in fates.items()},
        )
        for claim in ledger.claims
    }


def said(account):
    """The same of an account."""
    return {one.id: (one.offset, fates) for one, fates in account.entries}


TALLIES = st.builds(Tally, st.integers(1, 9), st.integers(1, 99), st.integers(0, 3), st.integers(0, 3))
FATES = st.dictionaries(
    st.tuples(st.integers(0, 2), st.sampled_from(["stored", "filtered:x", "dead:mapping"])), TALLIES, max_size=4
)
ROWS = st.dictionaries(st.integers(1, 4), st.tuples(st.sampled_from(["a" * 16, "b" * 16]), FATES), max_size=4)
STEPS = st.lists(st.tuples(ROWS, st.sampled_from(["on", "restart", "away", "cut"])), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 3))
def test_after_any_history_the_documents_say_what_the_state_says(steps, room):
    documents, accounts = Documents(), Accounts()
    reporter = Reporter(WHO, accounts, sign, lambda: documents, EventsLog(silent))
    for rows, what in [*steps, (steps[-1][0], "on")]:
        files = [
            (row(number, mark, sum(tally.bytes for tally in fates.values())), fates)
            for number, (mark, fates) in rows.items()
        ]
        accounts.account = account(*files)
        documents.away, documents.room = what == "away", room if what == "cut" else None
        if what == "restart":
            accounts.forget()
            reporter = Reporter(WHO, accounts, sign, lambda: documents, EventsLog(silent))
        reporter.report()
        if what in {"on", "restart"}:
            assert claimed(documents) == said(accounts.account)
            assert read_ledger(documents, HOST).torn == {}


def test_only_what_has_changed_is_written_and_where_nothing_has_a_sign_of_life_alone(documents, accounts, reporter):
    one, other = Tally(1, 10, 1, 1), Tally(2, 20, 2, 2)
    accounts.account = account((row(1, offset=10), {(0, "stored"): one}), (row(2, "e" * 16, 10), {(0, "stored"): one}))
    reporter.report()
    reporter.report()
    accounts.account = account(
        (row(1, offset=30), {(0, "stored"): one, (1, "stored"): other}), (row(2, "e" * 16, 10), {(0, "stored"): one})
    )
    reporter.report()
    assert documents.writes == [4, 1, 1, 2, 1]


def test_a_restarted_agent_writes_nothing_that_is_there(documents, accounts, reporter, events):
    accounts.account = account((row(1, offset=10), {(0, "stored"): Tally(1, 10, 1, 1)}))
    reporter.report()
    accounts.forget()
    Reporter(WHO, accounts, sign, lambda: documents, events).report()
    assert documents.writes == [2, 1, 1]


def test_what_somebody_deleted_is_written_again_within_an_hour(documents, accounts, reporter):
    accounts.account = account((row(1, offset=10), {(0, "stored"): Tally(1, 10, 1, 1)}))
    reporter.report()
    documents.held.clear()
    for _ in range(REREAD):
        reporter.report()
    assert claimed(documents) == said(accounts.account)


def test_a_file_that_the_state_has_forgotten_vouches_still_and_is_not_claimed(documents, accounts, reporter):
    accounts.account = account((row(1, offset=10), {(0, "stored"): Tally(1, 10, 1, 1)}))
    reporter.report()
    accounts.account = account()
    reporter.report()
    ledger = read_ledger(documents, HOST)
    assert ledger.claims == []
    assert [claim.all_stored() for claim in ledger.former] == [Tally(1, 10, 1, 1)]


def test_a_dead_letter_that_was_sent_again_is_none_any_more(documents, accounts, reporter):
    tally = Tally(1, 10, 1, 1)
    accounts.account = account((row(1, offset=10), {(0, "dead:mapping"): tally}))
    reporter.report()
    accounts.account = account((row(1, offset=10), {(0, "stored"): tally}))
    reporter.report()
    assert read_ledger(documents, HOST).lines() == {"stored": 1}


def test_losses_at_the_source_are_told_with_the_file(documents, accounts, reporter):
    lost = row(1, offset=10, marks=[Mark(10, MarkKind.GAP, "deleted:90"), Mark(0, MarkKind.HEADER, "x")])
    accounts.account = account((lost, {(0, "stored"): Tally(1, 10, 1, 1)}))
    reporter.report()
    (claim,) = read_ledger(documents, HOST).claims
    assert claim.row.marks == [Mark(10, MarkKind.GAP, "deleted:90")]


def test_parts_that_are_not_of_one_moment_are_seen(documents, accounts, reporter):
    accounts.account = account((row(1, offset=10), {(0, "stored"): Tally(1, 10, 1, 1)}))
    reporter.report()
    documents.room = 1
    accounts.account = account((row(1, offset=30), {(0, "stored"): Tally(3, 30, 1, 1)}))
    reporter.report()
    assert read_ledger(documents, HOST).torn == {("logs", "f" * 16): "/logs/1.log"}


def test_an_output_that_is_away_is_told_when_it_lasts_and_once(documents, reporter, events):
    documents.away = True
    reporter.report()
    assert reporter.troubles() == {}
    reporter.report()
    reporter.report()
    assert list(reporter.troubles()) == [SCOPE]
    assert "it is away" in reporter.troubles()[SCOPE]
    documents.away = False
    reporter.report()
    assert reporter.troubles() == {}
    assert events.counts == {"ledger_documents_failed": 1, "ledger_documents_resumed": 1}


def test_a_last_report_that_fails_is_told_at_once(documents, reporter, events):
    documents.away = True
    reporter.report(ended=True)
    assert events.counts == {"ledger_documents_failed": 1}


def test_the_end_of_an_agent_is_told(documents, reporter):
    reporter.report(ended=True)
    (body,) = documents.read(LedgerKind.AGENT)
    assert body["details"]["ended"] is True


def lines(account):
    return sum(tally.lines for entry in account.entries for tally in entry.fates.values())


def test_a_state_is_read_again_only_when_it_has_changed(tmp_path):
    site = Site(tmp_path)
    (site.logs / "a.log").write_text("a line that is long enough to be told from others\n")
    site.once()
    with site._state() as state:
        output = state.outputs()[-1]
    accountant = Accountant(site.settings.state, HOST, output)
    with closing(accountant):
        assert lines(accountant.take()) == 1
        assert accountant.take() is None
        (site.logs / "b.log").write_text("another line that is long enough to be told from others\n" * 2)
        site.once()
        assert lines(accountant.take()) == 3
        accountant.forget()
        assert accountant.take() is not None


def test_an_agent_writes_its_ledger_beside_the_documents_if_that_is_wanted(tmp_path):
    site = Site(tmp_path)
    (site.logs / "a.log").write_text("a line that is long enough to be told from others\n" * 5)
    site.once()
    with closing(sqlite3.connect(site.folder / "index.db")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "ledger_documents" not in tables
    site.with_settings(fleet=True)
    site.once()
    with closing(SQLiteLedger(site.folder / "index.db", to_write=False)) as index:
        ledger = read_ledger(index, HOST)
        (body,) = index.read(LedgerKind.AGENT, host=HOST)
    assert ledger.lines() == {"stored": 5}
    assert ledger.torn == {}
    assert body["details"]["inputs"][0]["name"] == "logs"
    assert site.documents()[0][1] == 1, "documents are as they were"


def test_a_journal_reads_what_it_wrote():
    documents, fates = Documents(), {(0, "stored"): Tally(1, 10, 1, 1), (3, "dead:x"): Tally(1, 5, 2, 2)}
    known = account((row(1, offset=15), fates))
    documents.write(list(Journal(WHO, [], [], known).changes(known)))
    again = Journal(WHO, documents.read(LedgerKind.FILE), documents.read(LedgerKind.FATE), known)
    assert list(again.changes(known)) == []
    assert again.left() == set()


def test_shipping_does_not_wait_for_an_output_that_takes_no_ledger(tmp_path, monkeypatch):
    """Not even its end, for long; what was not told is told by the next agent."""
    hung = threading.Event()

    class Hung(Documents):
        def write(self, documents):
            hung.wait(60)
            raise OutputError("nobody answers")

    monkeypatch.setattr(reporting, "open_ledger", lambda *_, **__: Hung())
    monkeypatch.setattr(reporter_module, "PATIENCE", 0.05)
    site = Site(tmp_path)
    site.with_settings(fleet=True)
    (site.logs / "a.log").write_text("a line that is long enough to be told from others\n" * 5)
    site.once()
    assert site.lines_stored() == 5
    hung.set()


def test_what_keeps_the_ledger_from_being_written_is_a_stall_that_status_shows(tmp_path):
    site = Site(tmp_path)
    (site.logs / "a.log").write_text("a line that is long enough to be told from others\n")
    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.standstills.others = lambda: {"fleet": "it is away"}
        running.once()
    with site._state() as state:
        assert [(stall.scope, stall.reason) for stall in state.stalls()] == [("fleet", "it is away")]
    assert site.events.counts["stalled"] == 0, "the reporter has told it"
