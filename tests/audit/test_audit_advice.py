"""What a person reads of findings that no repair mends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.site import Site, transfer

from shipper.audit.advice import advice, hidden
from shipper.audit.findings import RESEND, Cause, Finding
from shipper.audit.repair import Repaired


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


def test_documents_that_are_there_and_missing_still_are_hidden_ones(findings: list[Finding]) -> None:
    (line,) = hidden(Repaired(stored=5, already_stored=1), findings)
    assert line.startswith("1 of the missing documents are in the index, which does not show them")
    assert not list(hidden(Repaired(stored=6), findings))
    assert not list(hidden(Repaired(already_stored=1), findings[:2]))
