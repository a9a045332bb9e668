"""An audit of a hundred logs that are written at 5,000 lines a second and rotated, while an agent ships them.

Nothing is lost there, so whatever an audit finds is false. `SHIPPER_LIVE_AUDITS` (4) says how many audits there are.
"""

from __future__ import annotations

import os
import time
from itertools import cycle, islice
from pathlib import Path

import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.live_site import DEADLINE, LiveSite, false_findings

AUDITS = int(os.environ.get("SHIPPER_LIVE_AUDITS", "4"))
ASKED: tuple[tuple[str, ...], ...] = (
    (),
    ("--no-state",),
    ("--level", "ledger"),
    ("--level", "contents", "--input", "storm"),
)
"""The kinds of audits, in turn."""
BEFORE, MEANWHILE = 5_000, 25_000
"""Lines that are written before each audit, and at most while it goes on."""


def is_audited_while_it_lives(site: LiveSite, audits: int) -> None:
    """So many audits, each while logs grow; and all of them once more when everything has come to rest."""
    begin = time.monotonic()
    with site.living():
        for number, options in enumerate(islice(cycle(ASKED), audits)):
            begun = site.written + BEFORE
            site.limit = begun + MEANWHILE
            site.agent.until(lambda begun=begun: site.written >= begun, DEADLINE)
            report = site.audit(*options)
            print(number, options, report["verdict"], report["totals"])  # noqa: T201
            assert false_findings(site, report) == []
            assert report["verdict"] == "closed" or "--no-state" in options
        seconds = time.monotonic() - begin
        print(f"{site.written} lines in {seconds:.0f} s, {len(site.wiped)} logs deleted")  # noqa: T201
    report = site.audit()
    vouched = sum(audited["vouched_lines"] for audited in report["audited"])
    assert report["verdict"] == "closed"
    assert report["totals"]["indexed"] + vouched == site.written


@pytest.mark.slow
@pytest.mark.parametrize("copied", [pytest.param(0.0, marks=pytest.mark.long), 0.2])
def test_audits_of_a_site_that_ships_and_rotates_find_nothing(tmp_path: Path, copied: float) -> None:
    """`copied` is the share of rotations that copy and truncate; nothing is written between the two."""
    is_audited_while_it_lives(LiveSite(tmp_path, seed=int(copied * 10), copied=copied), AUDITS)


@pytest.mark.slow
def test_audits_of_a_site_that_ships_to_a_real_cluster_find_nothing(
    tmp_path: Path, elasticsearch9: ElasticsearchNode
) -> None:
    output = {"elasticsearch": {"hosts": [elasticsearch9.url], "deadline": "10s"}}
    is_audited_while_it_lives(LiveSite(tmp_path, seed=3, output=output), max(AUDITS // 2, 1))
