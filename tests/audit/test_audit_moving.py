"""A host that does not rest while it is audited: what happens between two questions is no finding, damage is one."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import pytest
from support.memory_output import MemoryOutput
from support.site import Site, found, transfer

from shipper.audit.auditor import Auditor
from shipper.audit.doubts import Doubt, keys_of, looked_for
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Kind, Outcome, Verdict
from shipper.audit.request import Request
from shipper.records import BucketTally, Document, Stored
from shipper.send.output import Scope
from shipper.settings import InputSettings

FIRST = [transfer(n) for n in range(50)]


class Restless(MemoryOutput):
    """Something happens at each look of an audit, after the files were surveyed and before the index is asked."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        super().__init__()
        self.happenings = list(happenings)

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held after it happened."""
        if self.happenings:
            happening = self.happenings.pop(0)
            happening()
        yield from super().tallies(scope)

    def take(self, number: int) -> tuple[tuple[str, str], Document]:
        """Let a document vanish, the first has number 0; to be put back by `documents.update`."""
        key = sorted(self.documents, key=lambda key: self.documents[key].offset)[number]
        return key, self.documents.pop(key)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.output = Restless()
    site.write("a.log", FIRST)
    site.ship()
    return site


def happen(site: Site, *happenings: Callable[[], object]) -> None:
    """What happens at the next looks of the site's audits."""
    assert isinstance(site.output, Restless)
    site.output.happenings = list(happenings)


def append(site: Site, name: str, first: int, last: int) -> None:
    with (site.logs / name).open("ab") as file:
        file.write(b"".join(map(transfer, range(first, last))))
    site.ship()


def rotate(site: Site, turn: int) -> None:
    """The log is renamed, and another one is begun and shipped."""
    log = site.logs / "a.log"
    log.rename(log.with_name(f"a.log.{turn}"))
    append(site, "a.log", 1000 * turn, 1000 * turn + 10)


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize("level", ["disk", "contents"])
def test_a_log_that_was_begun_and_shipped_after_the_files_were_looked_for_is_looked_for_again(site, use_state, level):
    happen(site, lambda: append(site, "b.log", 100, 120))
    outcome = site.audit(level=level, use_state=use_state)
    assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 70)


def test_a_log_that_came_and_went_during_the_audit_is_vouched_for(site):
    def come_and_go() -> None:
        append(site, "b.log", 100, 120)
        (site.logs / "b.log").unlink()

    happen(site, come_and_go)
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.vouched.lines) == (Verdict.CLOSED, 50, 20)


@pytest.mark.parametrize("use_state", [True, False])
def test_a_log_that_is_rotated_at_every_look_is_no_finding(site, use_state):
    happen(site, *(lambda turn=turn: rotate(site, turn) for turn in range(1, 9)))
    assert site.audit(use_state=use_state, grace=1e12).verdict is Verdict.CLOSED


def test_a_log_that_is_packed_at_every_look_is_no_finding(site):
    def pack(turn: int) -> None:
        rotate(site, turn)
        old = site.logs / f"a.log.{turn}"
        old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
        old.unlink()

    happen(site, *(lambda turn=turn: pack(turn) for turn in range(1, 9)))
    assert site.audit().verdict is Verdict.CLOSED


def test_the_end_of_an_event_that_was_decided_after_the_checkpoints_were_asked_is_known_at_the_next_look(tmp_path):
    """An event of several lines ends when its file is quiet: a mark says so, and the document is sent."""
    storm = InputSettings("storm", (f"{tmp_path}/logs/*",), "storm-backend", timezone="UTC")
    site = Site(tmp_path, [storm])
    site.output = Restless()
    event = "00:00:0%d.000 - INFO [xmlrpc-1] - a message\nof two lines\n"
    log = site.write("storm-backend.log", [(event % number).encode() for number in range(3)])
    site.ship()

    def goes_on() -> None:
        with log.open("ab") as file:
            file.write((event % 4).encode())
        site.ship()

    happen(site, goes_on)
    outcome = site.audit(level="contents")
    assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 8)


