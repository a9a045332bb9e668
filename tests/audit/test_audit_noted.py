"""Without a state, dead letters are told from missing lines by the ledger documents, and by nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.memory_site import MemorySite
from support.site import Site, found, transfer

from shipper.audit import examine
from shipper.audit.drilldown.choices import adding_up
from shipper.audit.findings import Outcome as Found
from shipper.audit.findings import Verdict
from shipper.records import Document, Outcome, OutcomeKind, Tally
from shipper.settings import InputSettings

LINES = [transfer(n) for n in range(50)]
DEAD = "dead letters"


def refusing(*lines: bytes) -> Callable[[Document], Outcome | None]:
    """An output that takes all documents but those of some lines."""
    texts = {line.rstrip(b"\n") for line in lines}

    def answer(document: Document) -> Outcome | None:
        refused = any(text in document.body for text in texts)
        return Outcome(OutcomeKind.REFUSED, "mapping", "no such field") if refused else None

    return answer


@pytest.fixture
def site(tmp_path: Path) -> MemorySite:
    """A host that leaves its ledger in the index, and whose index refuses lines 8, 20 and 33."""
    site = MemorySite(tmp_path, answer=refusing(LINES[7], LINES[19], LINES[32]))
    site.fleet = True
    site.write("a.log", LINES)
    site.ship()
    return site


def missing(*numbers: int) -> list[tuple[str, str, str, int, int]]:
    return [("missing", "not in the index", "a.log", number, number) for number in numbers]


def without_state(site: Site, **request: object) -> Found:
    """What is found without the state; also if there is none at all."""
    outcome = site.audit(use_state=False, **request)
    site.forget()
    assert site.audit(**request) == outcome
    return outcome


@pytest.mark.parametrize("level", ["disk", "contents"])
def test_dead_letters_are_no_fault(site: MemorySite, level: str) -> None:
    outcome = without_state(site, level=level)
    assert (outcome.verdict, outcome.totals.dead_letters, outcome.totals.indexed) == (Verdict.CLOSED, 3, 47)


@pytest.mark.parametrize("most", [5, 60_000])
@pytest.mark.parametrize("deleted", [(1,), (9, 21, 34), (2, 3, 4, 5, 6, 7)])
def test_what_is_missing_among_dead_letters_is_named_and_it_alone_is_sent_again(
    site: MemorySite, monkeypatch: pytest.MonkeyPatch, deleted: tuple[int, ...], most: int
) -> None:
    """Also where a bucket is compared in slices."""
    monkeypatch.setattr(examine, "MOST", most)
    site.delete("a.log", LINES, *deleted)
    outcome = site.audit(use_state=False)
    assert sum(finding.lines for finding in outcome.findings) == len(deleted) == outcome.totals.missing
    assert {finding.first_line for finding in outcome.findings} <= set(deleted)
    assert outcome.totals.dead_letters == 3
    site.held.answer = refusing(b"nothing")
    assert site.repair(use_state=False).stored == len(deleted)
    assert site.audit(use_state=False).totals.dead_letters == 3


def test_of_lines_that_are_equal_nobody_can_say_which_one_is_dead(tmp_path: Path) -> None:
    site = MemorySite(tmp_path)
    site.fleet = True
    lines = [*LINES[:10], LINES[3], *LINES[10:]]
    site.write("a.log", lines)
    first = sum(map(len, LINES[:3]))
    site.held.answer = lambda document: refusing(LINES[3])(document) if document.offset == first else None
    site.ship()
    assert site.audit(use_state=False).totals.dead_letters == 1
    site.delete("a.log", lines, 11)
    outcome = site.audit(use_state=False)
    assert found(outcome) == missing(4, 11)
    assert (
        "ledger documents count 1 dead letter in this part of the file, but not which" in outcome.findings[0].evidence
    )


def test_dead_letters_are_told_among_very_many_lines_that_a_rule_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "app.yml").write_text(
        "dataset: app\ntimestamp: {by: modification}\nparse: [{grok: ['%{WORD:app.word} %{NUMBER:app.number}']}]\n"
        "drop: [{rule: idle, when: {app.word: {equal: idle}}}]\n"
    )
    site = MemorySite(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*",), "app"))
    site.fleet, site.pipeline_dirs = True, (folder,)
    lines = [b"%s %d\n" % (b"busy" if number % 100 == 50 else b"idle", number) for number in range(1000)]
    site.write("a.log", lines)
    site.held.answer = refusing(*(b"busy %d" % number for number in range(50, 650, 100)))
    site.ship()
    outcome = site.audit(use_state=False)
    assert (outcome.verdict, outcome.totals.filtered, outcome.totals.dead_letters) == (Verdict.CLOSED, 990, 6)


def test_an_older_ledger_tells_what_it_knows(site: MemorySite) -> None:
    """A live agent writes once a minute: beyond the checkpoint of that time nothing is known."""
    site.fleet = False
    more = [*(transfer(n) for n in range(100, 104)), LINES[7], *(transfer(n) for n in range(104, 120))]
    site.held.answer = refusing(LINES[7])
    site.write("a.log", [*LINES, *more])
    site.ship()
    site.fleet = True
    outcome = site.audit(use_state=False)
    assert found(outcome) == missing(55)
    assert outcome.totals.dead_letters == 3


def test_what_was_sent_again_since_is_where_it_is(site: MemorySite) -> None:
    """The ledger documents still count it as dead; what is missing now is not taken for it."""
    (letter,) = site.held.batches[0].documents[7:8]
    site.held.documents["gridftp.transfer-default-2026.11", letter.id] = letter
    outcome = site.audit(use_state=False)
    assert found(outcome) == missing(20, 33)
    assert outcome.totals.dead_letters == 0
    site.delete("a.log", LINES, 2)
    assert found(site.audit(use_state=False)) == missing(2, 20, 33)


def test_another_file_that_begins_the_same_explains_nothing(site: MemorySite) -> None:
    """The ledger documents are of an earlier generation, with the same dead lines at the same places."""
    site.fleet = False
    (site.logs / "a.log").unlink()
    site.held.documents.clear()
    site.write("a.log", [*LINES[:40], *(transfer(n) for n in range(200, 210))])
    site.ship()
    site.fleet = True
    assert found(site.audit(use_state=False)) == missing(8, 20, 33)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM ledger_documents WHERE document ->> '$.shipper.fate' = 'stored'",
        "UPDATE ledger_documents SET document = json_set(document, '$.shipper.h0', 1) WHERE kind = 'fate'",
        "UPDATE ledger_documents SET document = json_set(document, '$.log.offset', 77) WHERE kind = 'file'",
        "DELETE FROM ledger_documents WHERE kind = 'file'",
        "DROP TABLE ledger_documents",
    ],
)
def test_a_ledger_that_is_not_whole_explains_nothing(site: MemorySite, damage: str) -> None:
    site.sql(damage)
    outcome = site.audit(use_state=False)
    assert (found(outcome), outcome.totals.dead_letters) == (missing(8, 20, 33), 0)


def second_agent(site: MemorySite, *, superseded: bool) -> None:
    """What another state on this host says of the file: that it is read as far, and that line 20 was stored."""
    with closing(sqlite3.connect(site.index)) as db, db:
        for name, kind, host, agent, body in db.execute("SELECT * FROM ledger_documents").fetchall():
            values = (name.replace(agent, "f" * 16), kind, host, "f" * 16, body.replace(agent, "f" * 16))
            db.execute("INSERT INTO ledger_documents VALUES (?, ?, ?, ?, ?)", values)
        line = site.held.batches[0].documents[19].tally
        for fate, sign in (("stored", 1), ("dead:mapping", -1)):
            for part, more in line._asdict().items():
                place = f"'$.shipper.{part}'"
                added = f"json_set(document, {place}, (document ->> {place}) + ?)"
                where = "agent = ? AND document ->> '$.shipper.fate' = ?"
                db.execute(
                    f"UPDATE ledger_documents SET document = {added} WHERE {where}", (sign * more, "f" * 16, fate)
                )
        if superseded:
            said = "json_set(document, '$.details.superseded', json('true'))"
            db.execute(f"UPDATE ledger_documents SET document = {said} WHERE agent = ? AND kind = 'file'", ("f" * 16,))


def test_where_two_ledgers_contradict_each_other_neither_is_believed(site: MemorySite) -> None:
    second_agent(site, superseded=False)
    assert found(site.audit(use_state=False)) == missing(8, 20, 33)


def test_what_an_agent_has_forgotten_does_not_contradict_what_one_knows(site: MemorySite) -> None:
    second_agent(site, superseded=True)
    assert site.audit(use_state=False).verdict is Verdict.CLOSED


def test_a_file_that_was_edited_is_not_what_the_ledger_counted(site: MemorySite) -> None:
    site.write("a.log", [*LINES[:2], *LINES[3:]])
    outcome = site.audit(use_state=False)
    assert ("unexpected", "removed from disk", "a.log", 3, 3) in found(outcome)
    assert outcome.totals.dead_letters == 0


def test_a_file_that_is_gone_is_vouched_for_as_far_as_its_ledger_documents_go(site: MemorySite) -> None:
    (site.logs / "a.log").unlink()
    outcome = without_state(site)
    assert (outcome.verdict, outcome.vouched.lines) == (Verdict.CLOSED, 47)
    site.delete("a.log", LINES, 2)
    outcome = site.audit(use_state=False)
    assert found(outcome) == [("unproved", "file gone and no ledger vouches", "a.log", None, None)]
    assert (outcome.findings[0].lines, outcome.vouched.lines) == (46, 0)
    assert "its ledger documents count 47 stored lines, the index holds 46" in outcome.findings[0].evidence


def test_a_file_that_is_gone_is_not_vouched_for_where_its_ledger_counts_more_or_is_not_whole(site: MemorySite) -> None:
    (site.logs / "a.log").unlink()
    where = "WHERE document ->> '$.shipper.fate' LIKE 'dead:%'"
    site.sql("CREATE TABLE kept AS SELECT * FROM ledger_documents")
    site.sql(f"DELETE FROM ledger_documents {where}")
    assert site.audit(use_state=False).findings[0].lines == 47
    site.sql("INSERT OR IGNORE INTO ledger_documents SELECT * FROM kept")
    more = "json_set(document, '$.shipper.bucket', 1, '$.shipper.fate', 'stored', '$.shipper.bytes', 10)"
    site.sql(f"INSERT INTO ledger_documents SELECT id || 'x', kind, host, agent, {more} FROM kept {where}")
    longer = "json_set(document, '$.log.offset', (document ->> '$.log.offset') + 10)"
    site.sql(f"UPDATE ledger_documents SET document = {longer} WHERE kind = 'file'")
    (finding,) = site.audit(use_state=False).findings
    assert (finding.cause.value, finding.lines) == ("file gone and no ledger vouches", 0)
    assert "count 50 stored lines, the index holds 47" in finding.evidence


def test_a_dead_letter_of_which_the_agent_tells_while_the_audit_waits_is_no_finding(site: MemorySite) -> None:
    """Neither disk nor index has changed since the first look; the ledger documents have."""
    site.sql("ALTER TABLE ledger_documents RENAME TO later")
    site.during_wait = lambda: site.sql("ALTER TABLE later RENAME TO ledger_documents")
    outcome = site.audit(use_state=False, settle=60.0)
    assert (outcome.verdict, site.waited) == (Verdict.CLOSED, [60.0])


def tallies(count: int) -> list[Tally]:
    return [Tally(1, 100 + n % 7, n * n * 7919 % 268435399, n**3 * 104729 % 268435399) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(1, [0]), (10, [3]), (30, [3, 8, 21]), (30, [n for n in range(30) if n not in {4, 9, 17}]), (20_000, [777])],
)
def test_lines_are_told_by_what_they_add_up_to(count: int, chosen: list[int]) -> None:
    known = tallies(count)
    wanted = Tally(*map(sum, zip(*(known[number] for number in chosen), strict=True)))
    assert adding_up(known, wanted) == chosen
    assert adding_up(known, wanted._replace(h1=wanted.h1 + 1)) is None
    assert adding_up([*known, known[chosen[0]]], wanted) is None
    assert adding_up([known[chosen[0]], *known], wanted) is None


def test_of_very_many_choices_none_is_made() -> None:
    known = tallies(3000)
    assert adding_up(known, known[5].plus(known[77]).plus(known[2000])) is None
