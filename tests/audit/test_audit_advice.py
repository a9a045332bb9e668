"""What a person reads of findings that no repair mends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.site import Site, transfer

from shipper.audit.findings import RESEND, Cause, Finding, Kind, Verdict
from shipper.audit.repair import Repaired
from shipper.audit.report.advice import advice, hidden


@pytest.fixture
def findings(tmp_path: Path) -> list[Finding]:
    """Two documents that were changed, one that was deleted."""
    site = Site(tmp_path)
    site.write("a.log", [transfer(number) for number in range(30)])
    site.ship()
    places = [offset for _, offset, _ in site.documents()]
    site.sql("UPDATE documents SET h0 = 1 WHERE offset IN (?, ?)", places[3], places[7])
    site.sql("DELETE FROM documents WHERE offset = ?", places[20])
    return site.audit().findings


def test_each_cause_is_advised_on_once(findings: list[Finding]) -> None:
    assert [finding.repair for finding in findings] == [None, None, RESEND]
    (line,) = advice(findings)
    assert line.startswith("changed in the index: If the file is right, delete the document from its index")


def test_what_a_repair_mends_needs_no_advice(findings: list[Finding]) -> None:
    assert not list(advice(finding for finding in findings if finding.repair))
    expired = replace(findings[2], cause=Cause.EXPIRED, repair=None)
    (line,) = advice([expired])
    assert line.startswith("older than the retention: Nothing is wrong if")


def test_what_is_on_no_disk_any_more_is_repaired_from_a_backup_as_the_advice_says(tmp_path: Path) -> None:
    site = Site(tmp_path)
    lines = [transfer(number) for number in range(30)]
    site.write("a.log", lines).rename(site.logs / "b.log")
    site.ship()
    site.sql("DELETE FROM documents WHERE offset = 0")
    (site.logs / "b.log").unlink()
    (line,) = advice(site.audit().findings)
    assert line.startswith("gone from the index: What is named without its lines is not on disk any more. If a backup")
    by_ledger = site.audit(level="ledger").findings
    assert [finding.cause for finding in by_ledger] == [Cause.GONE_FROM_INDEX]
    assert not list(advice(by_ledger, disks_read=False))

    site.write("restored.log", lines)
    site.repair()
    assert site.audit().verdict is Verdict.CLOSED


@pytest.mark.parametrize("cause", [Cause.TRUNCATED, Cause.DELETED, Cause.LOST])
def test_for_what_nobody_read_a_backup_is_asked_for(findings: list[Finding], cause: Cause) -> None:
    (line,) = advice([replace(findings[0], kind=Kind.LOST_AT_SOURCE, cause=cause)])
    assert line.startswith(f"{cause.value}: No index has these lines. If a backup or a copy")


def test_documents_that_are_there_and_missing_still_are_hidden_ones(findings: list[Finding]) -> None:
    (line,) = hidden(Repaired(stored=5, already_stored=1), findings)
    assert line.startswith("1 of the missing documents are in the index, which does not show them")
    assert not list(hidden(Repaired(stored=6), findings))
    assert not list(hidden(Repaired(already_stored=1), findings[:2]))
