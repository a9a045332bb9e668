"""Sending again what genuine servers hold already: an answer lost, a state lost or old, a backup of a log restored."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from pathlib import Path

from support.clock import VirtualClock
from support.elasticsearch_node import ElasticsearchNode
from support.site import Site, transfer

from shipper.audit.findings import Verdict
from shipper.events_log import EventsLog, text_writer
from shipper.records import Batch, Outcome, OutcomeKind, Receipt
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.settings import ElasticsearchSettings
from shipper.start import agent, datasets

LINES = 300


class LosesAnswers(ElasticsearchOutput):
    """Of so many batches everything is stored, and the answers are lost."""

    lost = 0
    kinds: Counter[OutcomeKind]

    def send(self, batch: Batch) -> Receipt:
        receipt = super().send(batch)
        self.kinds.update(outcome.kind for outcome in receipt.outcomes)
        if not self.lost:
            return receipt
        self.lost -= 1
        return Receipt(batch, [Outcome(OutcomeKind.RETRY, "unreachable", "no answer")] * len(batch.documents))


def a_site(node: ElasticsearchNode, folder: Path) -> Site:
    """A log whose lines are of October, November and December."""
    site = Site(folder, store=ElasticsearchSettings((node.url,)))
    site.write("a.log", [in_month(number) for number in range(LINES)])
    return site


def in_month(number: int) -> bytes:
    """A line of a month of its own choosing, but for the last ones, which go on where the others ended."""
    month = b"%02d" % (10 + min(number * 3 // LINES, 2))
    return transfer(number).replace(b"202611", b"2026" + month)


def ship(site: Site, *, lost: int = 0) -> Counter[OutcomeKind]:
    """One pass of an agent; what the cluster answered, also where the answer was lost."""
    events, clock = EventsLog(text_writer(io.StringIO())), VirtualClock()
    output = LosesAnswers(site.store, datasets(site.settings, site.pipelines()), clock, events)
    output.lost, output.kinds = lost, Counter()
    with agent(site.settings, clock, events, output=output, threads=0) as running:
        running.once()
    return output.kinds


def months(node: ElasticsearchNode) -> set[str]:
    listed = node.ask("GET", "/_resolve/index/shipper-*?expand_wildcards=all")["indices"]
    return {index["name"].rpartition("-")[2] for index in listed}


def assert_exact(site: Site, lines: int) -> None:
    outcome = site.audit()
    assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
    assert (outcome.totals.indexed, outcome.totals.disk_lines, outcome.totals.duplicate) == (lines, lines, 0)


def test_an_answer_lost_across_a_change_of_month_doubles_nothing(cluster: ElasticsearchNode, tmp_path: Path) -> None:
    site = a_site(cluster, tmp_path)
    assert ship(site, lost=2) == {OutcomeKind.STORED: LINES, OutcomeKind.ALREADY_STORED: 2 * LINES}
    assert months(cluster) == {"2026.10", "2026.11", "2026.12"}
    assert_exact(site, LINES)


def test_a_lost_state_doubles_nothing(cluster: ElasticsearchNode, tmp_path: Path) -> None:
    site = a_site(cluster, tmp_path)
    ship(site)
    site.forget()
    assert ship(site) == {OutcomeKind.ALREADY_STORED: LINES}
    assert_exact(site, LINES)


def test_a_state_from_yesterday_doubles_nothing(cluster: ElasticsearchNode, tmp_path: Path) -> None:
    site = a_site(cluster, tmp_path)
    ship(site)
    shutil.copytree(site.settings.state, tmp_path / "yesterday")
    with (site.logs / "a.log").open("ab") as log:
        log.writelines(in_month(number) for number in range(LINES, LINES + 100))
    assert ship(site) == {OutcomeKind.STORED: 100}
    shutil.rmtree(site.settings.state)
    shutil.copytree(tmp_path / "yesterday", site.settings.state)
    assert ship(site) == {OutcomeKind.ALREADY_STORED: 100}
    assert_exact(site, LINES + 100)


def test_a_backup_restored_beside_its_log_doubles_nothing(cluster: ElasticsearchNode, tmp_path: Path) -> None:
    site = a_site(cluster, tmp_path)
    ship(site)
    shutil.copyfile(site.logs / "a.log", tmp_path / "backup")
    with (site.logs / "a.log").open("ab") as log:
        log.writelines(in_month(number) for number in range(LINES, LINES + 50))
    ship(site)
    shutil.copyfile(tmp_path / "backup", site.logs / "a.log.restored")
    assert OutcomeKind.STORED not in ship(site)
    assert_exact(site, LINES + 50)
    site.forget()
    assert OutcomeKind.STORED not in ship(site)
    assert_exact(site, LINES + 50)
