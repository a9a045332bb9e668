"""Damage that the model of `tests/model` found the audit to misjudge, one plain case each."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.memory_site import MemorySite
from support.site import found, transfer

from shipper.audit.findings import Kind, Verdict
from shipper.records import Document, Outcome, OutcomeKind
from shipper.settings import InputSettings

LINES = [transfer(n) for n in range(50)]
LEVELS = ["ledger", "disk", "contents"]


def refused(document: Document) -> Outcome | None:
    return Outcome(OutcomeKind.REFUSED, "mapping", "no such field") if b"file7 " in document.body else None


@pytest.fixture
def site(tmp_path: Path) -> MemorySite:
    return MemorySite(tmp_path, answer=refused)


def test_a_dead_letter_in_the_file_does_not_make_what_is_gone_never_acknowledged(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    site.delete("a.log", LINES, 5)
    assert found(site.audit()) == [("missing", "gone from the index", "a.log", 5, 5)]


def test_what_is_sent_and_not_counted_yet_does_not_make_what_is_gone_never_acknowledged(site: MemorySite) -> None:
    path = site.write("a.log", LINES[:20])
    site.ship()
    site.keep_state()
    with path.open("ab") as file:
        file.write(b"".join(LINES[20:]))
    site.ship()
    site.put_state_back()
    site.delete("a.log", LINES, 5)
    assert found(site.audit()) == [("missing", "gone from the index", "a.log", 5, 5)]


def test_an_altered_document_does_not_make_what_was_never_acknowledged_gone(site: MemorySite) -> None:
    site.held.answer = lambda _: None
    site.write("a.log", LINES)
    site.ship()
    site.delete("a.log", LINES, 5)
    key = site.held.at("a.log", sum(map(len, LINES[:8])))
    site.held.documents[key].tally = site.held.documents[key].tally._replace(h0=1)
    site.alter_state("UPDATE ledger SET lines = lines - 1 WHERE fate = 'stored'")
    assert ("missing", "never acknowledged", "a.log", 5, 5) in found(site.audit())


def test_an_event_that_was_ended_after_the_state_was_kept_is_closed(tmp_path: Path) -> None:
    site = MemorySite(tmp_path, InputSettings("m", (f"{tmp_path}/logs/*",), "storm-monitoring", timezone="Europe/Rome"))
    event = b"03/20 14:19:11 : [# 22927 lifetime=95:33:18] S [OK:47,F:15,E:0]\n\tand what follows it\n"
    path = site.write("monitoring.log", [event])
    site.ship()
    site.keep_state()
    with path.open("ab") as file:
        file.write(event.replace(b"14:19", b"14:20") + event.replace(b"14:19", b"14:21"))
    site.ship()
    site.put_state_back()
    for level in LEVELS:
        outcome = site.audit(level=level)
        assert (outcome.verdict, found(outcome)) == (Verdict.CLOSED, []), level


@pytest.mark.parametrize("name", ["a.log.1", "a.log"])
def test_the_ledger_counts_a_file_and_its_copy_once(site: MemorySite, name: str) -> None:
    path = site.write("a.log", LINES)
    site.ship()
    shutil.copy(path, site.logs / "a.log.1")
    site.ship()
    site.delete("a.log", LINES, 5, 6)
    (site.logs / name).unlink()
    outcome = site.audit(level="ledger")
    assert found(outcome) == [("missing", "gone from the index", "a.log", None, None)]
    assert outcome.totals.missing == 2


def test_the_ledger_of_an_older_copy_vouches_for_its_beginning_only(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    site.write("older.log", LINES[:20])
    site.ship()
    assert site.audit(level="ledger").verdict is Verdict.CLOSED
    site.delete("a.log", LINES, 30)
    assert found(site.audit(level="ledger")) == [("missing", "gone from the index", "a.log", None, None)]


def test_a_dead_letter_whose_line_was_altered_behind_another_edit_is_found(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    altered = LINES[7].replace(b"alice", b"mALLo")
    site.write("a.log", [*LINES[:2], *LINES[3:7], altered, *LINES[8:]])
    outcome = site.audit()
    assert ("unexpected", "removed from disk", "a.log", 3, 3) in found(outcome)
    assert ("altered", "changed on disk", "a.log", 7, 7) in found(outcome)


def test_a_duplicate_is_told_by_its_line_on_the_disk_of_today(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    key = site.held.at("a.log", sum(map(len, LINES[:29])))
    site.held.documents["another-index", key[1]] = site.held.documents[key]
    site.write("a.log", [*LINES[:9], *LINES[12:]])
    outcome = site.audit()
    assert [f.first_line for f in outcome.findings if f.kind is Kind.DUPLICATE] == [27]


def test_a_line_that_was_put_in_does_not_count_as_one_that_the_ledger_must_know(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    site.delete("a.log", LINES, 40)
    site.write("a.log", [*LINES[:9], transfer(777), *LINES[9:]])
    assert found(site.audit()) == [
        ("altered", "added on disk", "a.log", 10, 10),
        ("missing", "gone from the index", "a.log", 41, 41),
    ]


@pytest.mark.parametrize("edited", [[transfer(777), b"\n"], [b"   \n"]])
@pytest.mark.parametrize("use_state", [True, False])
def test_what_is_missing_before_an_edit_is_no_part_of_it(
    site: MemorySite, edited: list[bytes], use_state: bool
) -> None:
    site.write("a.log", [*LINES[:20], b"\n", *LINES[20:]])
    site.ship()
    site.delete("a.log", LINES, 5)
    site.write("a.log", [*LINES[:20], *edited, *LINES[20:]])
    outcome = site.audit(use_state=use_state)
    missing = [(f.first_line, f.repair) for f in outcome.findings if f.kind is Kind.MISSING]
    assert (5, "resend") in missing
    assert ("altered", "added on disk" if len(edited) > 1 else "changed on disk", "a.log", 21, 21) in found(outcome)


def test_the_last_event_of_a_file_into_which_a_line_was_put_is_matched(tmp_path: Path) -> None:
    item = InputSettings("m", (f"{tmp_path}/logs/*",), "storm-monitoring", timezone="Europe/Rome")
    site = MemorySite(tmp_path, item)
    event = b"03/20 14:%02d:11 : [# 22927 lifetime=95:33:18] S [OK:47,F:15,E:0]\n\tand what follows it\n"
    events = [event % number for number in range(30)]
    path = site.write("monitoring.log", events)
    site.ship()
    path.write_bytes(b"".join([*events[:9], event % 59, *events[9:]]))
    assert found(site.audit()) == [("altered", "added on disk", "monitoring.log", 19, 20)]


GENERATIONS = [
    LINES[:30] + [transfer(1000 + n) for n in range(20)],
    LINES[:20] + [transfer(2000 + n) for n in range(20)],
    LINES[:5] + [transfer(3000 + n) for n in range(20)],
    LINES[:12] + [transfer(4000 + n) for n in range(20)],
]


def replaced_again_and_again(site: MemorySite, order: Sequence[int]) -> None:
    site.held.answer = lambda _: None
    for number in order:
        site.write("new.tmp", GENERATIONS[number]).rename(site.logs / "a.log")
        site.ship()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 1, 2, 3), (2, 0, 3, 1)])
def test_generations_that_share_beginnings_of_different_lengths_are_told_apart(
    site: MemorySite, order: Sequence[int]
) -> None:
    replaced_again_and_again(site, order)
    for level in ("ledger", "disk"):
        outcome = site.audit(level=level)
        assert (outcome.verdict, found(outcome)) == (Verdict.CLOSED, []), level
    (site.logs / "a.log").unlink()
    for level in ("ledger", "disk"):
        assert site.audit(level=level).verdict is Verdict.CLOSED, level


@pytest.mark.parametrize("level", ["ledger", "disk"])
def test_generations_that_differ_in_their_last_line_alone_are_told_apart_when_both_are_gone(
    site: MemorySite, level: str
) -> None:
    site.held.answer = lambda _: None
    for number in (1000, 1001):
        site.write("new.tmp", [*LINES[:2], transfer(number)]).rename(site.logs / "a.log")
        site.ship()
    (site.logs / "a.log").unlink()
    assert site.audit(level=level).verdict is Verdict.CLOSED
    held = dict(site.held.documents)
    for key in held:
        site.held.documents = {other: document for other, document in held.items() if other != key}
        assert site.audit(level=level).verdict is not Verdict.CLOSED


def test_documents_that_are_there_twice_are_not_taken_for_those_of_a_file_that_begins_the_same(
    site: MemorySite,
) -> None:
    site.write("a.log", LINES[:1])
    site.ship()
    (site.logs / "a.log.gz").write_bytes(gzip.compress(b"".join(LINES[:9])))
    (site.logs / "a.log").unlink()
    site.ship()
    for line in (0, 1):
        key = site.held.at("", sum(map(len, LINES[:line])))
        site.held.documents["another", key[1]] = site.held.documents[key]
    outcome = site.audit(level="ledger")
    assert [finding[:2] for finding in found(outcome)] == [("duplicate", "same id in two indices")] * 2


@pytest.mark.parametrize("level", ["ledger", "disk"])
def test_generations_of_which_one_document_is_gone_are_not_closed(site: MemorySite, level: str) -> None:
    replaced_again_and_again(site, (0, 1, 2, 3))
    (key,) = [key for key, document in site.held.documents.items() if b"/data/file1010 " in document.body]
    del site.held.documents[key]
    assert site.audit(level=level).verdict is not Verdict.CLOSED
    (site.logs / "a.log").unlink()
    assert site.audit(level=level).verdict is not Verdict.CLOSED


def test_the_line_that_was_put_in_is_told_from_an_equally_long_one_that_is_not_shipped(tmp_path: Path) -> None:
    site = MemorySite(tmp_path, InputSettings("raw", (f"{tmp_path}/logs/*",), "raw"))
    lines = [b"this is line %02d of the file\n" % number for number in range(30)]
    blank = b" " * (len(lines[0]) - 1) + b"\n"
    site.write("a.log", [*lines[:15], blank, *lines[15:]])
    site.ship()
    site.write("a.log", [*lines[:15], b"this is line xx of the file\n", blank, *lines[15:]])
    for use_state in (True, False):
        assert found(site.audit(use_state=use_state)) == [("altered", "added on disk", "a.log", 16, 16)], use_state


@pytest.mark.parametrize("level", ["ledger", "disk", "contents"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 1, 2, 3), (1, 0)])
def test_a_generation_that_the_index_lost_is_missed_beside_those_that_it_holds(
    site: MemorySite, order: Sequence[int], level: str
) -> None:
    """What the index holds of one that is gone, too, vouches for that one alone."""
    replaced_again_and_again(site, order)
    held = dict(site.held.documents)
    for lost, last in [(number, last) for number in order[:-1] for last in (1, 20)]:
        names = [b"/data/file%d " % ((lost + 1) * 1000 + 19 - n) for n in range(last)]
        kept = {key: value for key, value in held.items() if not any(name in value.body for name in names)}
        assert len(kept) == len(held) - last
        site.held.documents = kept
        assert site.audit(level=level).verdict is not Verdict.CLOSED, (lost, last)
    site.held.documents = held
    assert site.audit(level=level).verdict is Verdict.CLOSED


def test_a_part_that_the_index_lost_of_a_file_that_is_gone_is_missed_beside_a_part_that_it_holds(
    tmp_path: Path,
) -> None:
    """The file that follows it is as long, so that nothing is out of balance where its documents are gone."""
    site = MemorySite(tmp_path, InputSettings("raw", (f"{tmp_path}/logs/*.log",), "raw"))
    beginning = b"this is how both of them begin, line by line\n"
    for letter in (b"a", b"b"):
        lines = [beginning, *(b"%02d " % number + letter * 1_000_000 + b"\n" for number in range(18))]
        site.write("new.tmp", lines).rename(site.logs / "one.log")
        site.ship()
    assert site.audit().verdict is Verdict.CLOSED
    gone = [key for key, it in site.held.documents.items() if it.offset >> 24 and b"aaaa" in it.body]
    assert len(gone) == 1
    for key in gone:
        del site.held.documents[key]
    outcome = site.audit()
    assert found(outcome) == [("missing", "gone from the index", "one.log", None, None)]
    assert outcome.totals.missing == 1


def test_a_lost_line_that_stands_in_the_next_file_where_both_part_is_not_vouched_for_by_it(site: MemorySite) -> None:
    """The sums alone cannot tell it: they are those of five shared lines and the sixth of the file on disk."""
    site.held.answer = lambda _: None
    other = [transfer(1000 + n) for n in range(20)]
    for lines in ([*LINES[:5], *other, LINES[5]], LINES):
        site.write("new.tmp", lines).rename(site.logs / "a.log")
        site.ship()
    assert site.audit().verdict is Verdict.CLOSED
    site.delete("a.log", [*LINES[:5], *other], 26)
    assert site.audit().verdict is not Verdict.CLOSED


def test_an_edit_of_what_is_not_shipped_is_told_by_what_was_cut_off_the_end(tmp_path: Path) -> None:
    """One finding tells that a file was edited; another one at the first of the edits would count it twice."""
    site = MemorySite(tmp_path, InputSettings("raw", (f"{tmp_path}/logs/*",), "raw"))
    lines = [b"this is line %02d of the file\n" % number for number in range(30)]
    site.write("a.log", [*lines[:5], b"\n", *lines[5:]])
    site.ship()
    site.write("a.log", lines[:29])
    said = [one for one in found(site.audit()) if one[1] != "ledger disagrees"]
    assert said == [("unexpected", "removed from disk", "a.log", 30, 30)]
