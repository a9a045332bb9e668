"""Many hosts in one index: what is damaged, silent, late or different is found, and that alone; repaired, it is closed.

The first two hosts are the pair of the smaller tests: the first one asks, to the second one something happens.
"""

import json
import re
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.fleet import (
    EXPECT,
    SQLiteIndex,
    a_fleet,
    asked,
    check_damage_and_repair,
    damage,
    last_hours,
    ship_all,
)
from support.sample_site import sample_site

from shipper.clock import SystemClock
from shipper.events_log import EventsLog, silent
from shipper.fleet.ledgers import read_ledger
from shipper.fleet.survey import Survey
from shipper.fleet.watch import SILENT_AFTER
from shipper.send.outputs import open_ledger, open_to_read
from shipper.settings import SQLiteSettings
from shipper.start import agent


@pytest.fixture
def index(tmp_path):
    return SQLiteIndex(tmp_path)


@pytest.fixture
def hosts(tmp_path, index):
    """Five hosts with lines in each of the last eight hours."""
    return a_fleet(tmp_path, index)


@pytest.fixture
def pair(tmp_path, index):
    """Two such hosts."""
    return a_fleet(tmp_path, index, 2)


def test_where_all_is_well_the_fleet_is_closed(hosts):
    ship_all(hosts)
    answer = asked(hosts[0])
    assert (answer.code, answer.found) == (0, [])
    assert answer.report["verdict"] == "closed"
    assert answer.report["totals"]["indexed"] == 5 * 80
    assert [one["host"] for one in answer.report["hosts"]] == [host.name for host in hosts]
    assert {one["lines"]["stored"] for one in answer.report["hosts"]} == {80}


def test_exactly_what_happened_to_five_hosts_is_found_and_closed_when_repaired(hosts, index, monkeypatch):
    check_damage_and_repair(hosts, index, monkeypatch)


def test_who_only_cares_for_some_kinds_says_so(pair, index):
    ship_all(pair)
    index.delete_documents(pair[1], 7)
    assert asked(pair[0], "--fail-on", "silent,late").code == 0
    assert asked(pair[0], "--fail-on", "missing").code == 1


def test_an_auditor_needs_no_more_than_an_output(pair, index, tmp_path):
    ship_all(pair)
    auditor = tmp_path / "auditor.yml"
    auditor.write_text(json.dumps({"output": index.output}))
    pair[0].configuration = auditor
    assert asked(pair[0]).code == 0


def test_a_host_that_writes_no_ledger_is_not_proved(pair):
    pair[1].configure(fleet=False)
    ship_all(pair)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (3, [("dtn02", "unproved", "its agent writes no ledger documents")])
    assert "80 lines" in answer.evidence[0]


def test_an_index_that_nobody_shipped_to_proves_nothing(pair, index):
    for log in pair[0].logs.iterdir():
        log.unlink()
    pair[0].ship()
    index.sql("DELETE FROM ledger_documents")
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (3, [("", "unproved", "nothing was ever shipped to this index")])


def test_documents_that_no_ledger_counts_are_not_proved(pair, index):
    """All that the host says of its file is deleted; what it says of itself is left."""
    ship_all(pair)
    index.sql("DELETE FROM ledger_documents WHERE host = ? AND kind <> 'agent'", pair[1].name)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (
        3,
        [
            ("dtn02", "unproved", "file gone and no ledger vouches"),
            ("dtn02", "unproved", "its ledger documents are not whole"),
        ],
    )


def remember(index, host):
    """A copy of all that the index holds of a host."""
    for table in ("ledger_documents", "documents"):
        index.sql(f"CREATE TABLE {table}_before AS SELECT * FROM {table} WHERE host = ?", host)


def put_back(index, host):
    """All but the host's sign of life is as it was when it was copied."""
    index.sql("DELETE FROM ledger_documents WHERE host = ? AND kind <> 'agent'", host)
    index.sql("INSERT INTO ledger_documents SELECT * FROM ledger_documents_before WHERE kind <> 'agent'")
    index.sql("DELETE FROM documents WHERE host = ?", host)
    index.sql("INSERT INTO documents SELECT * FROM documents_before")


