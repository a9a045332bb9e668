"""Missing documents whose whole index is gone: it is named, and for its age it is no fault that a repair would mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.memory_output import MemoryOutput
from support.site import Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.settings import InputSettings

DAY = 86_400.0
OLD, NEW = "gridftp.transfer-default-2025.03", "gridftp.transfer-default-2026.11"
LINES = [
    *(transfer(number).replace(b"=20261121", b"=20250321") for number in range(10)),
    *(transfer(number) for number in range(10, 30)),
]
NOW = 1_795_300_000.0
"""On 2026-11-22."""


class Months(Site):
    """A log of two months in a memory; `retention` is that of its input, and `more` are other inputs."""

    def __init__(self, root: Path, retention: float | None = None, *more: InputSettings) -> None:
        item = InputSettings("gridftp", (f"{root}/logs/*",), "gridftp-transfer", retention=retention)
        super().__init__(root, [item, *more], now=NOW)
        self.held = MemoryOutput()
        self.output = self.held
        self.write("a.log", LINES)
        self.ship()

    def drop(self, index: str) -> None:
        """Delete an index whole."""
        keys = [key for key in self.held.documents if key[0] == index]
        assert keys
        for key in keys:
            del self.held.documents[key]


@pytest.mark.parametrize("use_state", [True, False])
def test_an_index_that_is_gone_is_named_with_the_lines_that_were_in_it(tmp_path: Path, use_state: bool) -> None:
    site = Months(tmp_path)
    site.drop(OLD)
    cause = "gone from the index" if use_state else "not in the index"
    outcome = site.audit(use_state=use_state)
    assert found(outcome) == [("missing", cause, "a.log", 1, 10)]
    (finding,) = outcome.findings
    assert finding.repair == "resend"
    assert finding.evidence.endswith(f"; there is no index {OLD} any more")
    site.repair(use_state=use_state)
    assert site.audit(use_state=use_state).verdict is Verdict.CLOSED


def test_an_index_that_is_there_is_not_named(tmp_path: Path) -> None:
    site = Months(tmp_path, 100 * DAY)
    del site.held.documents[site.held.at("a.log", 0)]
    (finding,) = site.audit().findings
    assert (finding.cause.value, finding.repair) == ("gone from the index", "resend")
    assert "no index" not in finding.evidence


def test_what_is_older_than_its_retention_is_not_sent_again(tmp_path: Path) -> None:
    site = Months(tmp_path, 400 * DAY)
    site.drop(OLD)
    outcome = site.audit()
    assert found(outcome) == [("missing", "older than the retention", "a.log", 1, 10)]
    assert outcome.findings[0].repair is None
    assert "older than the 400 days" in outcome.findings[0].evidence
    assert site.repair().stored == 0


def test_what_is_not_older_than_its_retention_is_sent_again(tmp_path: Path) -> None:
    site = Months(tmp_path, 700 * DAY)
    site.drop(OLD)
    assert [finding.repair for finding in site.audit().findings] == ["resend"]


def test_a_hole_that_is_old_in_part_only_is_sent_again_whole(tmp_path: Path) -> None:
    site = Months(tmp_path, 400 * DAY)
    site.drop(OLD)
    site.drop(NEW)
    (finding,) = site.audit().findings
    assert (finding.first_line, finding.last_line, finding.repair) == (1, 30, "resend")
    assert finding.evidence.endswith(f"; there is no index {OLD}, {NEW} any more")


def test_the_longest_retention_of_a_dataset_holds_for_all_its_inputs(tmp_path: Path) -> None:
    other = InputSettings("other", (f"{tmp_path}/other/*",), "gridftp-transfer", retention=700 * DAY)
    site = Months(tmp_path, 400 * DAY, other)
    site.drop(OLD)
    assert [finding.repair for finding in site.audit().findings] == ["resend"]
