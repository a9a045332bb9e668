"""Causes of findings that no other test of the audit makes: exactly that damage, and exactly that answer."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.memory_site import MemorySite
from support.site import found, transfer

from shipper.audit.claims import Claim
from shipper.audit.context import Level
from shipper.audit.families import Family
from shipper.audit.findings import Cause, Kind, Verdict
from shipper.audit.ledger_sums import unaccounted
from shipper.audit.request import Request
from shipper.hashes import tally_of
from shipper.records import BUCKET_BITS, Mark, MarkKind, Tally
from shipper.settings import InputSettings

LINES = [transfer(n) for n in range(50)]
BUCKET = 1 << BUCKET_BITS


@pytest.fixture
def site(tmp_path: Path) -> MemorySite:
    """A host that has shipped one file."""
    site = MemorySite(tmp_path)
    site.write("a.log", LINES)
    site.ship()
    return site


@pytest.mark.parametrize(("what", "cause"), [("deleted:777", Cause.DELETED), ("overtaken:777", Cause.LOST)])
def test_bytes_of_a_file_that_was_gone_before_they_were_read_are_lost_at_the_source(
    site: MemorySite, what: str, cause: Cause
) -> None:
    size = sum(map(len, LINES))
    mark = Mark(size, MarkKind.GAP, what)
    site.alter_state("INSERT INTO marks SELECT id, ?, ?, ? FROM files", mark.offset, mark.kind.value, mark.value)
    (site.logs / "a.log").unlink()
    (finding,) = site.audit().findings
    assert (finding.kind, finding.cause, finding.offset, finding.bytes) == (Kind.LOST_AT_SOURCE, cause, size, 777)


def test_where_nothing_proves_either_side_disk_or_index_was_changed(site: MemorySite) -> None:
    key = site.held.at("a.log", sum(map(len, LINES[:29])))
    document = site.held.documents[key]
    site.held.documents[key] = replace(document, tally=document.tally._replace(h1=1))
    site.write("a.log", [*LINES[:9], *LINES[10:]])
    assert found(site.audit()) == [
        ("unexpected", "removed from disk", "a.log", 10, 10),
        ("altered", "changed on disk or in the index", "a.log", 29, 29),
    ]


def test_a_document_too_many_is_more_than_the_ledger_counted(site: MemorySite) -> None:
    key = site.held.at("a.log", sum(map(len, LINES[:29])))
    site.held.documents[key[0], "x" * 24] = replace(site.held.documents[key], id="x" * 24)
    outcome = site.audit(level="ledger")
    assert found(outcome) == [("unexpected", "more than the ledger counted", "a.log", None, None)]
    assert (outcome.totals.unexpected, outcome.totals.missing) == (1, 0)


def test_documents_of_a_version_that_is_not_known_cannot_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    definition = "dataset: app\ntimestamp: {by: modification}\nparse: [{grok: ['%{NUMBER:app.number}']}]\n"
    (folder / "app.yml").write_text(definition)
    site = MemorySite(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*",), "app"))
    site.pipeline_dirs = (folder,)
    site.write("a.log", [b"%d is the number of the line\n" % number for number in range(30)])
    site.ship()
    (folder / "app.yml").write_text(definition.replace("number}", "count}"))
    site.forget()
    outcome = site.audit(level="contents")
    assert [(f.kind, f.cause, f.first_line, f.last_line) for f in outcome.findings] == [
        (Kind.UNPROVED, Cause.UNKNOWN_PIPELINE, 1, 30)
    ]
    assert (outcome.verdict, outcome.totals.unproved) == (Verdict.INCOMPLETE, 30)


def test_values_of_another_type_and_lines_that_no_pattern_matched_are_counted_apart(site: MemorySite) -> None:
    site.write("b.log", [transfer(60).replace(b"127.0.0.1", b"<address>"), b"what no pattern matches, at all\n"])
    site.ship()
    assert [(f.cause, f.lines) for f in site.auditor(site.held).incomplete_values(Request())] == [
        (Cause.TYPE_FAILURE, 1),
        (Cause.UNPARSED, 1),
    ]


def test_a_line_that_neither_ledger_nor_index_knows_is_told_without_reading_the_file(site: MemorySite) -> None:
    """The bytes of all fates do not reach to the checkpoint; which line it is, the file tells."""
    line = tally_of([LINES[9]])
    site.delete("a.log", LINES, 10)
    less = "lines = lines - ?, bytes = bytes - ?, h0 = h0 - ?, h1 = h1 - ?"
    assert site.alter_state(f"UPDATE ledger SET {less} WHERE fate = 'stored'", *line) == 1
    (finding,) = site.audit(level="ledger").findings
    assert (finding.kind, finding.cause, finding.path) == (
        Kind.ALTERED, Cause.LEDGER_DISAGREES, str(site.logs / "a.log"),
    )  # fmt: skip
    assert (finding.lines, finding.bytes, "no fate" in finding.evidence) == (1, line.bytes, True)
    assert found(site.audit())[0] == ("missing", "never acknowledged", "a.log", 10, 10)
    (site.logs / "a.log").unlink()
    assert found(site.audit()) == [("altered", "ledger disagrees", "a.log", None, None)]


@pytest.mark.parametrize(
    ("sizes", "offset", "told"),
    [
        ([BUCKET + 10, BUCKET, 500], 2 * BUCKET + 510, None),
        ([BUCKET + 10 - 200, BUCKET, 500], 2 * BUCKET + 510, ("no fate", 0)),
        ([BUCKET + 10, BUCKET - 200, 500], 2 * BUCKET + 510, ("no fate", 1)),
        ([BUCKET + 10, 0, 500], 2 * BUCKET + 510, ("no fate", 1)),
        ([BUCKET + 10, BUCKET, 300], 2 * BUCKET + 510, ("no fate", 2)),
        ([BUCKET + 10, BUCKET, 700], 2 * BUCKET + 510, ("a fate too many", 2)),
        ([0], 100, ("no fate", 0)),
    ],
)
def test_a_ledger_that_does_not_add_up_is_told_with_the_part_of_the_file(
    site: MemorySite, sizes: list[int], offset: int, told: tuple[str, int] | None
) -> None:
    with closing(site.open()) as output:
        context = site.auditor(output).context(Request(level=Level.LEDGER))
    row = replace(context.claims.files[0].row, offset=offset)
    fates = {bucket: {"stored": Tally(1, size)} for bucket, size in enumerate(sizes) if size}
    findings = [*unaccounted(context, Family("gridftp", ("f" * 16,), claims=[Claim(row, fates)]))]
    assert [f.offset for f in findings] == ([] if told is None else [told[1] * BUCKET])
    assert told is None or told[0] in findings[0].evidence
