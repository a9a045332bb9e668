"""The audit over what the real agent shipped into a real SQLite index."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from support.site import Site, found, insert_document, transfer

from shipper.audit.findings import Verdict


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def offset_of(lines: list[bytes], number: int) -> int:
    """Offset of a 1-based line."""
    return sum(map(len, lines[: number - 1]))


@pytest.mark.parametrize("level", ["ledger", "disk", "contents"])
def test_what_was_shipped_is_closed(site: Site, level: str) -> None:
    site.write("a.log", [transfer(n) for n in range(500)])
    site.write("b.log", [transfer(n) for n in range(1000, 1200)])
    site.ship()
    outcome = site.audit(level=level)
    assert outcome.verdict is Verdict.CLOSED
    assert outcome.totals.indexed == 700
    assert outcome.totals.disk_lines == (0 if level == "ledger" else 700)


def test_without_state_it_is_closed_too(site: Site) -> None:
    site.write("a.log", [transfer(n) for n in range(500)])
    site.ship()
    site.forget()
    outcome = site.audit(use_state=False, level="contents")
    assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 500)


def test_filtered_lines_are_named_from_the_ledger_and_without_state_by_parsing(site: Site) -> None:
    site.write("a.log", [transfer(1), b"\n", transfer(2), b"  \n"])
    site.ship()
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.indexed, outcome.totals.filtered) == (Verdict.CLOSED, 2, 2)


def test_a_deleted_document_is_missing_by_line_and_repaired(site: Site) -> None:
    lines = [transfer(n) for n in range(300)]
    site.write("a.log", lines)
    site.ship()
    before = site.documents()
    assert site.sql("DELETE FROM documents WHERE offset = ?", offset_of(lines, 17)) == 1
    outcome = site.audit()
    assert found(outcome) == [("missing", "gone from the index", "a.log", 17, 17)]
    assert outcome.totals.missing == 1
    assert outcome.totals.indexed == 299
    assert site.repair().stored == 1
    assert site.audit().verdict is Verdict.CLOSED
    assert site.documents() == before


def test_adjacent_missing_lines_are_one_finding(site: Site) -> None:
    lines = [transfer(n) for n in range(300)]
    site.write("a.log", lines)
    site.ship()
    site.sql("DELETE FROM documents WHERE offset BETWEEN ? AND ?", offset_of(lines, 40), offset_of(lines, 49))
    assert found(site.audit()) == [("missing", "gone from the index", "a.log", 40, 49)]


def test_lines_beyond_the_checkpoint_are_pending(site: Site) -> None:
    path = site.write("a.log", [transfer(n) for n in range(10)])
    site.ship()
    with path.open("ab") as file:
        file.write(transfer(10) + transfer(11) + b"DATE=2026 half a li")
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.pending, outcome.totals.disk_lines) == (Verdict.CLOSED, 3, 13)


def test_without_state_the_end_is_pending_while_the_file_is_young_and_missing_later(site: Site) -> None:
    path = site.write("a.log", [transfer(n) for n in range(10)])
    site.ship()
    with path.open("ab") as file:
        file.write(transfer(10) + transfer(11))
    site.now = path.stat().st_mtime + 10
    outcome = site.audit(use_state=False)
    assert (outcome.verdict, outcome.totals.pending) == (Verdict.CLOSED, 2)
    site.now = path.stat().st_mtime + 3600
    assert found(site.audit(use_state=False)) == [("missing", "not in the index", "a.log", 11, 12)]


def test_without_state_a_hole_counts_only_if_it_is_still_there_later(site: Site) -> None:
    lines = [transfer(n) for n in range(10)]
    site.write("a.log", lines)
    site.ship()
    site.sql("CREATE TABLE kept AS SELECT * FROM documents WHERE offset = ?", offset_of(lines, 3))
    site.sql("DELETE FROM documents WHERE offset = ?", offset_of(lines, 3))
    site.during_wait = lambda: site.sql("INSERT INTO documents SELECT * FROM kept")
    outcome = site.audit(use_state=False, settle=60.0)
    assert (outcome.verdict, site.waited) == (Verdict.CLOSED, [60.0])


def test_a_line_dropped_on_disk_is_named(site: Site) -> None:
    lines = [transfer(n) for n in range(300)]
    site.write("a.log", lines)
    site.ship()
    site.write("a.log", lines[:99] + lines[100:])
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert found(outcome) == [("unexpected", "removed from disk", "a.log", 100, 100)]
        assert outcome.totals.indexed == 299


def test_the_last_line_dropped_on_disk_is_named(site: Site) -> None:
    lines = [transfer(n) for n in range(300)]
    site.write("a.log", lines)
    site.ship()
    site.write("a.log", lines[:-1])
    for use_state in (True, False):
        assert found(site.audit(use_state=use_state)) == [("unexpected", "removed from disk", "a.log", 300, 300)]


@pytest.mark.parametrize("number", [1, 2, 150, 300])
def test_a_line_altered_on_disk_is_named(site: Site, number: int) -> None:
    lines = [transfer(n) for n in range(300)]
    site.write("a.log", lines)
    site.ship()
    changed = lines.copy()
    changed[number - 1] = b"X" + changed[number - 1][1:].replace(b"alice", b"mallory")
    site.write("a.log", changed)
    for use_state in (True, False):
        assert found(site.audit(use_state=use_state)) == [("altered", "changed on disk", "a.log", number, number)], (
            f"state: {use_state}"
        )


def test_all_kinds_of_damage_are_named_by_file_and_line_and_nothing_else(site: Site) -> None:
    logs = {
        name: [transfer(base + n) for n in range(2000)]
        for name, base in {"a.log": 0, "b.log": 5000, "c.log": 9000}.items()
    }
    for name, lines in logs.items():
        site.write(name, lines)
    site.ship()
    a = logs["a.log"]
    ids = {transfer_line: name for name, _, body in site.documents() for transfer_line in [body]}
    by_place = {(offset, body.split(b'"NBYTES')[0]): name for name, offset, body in site.documents()}
    assert len(ids) == len(by_place) == 6000

    def delete(name: str, number: int) -> None:
        where = "document ->> '$.log.file.path' LIKE ? AND offset = ?"
        assert site.sql(f"DELETE FROM documents WHERE {where}", f"%/{name}", offset_of(logs[name], number)) == 1

    delete("a.log", 3)
    delete("a.log", 1500)
    delete("b.log", 40)
    where = "document ->> '$.log.file.path' LIKE '%/a.log' AND offset = ?"
    assert site.sql(f"UPDATE documents SET h0 = h0 + 1 WHERE {where}", offset_of(a, 700)) == 1
    change = "document = json_set(document, '$.user.name', 'mallory')"
    assert site.sql(f"UPDATE documents SET {change} WHERE {where}", offset_of(a, 900)) == 1
    like = next(name for name, offset, body in site.documents() if offset == offset_of(a, 1100) and b"a.log" in body)
    insert_document(site, like, "x" * 24, transfer(424242), offset_of(a, 1100) + 1)
    site.write("b.log", logs["b.log"][:999] + logs["b.log"][1000:])
    altered = logs["c.log"].copy()
    altered[1233] = altered[1233].replace(b"alice", b"mallory")
    site.write("c.log", altered)

    changed_field = ("altered", "changed in the index", "a.log", 900, 900)

    def expected(missing: str) -> list[tuple[str, str, str, int, int]]:
        return [
            ("missing", missing, "a.log", 3, 3),
            ("altered", "changed in the index", "a.log", 700, 700),
            ("unexpected", "never on disk", "a.log", 1100, 1100),
            ("missing", missing, "a.log", 1500, 1500),
            ("missing", missing, "b.log", 40, 40),
            ("unexpected", "removed from disk", "b.log", 1000, 1000),
            ("altered", "changed on disk", "c.log", 1234, 1234),
        ]

    assert found(site.audit(level="disk")) == expected("gone from the index")
    assert sorted(found(site.audit(level="contents"))) == sorted([*expected("gone from the index"), changed_field])
    assert found(site.audit(level="disk", use_state=False)) == expected("not in the index")
    without = found(site.audit(level="contents", use_state=False))
    assert sorted(without) == sorted([*expected("not in the index"), changed_field])
    assert site.repair().stored == 3
    left = [item for item in expected("") if item[0] != "missing"]
    assert found(site.audit(level="disk")) == left


def test_copies_and_archives_of_a_file_count_once(site: Site) -> None:
    lines = [transfer(n) for n in range(400)]
    path = site.write("a.log", lines)
    site.ship()
    shutil.copy(path, site.logs / "copy.log")
    with gzip.open(site.logs / "a.log.1.gz", "wb") as file:
        file.write(b"".join(lines[:250]))
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.disk_lines, outcome.totals.indexed) == (Verdict.CLOSED, 400, 400)
    site.ship()
    assert site.audit().verdict is Verdict.CLOSED
    site.forget()
    assert site.audit(use_state=False).verdict is Verdict.CLOSED


def test_two_files_that_begin_the_same_share_the_beginning_only(site: Site) -> None:
    same = [transfer(n) for n in range(100)]
    site.write("a.log", same + [transfer(n) for n in range(1000, 1050)])
    site.write("b.log", same + [transfer(n) for n in range(2000, 2030)])
    site.ship()
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.disk_lines, outcome.totals.indexed) == (Verdict.CLOSED, 180, 180)
    site.sql("DELETE FROM documents WHERE document LIKE '%/data/file2010%'")
    assert found(site.audit()) == [("missing", "gone from the index", "b.log", 111, 111)]


def test_a_file_that_is_gone_is_vouched_for_by_the_ledger_and_unproved_without(site: Site) -> None:
    path = site.write("a.log", [transfer(n) for n in range(100)])
    site.write("b.log", [transfer(n) for n in range(500, 600)])
    site.ship()
    path.unlink()
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.vouched.lines) == (Verdict.CLOSED, 100, 100)
    outcome = site.audit(use_state=False)
    assert found(outcome) == [("unproved", "file gone and no ledger vouches", "a.log", None, None)]
    assert (outcome.verdict, outcome.exit_code, outcome.totals.unproved) == (Verdict.INCOMPLETE, 3, 100)


def test_documents_of_a_gone_file_that_are_gone_too_are_missing(site: Site) -> None:
    path = site.write("a.log", [transfer(n) for n in range(100)])
    site.ship()
    path.unlink()
    site.sql("DELETE FROM documents WHERE offset > 0 AND rowid % 10 = 0")
    outcome = site.audit()
    assert found(outcome) == [("missing", "gone from the index", "a.log", None, None)]
    assert outcome.totals.missing == 10


def test_a_file_that_replaced_one_with_the_same_head_is_told_from_it(site: Site) -> None:
    same = [transfer(n) for n in range(100)]
    path = site.write("a.log", same + [transfer(n) for n in range(1000, 1050)])
    site.ship()
    other = site.write("new", same + [transfer(n) for n in range(2000, 2030)])
    other.replace(path)
    site.ship()
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.disk_lines, outcome.vouched.lines) == (Verdict.CLOSED, 130, 50)


def test_lines_of_a_gone_file_that_a_shorter_copy_does_not_have_are_missing_if_the_index_lost_them(site: Site) -> None:
    lines = [transfer(n) for n in range(100)]
    path = site.write("a.log", lines)
    site.ship()
    site.write("copy.log", lines[:60])
    path.unlink()
    outcome = site.audit()
    assert (outcome.verdict, outcome.vouched.lines) == (Verdict.CLOSED, 40)
    assert site.sql("DELETE FROM documents WHERE offset >= ?", offset_of(lines, 61)) == 40
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.missing) == (Verdict.FINDINGS, 40)


def test_an_index_that_was_made_anew_is_not_called_closed_and_is_after_the_next_run(site: Site) -> None:
    site.write("a.log", [transfer(n) for n in range(100)])
    site.ship()
    for path in site.root.glob("index.db*"):
        path.unlink()
    outcome = site.audit()
    assert [finding.cause.value for finding in outcome.findings] == ["nothing was ever shipped to this index"]
    assert (outcome.verdict, outcome.totals.pending) == (Verdict.INCOMPLETE, 100)
    site.ship()
    assert site.audit().verdict is Verdict.CLOSED


def test_the_ledger_level_finds_what_is_gone_and_what_is_too_much(site: Site) -> None:
    lines = [transfer(n) for n in range(100)]
    site.write("a.log", lines)
    site.ship()
    site.sql("DELETE FROM documents WHERE offset = ?", offset_of(lines, 4))
    outcome = site.audit(level="ledger")
    assert found(outcome) == [("missing", "gone from the index", "a.log", None, None)]
    assert outcome.totals.missing == 1


@pytest.mark.parametrize("size", [40, 600])
def test_an_archive_that_breaks_off_is_pending_for_a_day_and_then_unproved(site: Site, size: int) -> None:
    site.write("a.log", [transfer(n) for n in range(1000, 1010)])
    packed = site.logs / "b.log.gz"
    packed.write_bytes(gzip.compress(b"".join(transfer(n) for n in range(50)))[:size])
    site.ship()
    site.now = packed.stat().st_mtime + 80_000
    for use_state in (True, False):
        assert site.audit(use_state=use_state).verdict is Verdict.CLOSED
    site.now += 10_000
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert found(outcome) == [("unproved", "unreadable", "b.log.gz", None, None)]
        assert "the archive breaks off after " in outcome.findings[0].evidence


def test_an_archive_that_breaks_off_before_the_place_to_which_its_log_was_read_hides_nothing(site: Site) -> None:
    log = site.write("a.log", [transfer(n) for n in range(50)])
    site.ship()
    (site.logs / "a.log.gz").write_bytes(gzip.compress(log.read_bytes())[:-20])
    log.unlink()
    assert site.audit().verdict is Verdict.CLOSED


@pytest.mark.parametrize("first", [0, 5000])
def test_a_file_that_cannot_be_read_makes_the_audit_incomplete_and_the_others_are_audited_on(
    site: Site, first: int
) -> None:
    site.write("a.log", [transfer(n) for n in range(100)])
    site.ship()
    packed = bytearray(gzip.compress(b"".join(transfer(n) for n in range(first, first + 3000))))
    packed[len(packed) // 2] ^= 255
    (site.logs / "b.log.gz").write_bytes(packed)
    outcome = site.audit()
    assert found(outcome) == [("unproved", "unreadable", "b.log.gz", None, None)]
    assert (outcome.verdict, outcome.totals.indexed, outcome.files) == (Verdict.INCOMPLETE, 100, 2)