def test_documents_that_are_gone_with_what_a_ledger_says_of_them_are_not_proved(pair, index):
    """As after an index was put back as it was before a file: the agent still says that it knew more."""
    ship_all(pair)
    remember(index, pair[1].name)
    pair[1].write(last_hours(1)[0], 10, "new.log")
    pair[1].ship()
    put_back(index, pair[1].name)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (3, [("dtn02", "unproved", "its ledger documents are not whole")])
    assert "bytes of 2 files are settled" in answer.evidence[0]
    assert "bytes of 1 file" in answer.evidence[0]
    pair[1].ship()
    assert [kind for _, kind, _ in asked(pair[0]).found] == ["missing"], "the agent has written its ledger again"


def test_lines_that_are_gone_with_what_a_ledger_says_of_them_are_not_proved(pair, index):
    """The same of a file that was there before, and has grown."""
    ship_all(pair)
    remember(index, pair[1].name)
    pair[1].write(last_hours(1)[0], 10)
    pair[1].ship()
    put_back(index, pair[1].name)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (3, [("dtn02", "unproved", "its ledger documents are not whole")])


def test_a_ledger_of_which_a_part_is_gone_proves_nothing_and_is_mended_by_the_agent(pair, index):
    ship_all(pair)
    assert index.sql("DELETE FROM ledger_documents WHERE host = ? AND kind = 'fate'", pair[1].name)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (3, [("dtn02", "unproved", "its ledger documents are not whole")])
    pair[1].ship()
    assert asked(pair[0]).code == 0


def test_more_than_a_ledger_counted_is_unexpected(pair, index):
    ship_all(pair)
    others = "dataset, host, input, timestamp, fingerprint, offset, lines, bytes, h0, h1, pipeline, document"
    index.sql(f"INSERT INTO documents SELECT 'x' || id, {others} FROM documents WHERE host = ? LIMIT 3", pair[1].name)
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (1, [("dtn02", "unexpected", "more than the ledger counted")])
    assert answer.report["findings"][0]["lines"] == 3


def test_a_rotated_and_compressed_log_and_a_lost_state_change_nothing(pair):
    ship_all(pair)
    log = pair[1].logs / "transfer.log"
    log.rename(log.with_name("transfer.log.1"))
    pair[1].write(last_hours(1)[0], 5)
    pair[1].ship()
    assert asked(pair[0]).code == 0
    for part in (pair[1].folder / "state").glob("state.db*"):
        part.unlink()
    log.with_name("transfer.log.1").unlink()
    pair[1].ship()
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (0, []), "what the lost state said vouches for the file that is gone"


def test_an_amount_out_of_the_band_is_unusual_and_says_how_that_is_known(pair):
    pair[1].write(last_hours(3)[0], 90, "more.log")
    ship_all(pair)
    answer = asked(pair[0])
    assert answer.found == [("dtn02", "unusual", "more than expected")]
    assert "100 lines" in answer.evidence[0]
    assert re.search(r"5 to 20 lines are usual after \d periods with a median of 10", answer.evidence[0])
    pair[1].configure({**EXPECT, "lines": ["1", "1000"], "bytes": ["1MB", "2MB"]})
    pair[1].ship()
    answer = asked(pair[0])
    assert answer.found == [("dtn02", "unusual", "fewer than expected")]
    assert "1,000,000 to 2,000,000 bytes are configured" in answer.evidence[0]


def test_a_stall_is_told_with_its_reason(pair):
    (pair[1].logs / "broken.log").symlink_to(pair[1].configuration)
    pair[0].ship()
    assert pair[1].shipper("run", "--once").code == 1
    answer = asked(pair[0])
    assert answer.found == [("dtn02", "stalled", "its agent says so")]
    assert "broken.log, since" in answer.evidence[0]
    assert "leads out of the input's folders" in answer.evidence[0]