def test_a_log_of_another_head_that_goes_while_it_is_compared_with_one_of_its_name_does_not_end_the_audit(site):
    """The directory of tstat is wiped and made again under its name: what lies there looks like an edited log."""
    new = [transfer(n) for n in range(500, 520)]
    (site.logs / "a.log").unlink()
    site.write("a.log", new)
    spans = site.output.spans

    def asked(fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        shutil.rmtree(site.logs, ignore_errors=True)
        return spans(fingerprint, first, last)

    site.output.spans = asked
    outcome = site.audit()
    assert (outcome.verdict, outcome.vouched.lines) == (Verdict.CLOSED, 50)


def test_a_log_too_short_to_be_known_that_goes_during_the_audit_is_nothing(site):
    short = site.write("b.log", [b"short\n"])
    happen(site, short.unlink)
    assert site.audit().verdict is Verdict.CLOSED


@pytest.mark.parametrize("use_state", [True, False])
def test_what_is_missing_from_a_log_that_grows_and_is_rotated_at_every_look_is_found_all_the_same(site, use_state):
    site.output.take(6)
    changes = [lambda turn=turn: append(site, "a.log", 100 * turn, 100 * turn + 10) for turn in range(1, 3)]
    happen(site, *changes, lambda: rotate(site, 7))
    outcome = site.audit(use_state=use_state)
    assert [(kind, first, last) for kind, _, _, first, last in found(outcome)] == [("missing", 7, 7)]


def test_without_state_a_hole_counts_only_if_it_is_there_at_two_looks(site):
    """Batches arrive in any order: at each look other lines are still under way."""
    lost = dict([site.output.take(20)])
    held: list[dict] = [{}]

    def other_lines_are_under_way(number: int) -> None:
        site.output.documents.update(held.pop())
        held.append(dict([site.output.take(number)]))

    happen(site, *(lambda number=number: other_lines_are_under_way(number) for number in (3, 12, 30)))
    outcome = site.audit(use_state=False, settle=60.0)
    assert site.waited == [60.0, 60.0]
    assert found(outcome) == [("missing", "not in the index", "a.log", 21, 21)]
    assert (outcome.totals.indexed, outcome.totals.missing, outcome.totals.pending) == (48, 1, 1)
    assert lost


def test_documents_that_arrive_between_two_questions_of_the_quickest_audit_are_not_taken_from_what_was_there(site):
    spans = site.output.spans
    numbers = iter(range(100, 1000, 10))

    def arrive() -> None:
        first = next(numbers)
        append(site, "a.log", first, first + 10)

    def asked(fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        arrive()
        return spans(fingerprint, first, last)

    site.output.spans = asked
    happen(site, *[arrive] * 3)
    assert site.audit(level="ledger").verdict is Verdict.CLOSED


def before_looks(site: Site, *happenings: Callable[[], object], **request: object) -> Outcome:
    """An audit; something happens before each of its looks, from the second on."""
    waiting = iter(happenings)
    turns = count()

    def now() -> float:
        if next(turns):
            next(waiting, lambda: None)()
        return site.now

    with closing(site.open()) as output:
        auditor = Auditor(site.settings, site.pipelines(), output, now, site.waited.append)
        return auditor.audit(Request(**request))


def rename_always(site: Site, turns: int) -> list[Callable[[], object]]:
    """The log gets another name after each survey, so that it cannot be opened."""
    names = ["a.log", *(f"a.log.{turn}" for turn in range(1, turns + 1))]
    return [lambda one=one, other=other: (site.logs / one).rename(site.logs / other) for one, other in pairwise(names)]


def alter_on_disk(site: Site) -> None:
    path = site.logs / "a.log"
    path.write_bytes(path.read_bytes().replace(b"/data/file7 ", b"/data/fileX "))


def test_a_log_that_is_renamed_at_several_looks_is_looked_at_until_it_could_be_read(site):
    alter_on_disk(site)
    happen(site, *rename_always(site, 5))
    assert [(kind, first, last) for kind, _, _, first, last in found(site.audit())] == [("altered", 8, 8)]


def test_a_log_that_is_renamed_at_every_look_is_never_closed(site):
    alter_on_disk(site)
    happen(site, *rename_always(site, 20))
    outcome = site.audit()
    assert outcome.verdict is Verdict.INCOMPLETE
    assert [finding.kind for finding in outcome.findings] == [Kind.UNPROVED]


def test_what_is_missing_from_a_log_that_goes_before_the_last_look_is_found_all_the_same(site):
    """With the file the line is known, without it the part of the file: that is the same loss."""
    site.output.take(30)
    other: dict = {}
    happen(site, lambda: None, lambda: other.update([site.output.take(3)]), lambda: site.output.documents.update(other))
    outcome = before_looks(site, lambda: None, (site.logs / "a.log").unlink)
    assert [finding.kind for finding in outcome.findings] == [Kind.MISSING]
    assert outcome.totals.missing == 1


def test_a_line_that_was_never_acknowledged_is_not_forgotten_with_its_log(site):
    """The ledger and the index agree without it; only the file showed it, at the first look."""
    _, lost = site.output.take(30)
    with closing(sqlite3.connect(site.root / "state" / "state.db")) as db, db:
        changed = "UPDATE ledger SET lines = lines - ?, bytes = bytes - ?, h0 = h0 - ?, h1 = h1 - ?"
        assert db.execute(changed, lost.tally).rowcount == 1
    outcome = before_looks(site, (site.logs / "a.log").unlink)
    assert ("missing", "never acknowledged", "a.log", 31, 31) in found(outcome)


def test_a_disagreement_with_the_ledger_is_the_same_wherever_a_run_of_buckets_begins(site):
    def doubted(offset: int) -> Doubt:
        (finding,) = before_looks(site).findings[:1]
        other = replace(finding, kind=Kind.ALTERED, cause=Cause.LEDGER_DISAGREES, offset=offset, first_line=None)
        return Doubt(frozenset(), (), Outcome(findings=[other]))

    site.output.take(3)
    assert doubted(0).agrees_with(doubted(5 << 24))


def test_families_that_were_one_at_a_look_are_both_looked_at_again_and_their_findings_are_kept_together():
    one, other, third = Family("logs", ("1", "2")), Family("logs", ("2",)), Family("logs", ("3",))
    doubt = Doubt(keys_of(one), (), Outcome())
    assert list(looked_for([doubt], [third, other])) == [(doubt, [other])]
    parted = [Doubt(keys_of(family), (), Outcome(files=1)) for family in (Family("logs", ("1",)), other, third)]
    (joined, families), (alone, rest) = looked_for(parted, [third, one])
    assert (joined.keys, joined.outcome.files, families) == (keys_of(one), 2, [one])
    assert (alone.keys, rest) == (keys_of(third), [third])
