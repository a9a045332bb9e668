"""Single cases of the audit, over an output in memory that can refuse, double and forget."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.memory_output import MemoryOutput
from support.memory_site import MemorySite
from support.sample_logs import SAMPLES
from support.site import Site, found, transfer

from shipper.audit.auditor import Auditor
from shipper.audit.findings import Verdict
from shipper.audit.repair import Repairer, plan
from shipper.audit.request import Request
from shipper.errors import OutputError
from shipper.records import BucketTally, Document, Mark, MarkKind, Outcome, OutcomeKind
from shipper.send.output import Scope
from shipper.settings import InputSettings

LINES = [transfer(n) for n in range(50)]


@pytest.fixture
def site(tmp_path: Path) -> MemorySite:
    return MemorySite(tmp_path)


def offset_of(number: int) -> int:
    return sum(map(len, LINES[: number - 1]))


def refused(document: Document) -> Outcome | None:
    """Every tenth file is poison."""
    return Outcome(OutcomeKind.REFUSED, "mapping", "no such field") if b"file7 " in document.body else None


def test_a_refused_document_is_a_dead_letter_and_no_fault(site: MemorySite) -> None:
    site.held.answer = refused
    site.write("a.log", LINES)
    site.ship()
    for level in ("disk", "contents"):
        outcome = site.audit(level=level)
        assert (outcome.verdict, outcome.totals.dead_letters, outcome.totals.indexed) == (Verdict.CLOSED, 1, 49)


def test_a_dead_letter_is_recognised_where_lines_before_it_were_edited(site: MemorySite) -> None:
    site.held.answer = refused
    site.write("a.log", LINES)
    site.ship()
    site.write("a.log", [*LINES[:2], *LINES[3:]])
    outcome = site.audit()
    assert found(outcome) == [("unexpected", "removed from disk", "a.log", 3, 3)]
    assert outcome.totals.dead_letters == 1


def test_without_state_a_refused_document_is_missing(site: MemorySite) -> None:
    site.held.answer = refused
    site.write("a.log", LINES)
    site.ship()
    assert found(site.audit(use_state=False)) == [("missing", "not in the index", "a.log", 8, 8)]


def test_a_last_line_that_was_cut_is_a_dead_letter_where_the_pipeline_refuses_it(tmp_path: Path) -> None:
    site = MemorySite(tmp_path, InputSettings("g", (f"{tmp_path}/logs/*",), "gridftp-transfer", incomplete="refuse"))
    packed = site.logs / "a.log.gz"
    packed.write_bytes(gzip.compress(b"".join(LINES)[:-20]))
    site.ship()
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.dead_letters, outcome.totals.indexed) == (Verdict.CLOSED, 1, 49)


def test_a_half_line_that_was_shipped_and_became_whole_is_no_finding(tmp_path: Path) -> None:
    site = MemorySite(tmp_path, InputSettings("g", (f"{tmp_path}/logs/*",), "gridftp-transfer", incomplete="ship"))
    packed = site.logs / "a.log.gz"
    packed.write_bytes(gzip.compress(b"".join(LINES)[:-20]))
    site.ship()
    assert site.audit().totals.indexed == 50
    site.write("a.log", LINES)
    packed.unlink()
    site.ship()
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.disk_lines, outcome.totals.indexed) == (Verdict.CLOSED, 50, 50)


def test_a_half_line_that_was_refused_and_became_whole_is_no_finding(tmp_path: Path) -> None:
    site = MemorySite(tmp_path, InputSettings("g", (f"{tmp_path}/logs/*",), "gridftp-transfer", incomplete="refuse"))
    packed = site.logs / "a.log.gz"
    packed.write_bytes(gzip.compress(b"".join(LINES)[:-20]))
    site.ship()
    site.write("a.log", LINES)
    packed.unlink()
    site.ship()
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert (outcome.verdict, outcome.totals.disk_lines, outcome.totals.indexed) == (Verdict.CLOSED, 50, 50)


def test_the_same_id_in_two_indices_is_a_duplicate(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    key = site.held.at("a.log", offset_of(5))
    site.held.documents["gridftp.transfer-default-2031.01", key[1]] = site.held.documents[key]
    for use_state in (True, False):
        assert found(site.audit(use_state=use_state)) == [("duplicate", "same id in two indices", "a.log", 5, 5)]


def test_a_ledger_that_never_counted_a_line_means_it_was_never_acknowledged(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    del site.held.documents[site.held.at("a.log", offset_of(5))]
    assert site.alter_state("UPDATE ledger SET lines = lines - 1 WHERE fate = 'stored'")
    assert found(site.audit())[0] == ("missing", "never acknowledged", "a.log", 5, 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET h0 = h0 + 1 WHERE fate LIKE 'filtered%'",
        "UPDATE ledger SET lines = lines + 1 WHERE fate LIKE 'filtered%'",
        "DELETE FROM ledger WHERE fate LIKE 'filtered%'",
        "UPDATE checkpoints SET chain = '0123456789abcdef'",
    ],
)
def test_a_state_that_contradicts_the_file_is_never_closed(site: MemorySite, statement: str) -> None:
    site.write("a.log", [*LINES[:10], b"\n", *LINES[10:]])
    site.ship()
    assert site.audit().verdict is Verdict.CLOSED
    assert site.alter_state(statement)
    assert [finding.cause.value for finding in site.audit().findings] == ["ledger disagrees"]


def test_a_filtered_line_that_is_taken_from_disk_is_noticed_with_and_without_state(site: MemorySite) -> None:
    site.write("a.log", [*LINES[:10], b"\n", *LINES[10:]])
    site.ship()
    site.write("a.log", LINES)
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert ("altered", "changed on disk", "a.log", 11, 11) in found(outcome)


@pytest.mark.parametrize("first", [1, 21])
def test_two_lines_that_change_places_on_disk_are_noticed(site: MemorySite, first: int) -> None:
    site.write("a.log", LINES)
    site.ship()
    swapped = [*LINES[: first - 1], LINES[first], LINES[first - 1], *LINES[first + 1 :]]
    site.write("a.log", swapped)
    for use_state in (True, False):
        outcome = site.audit(use_state=use_state)
        assert outcome.verdict is Verdict.FINDINGS
        assert {finding.first_line for finding in outcome.findings} <= {first, first + 1}


def test_bytes_that_were_truncated_before_they_were_read_are_lost_at_the_source(site: MemorySite) -> None:
    path = site.write("a.log", LINES)
    site.ship()
    size = path.stat().st_size
    assert site.alter_state(
        "INSERT INTO marks SELECT id, ?, ?, ? FROM files", *_columns(Mark(size, MarkKind.GAP, "truncated:777"))
    )
    for level in ("disk", "ledger"):
        outcome = site.audit(level=level)
        assert [(f.kind.value, f.cause.value, f.offset, f.bytes) for f in outcome.findings] == [
            ("lost_at_source", "truncated before read", size, 777)
        ]
    with path.open("ab") as file:
        file.write(b"".join(transfer(n) for n in range(50, 60)))
    for level in ("disk", "ledger"):
        assert site.audit(level=level).verdict is Verdict.CLOSED, "a file that has the bytes fills the gap"


def _columns(mark: Mark) -> tuple[int, str, str]:
    return mark.offset, mark.kind.value, mark.value


def test_files_too_short_to_be_known_are_pending(site: MemorySite) -> None:
    site.write("a.log", [b"# only a header\n", b"# and half a li"])
    site.write("b.log", [])
    site.ship()
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.pending, outcome.totals.disk_lines) == (Verdict.CLOSED, 2, 2)


def test_an_audit_can_be_limited_to_inputs_and_paths(tmp_path: Path) -> None:
    site = MemorySite(
        tmp_path,
        InputSettings("one", (f"{tmp_path}/logs/a*",), "gridftp-transfer"),
        InputSettings("two", (f"{tmp_path}/logs/b*",), "gridftp-transfer"),
    )
    site.write("a.log", LINES)
    site.write("b.log", LINES)
    site.ship()
    site.held.documents.clear()
    assert site.audit().totals.missing == 100
    assert site.audit(inputs=("two",)).totals.missing == 50
    assert site.audit(paths=("*/a.log",)).totals.missing == 50
    assert site.audit(paths=("*/c.log",)).verdict is Verdict.CLOSED


def test_an_answer_that_is_not_whole_ends_the_audit(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()

    class Broken(MemoryOutput):
        def tallies(self, scope: Scope) -> list[BucketTally]:  # type: ignore[override]
            raise OutputError("2 of 5 shards did not answer.")

    with pytest.raises(OutputError, match="2 of 5 shards"):
        Auditor(site.settings, site.pipelines(), Broken(), lambda: 0.0, lambda _: None).audit(Request())


def test_lines_that_came_between_the_look_at_the_disk_and_the_question_to_the_index_are_no_fault(
    site: MemorySite,
) -> None:
    path = site.write("a.log", LINES[:40])
    site.ship()

    def refresh() -> None:
        site.held.refresh = lambda: None  # type: ignore[method-assign]
        with path.open("ab") as file:
            file.write(b"".join(LINES[40:]))
        site.ship()

    site.held.refresh = refresh  # type: ignore[method-assign]
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 50)


def test_repair_tries_again_and_gives_up_with_the_outputs_reason(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    site.held.documents.clear()
    site.held.answer = lambda _: Outcome(OutcomeKind.RETRY, "output", "too busy")
    with pytest.raises(OutputError, match="too busy"):
        site.repair()
    assert site.waited == [1.0, 2.0, 4.0, 8.0, 16.0]
    busy = iter([True] * 50 + [False] * 50)
    site.held.answer = lambda _: Outcome(OutcomeKind.RETRY) if next(busy) else None
    assert site.repair().stored == 50
    assert site.audit().verdict is Verdict.CLOSED


def test_repair_says_what_the_output_refused(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    site.held.documents.clear()
    site.held.answer = refused
    repaired = site.repair()
    assert (repaired.stored, repaired.refused) == (49, ["no such field"])


def test_repair_leaves_what_follows_an_edit_on_disk(site: MemorySite) -> None:
    site.write("a.log", LINES)
    site.ship()
    for number in (5, 40):
        del site.held.documents[site.held.at("a.log", offset_of(number))]
    site.write("a.log", [*LINES[:20], *LINES[21:]])
    chosen = plan(site.audit())
    assert [finding.first_line for finding in chosen.resend] == [5]
    assert [(f.kind.value, f.first_line, f.repair) for f in chosen.left] == [
        ("unexpected", 21, None),
        ("missing", 39, None),
    ]
    with closing(site.open()) as output:
        auditor = site.auditor(output)
        context = auditor.context(Request())
        assert (
            Repairer(context, lambda _: None, site.deleted)
            .apply(chosen, auditor.families(Request(), context)[0])
            .stored
            == 1
        )


def test_documents_of_each_version_of_a_pipeline_are_compared_with_that_version(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    definition = "dataset: app.log\ntimestamp: {by: modification}\nparse: [{grok: ['%{NUMBER:app.number}']}]\n"
    (folder / "app.yml").write_text(definition)
    site = MemorySite(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*",), "app"))
    site.pipeline_dirs = (folder,)
    path = site.write("a.log", [b"%d is the number of the line\n" % number for number in range(30)])
    site.ship()
    (folder / "app.yml").write_text(definition.replace("number}", "number} is %{WORD:app.word}"))
    with path.open("ab") as file:
        file.write(b"".join(b"%d is the number of the line\n" % number for number in range(30, 60)))
    site.ship()
    bodies = b"".join(document.body for document in site.held.documents.values())
    assert (bodies.count(b'"number":'), bodies.count(b'"word":')) == (60, 30)
    assert site.audit(level="contents").verdict is Verdict.CLOSED
    outcome = site.audit(level="contents", use_state=False)
    assert (outcome.verdict, outcome.totals.unproved) == (Verdict.INCOMPLETE, 30)


def test_a_file_that_is_rotated_away_during_the_audit_is_looked_for_again(site: MemorySite) -> None:
    path = site.write("a.log", LINES)
    site.ship()
    tallies = site.held.tallies

    def rotate(scope: Scope) -> Iterator[BucketTally]:
        site.held.tallies = tallies  # type: ignore[method-assign]
        path.rename(path.with_name("a.log.1"))
        site.write("a.log", [transfer(n) for n in range(5000, 5010)])
        return tallies(scope)

    for use_state in (True, False):
        site.held.tallies = rotate  # type: ignore[method-assign]
        outcome = site.audit(use_state=use_state, grace=1e12)
        assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, 50)
        path.with_name("a.log.1").replace(path)


def test_a_file_that_vanishes_during_the_audit_is_audited_as_one_that_is_gone(site: MemorySite) -> None:
    path = site.write("a.log", LINES)
    site.ship()
    tallies = site.held.tallies

    def vanish(scope: Scope) -> Iterator[BucketTally]:
        path.unlink(missing_ok=True)
        return tallies(scope)

    site.held.tallies = vanish  # type: ignore[method-assign]
    outcome = site.audit()
    assert (outcome.verdict, outcome.vouched.lines) == (Verdict.CLOSED, 50)


def test_a_line_taken_from_a_log_of_several_lines_an_event_is_the_only_finding(tmp_path: Path) -> None:
    log = SAMPLES / "storm" / "monitoring.log"
    site = Site(tmp_path, [InputSettings("m", (f"{tmp_path}/logs/*",), "storm-monitoring", timezone="Europe/Rome")])
    lines = log.read_bytes().splitlines(keepends=True)
    path = site.write("monitoring.log", lines)
    site.ship()
    with path.open("r+b") as same_inode:
        same_inode.truncate()
        same_inode.write(b"".join(lines[:9] + lines[10:]))
    outcome = site.audit()
    assert found(outcome) == [("unexpected", "removed from disk", "monitoring.log", 10, 10)]