def test_the_page_and_the_text_name_every_host(hosts, index, monkeypatch, tmp_path):
    damage(hosts, index, monkeypatch)
    page = tmp_path / "fleet.html"
    answer = hosts[0].shipper("audit", "--fleet", "--html", str(page))
    assert answer.code == 1
    for host in hosts:
        assert host.name in answer.out
        assert host.name in page.read_text()
    assert "Verdict: findings" in answer.out


def test_a_host_that_is_gone_for_good_may_be_silent_but_loses_no_line(pair, index):
    ship_all(pair)
    index.age(pair[1], 86_400)
    assert [kind for _, kind, _ in asked(pair[0]).found] == ["silent"]
    answer = asked(pair[0], "--retired", pair[1].name)
    assert (answer.code, answer.found) == (0, [])
    assert answer.report["hosts"][1]["lines"]["stored"] == 80
    index.delete_documents(pair[1], 7)
    assert asked(pair[0], "--retired", pair[1].name).found == [("dtn02", "missing", "gone from the index")]


def test_a_retired_host_that_reports_again_is_one_like_the_others(pair, index):
    (pair[1].logs / "broken.log").symlink_to(pair[1].configuration)
    pair[0].ship()
    pair[1].shipper("run", "--once")
    revive(index, pair[1])
    assert [kind for _, kind, _ in asked(pair[0], "--retired", pair[1].name).found] == ["stalled"]


def test_what_is_not_proved_has_a_next_command(pair, index):
    pair[1].configure(fleet=False)
    ship_all(pair)
    assert f"Next, on {pair[1].name}: shipper audit;" in pair[0].shipper("audit", "--fleet").out
    index.sql("DELETE FROM ledger_documents WHERE kind = 'fate'")
    text = pair[0].shipper("audit", "--fleet").out
    assert f"Next, on {pair[0].name}: shipper audit -c {pair[0].configuration}\n" in text
    index.sql("DELETE FROM ledger_documents")
    index.sql("DELETE FROM documents")
    text = pair[0].shipper("audit", "--fleet").out
    assert "Next, on a host that should ship to this index: shipper check --connect" in text
    assert "Next: nothing" not in text


def test_the_next_command_can_be_typed_in_any_folder(pair, index, monkeypatch):
    """Also where the agent was started with the relative path of its configuration."""
    whole = pair[1].configuration
    monkeypatch.chdir(whole.parent)
    pair[1].configuration = Path(whole.name)
    ship_all(pair)
    index.delete_documents(pair[1], 7)
    assert f"shipper audit -c {whole} --repair" in pair[0].shipper("audit", "--fleet").out


def test_a_page_shows_hosts_of_which_nobody_tells_anything(pair, tmp_path):
    for host in pair:
        host.configure(fleet=False)
    ship_all(pair)
    page = tmp_path / "fleet.html"
    assert pair[0].shipper("audit", "--fleet", "--html", str(page)).code == 3
    assert pair[1].name in page.read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--repair"], "--repair does not go together with --fleet"),
        (["--level", "contents"], "--level does not go together with --fleet"),
        (["--since", "1h"], "--since does not go together with --fleet"),
        (["--silent-after", "soon"], "--silent-after soon"),
        (["--host", "nobody.example.org"], "neither the index nor a ledger knows this host"),
    ],
)
def test_what_makes_no_sense_for_a_fleet_is_refused(pair, words, reason):
    pair[0].ship()
    answer = asked(pair[0], *words)
    assert answer.code == 2
    assert reason in answer.err


def test_a_silence_is_judged_by_fleet_only(pair):
    assert pair[0].shipper("audit", "--silent-after", "1h").code == 2
    assert pair[0].shipper("audit", "--retired", "dtn02").code == 2


def survey_of(path, wait=lambda _: None):
    events, where = EventsLog(silent), SQLiteSettings(path)
    with (
        closing(open_to_read(where, (), SystemClock(), events)) as output,
        closing(open_ledger(where, events)) as documents,
    ):
        return Survey(documents, output, time.time, wait).run()


def test_of_all_samples_a_fleet_is_told_what_the_host_itself_would_tell(tmp_path):
    """Headers, filtered lines, several lines for an event, archives, copies: the state and its documents agree.

    (Of some files that begin the same the ledger alone cannot tell which is which, there as here.)
    """
    site = sample_site(tmp_path)
    with agent(replace(site.settings, fleet=True), SystemClock(), EventsLog(silent)) as running:
        running.once()
    fleet, own = survey_of(site.index), site.audit(level="ledger")
    assert fleet.outcome.findings == own.findings
    assert fleet.outcome.totals.indexed == own.totals.indexed > 1000
    lines = fleet.hosts[0].compared.lines
    assert sum(lines.values()) == running.totals.lines
    assert min(lines["stored"], lines["filtered"]) > 0


class Watched:
    """A survey whose waiting lets pair go on."""

    def __init__(self, index, meanwhile):
        self.path = index.path
        self.meanwhile = meanwhile
        self.waited = 0

    def run(self):
        return survey_of(self.path, self._wait)

    def _wait(self, _seconds):
        self.waited += 1
        self.meanwhile()


def revive(index, host):
    """As if the agent went on after its last report."""
    index.age(host, 0)


def test_a_file_that_began_since_the_ledger_was_written_is_no_finding(pair, index):
    """The ledger of a live agent is a minute old, the index is not."""
    ship_all(pair)
    index.sql("CREATE TABLE kept AS SELECT * FROM ledger_documents WHERE host = ?", pair[1].name)
    pair[1].write(last_hours(1)[0], 10, "new.log")
    pair[1].ship()
    index.sql("DELETE FROM ledger_documents WHERE host = ?", pair[1].name)
    index.sql("INSERT INTO ledger_documents SELECT * FROM kept")
    revive(index, pair[1])

    def report():
        pair[1].ship()
        revive(index, pair[1])

    watched = Watched(index, report)
    fleet = watched.run()
    assert fleet.outcome.findings == []
    assert watched.waited >= 2, "two signs of life later every line that was there is known"
    assert fleet.hosts[1].compared.lines == {"stored": 90}


def test_lines_that_were_stored_since_the_ledger_was_written_are_no_finding(pair, index):
    ship_all(pair)
    index.sql("CREATE TABLE kept AS SELECT * FROM ledger_documents WHERE host = ?", pair[1].name)
    pair[1].write(last_hours(1)[0], 10)
    pair[1].ship()
    index.sql("DELETE FROM ledger_documents WHERE host = ?", pair[1].name)
    index.sql("INSERT INTO ledger_documents SELECT * FROM kept")
    answer = asked(pair[0])
    assert (answer.code, answer.found) == (0, [])


def test_a_ledger_that_is_read_while_it_is_written_is_read_again(pair, index):
    ship_all(pair)
    statement = "DELETE FROM ledger_documents WHERE host = ? AND kind = 'fate'"
    index.sql(statement, pair[1].name)
    revive(index, pair[1])

    def report():
        pair[1].ship()
        revive(index, pair[1])

    watched = Watched(index, report)
    assert watched.run().outcome.findings == []
    with closing(open_ledger(SQLiteSettings(index.path), EventsLog(silent))) as documents:
        assert read_ledger(documents, pair[1].name).torn == {}


def test_who_went_on_while_others_were_waited_for_is_not_silent(pair, index, monkeypatch):
    """Signs of life are judged as they are at the end: a survey may take longer than a host may be silent."""
    ship_all(pair)
    index.sql("DELETE FROM ledger_documents WHERE host = ? AND kind = 'fate'", pair[1].name)
    index.age(pair[0], SILENT_AFTER - 60)
    revive(index, pair[1])
    passed, clock = 0.0, time.time

    def report():
        nonlocal passed
        passed += 100
        for host in pair:
            host.ship()
            revive(index, host)

    monkeypatch.setattr("time.time", lambda: clock() + passed)
    assert Watched(index, report).run().outcome.findings == []
    assert passed > 60
