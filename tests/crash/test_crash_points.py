"""The agent is killed at each step between read and commit: after the next run, everything is there exactly once.

Before the next run files are renamed, compressed and written on. With SHIPPER_CRASH_EVERYWHERE in the environment all
steps are taken with a scripted cluster, too, else those after something was done; and the most telling ones are taken
with every genuine cluster, else with one.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from support import killed_at
from support.bulk_server import BulkServer
from support.elasticsearch_node import EIGHT, NINE, ElasticsearchNode
from support.logs import append, compress, numbered, rename, write
from support.opensearch_node import OPENSEARCH

from shipper import config
from shipper.agent import Totals
from shipper.audit.auditor import Auditor
from shipper.audit.findings import Outcome
from shipper.audit.request import Request
from shipper.clock import SystemClock
from shipper.events_log import EventsLog, silent
from shipper.records import OutcomeKind
from shipper.reload.accepted import pipelines_in_force
from shipper.send.outputs import open_output
from shipper.start import agent, datasets

EVERYWHERE = "SHIPPER_CRASH_EVERYWHERE" in os.environ
STEPS = [
    *(f"{when}_{step}" for step in killed_at.FUNCTIONS for when in ("before", "after")),
]
TELLING = [
    "before_install_a_template",
    "after_install_a_template",
    "after_make_marks_durable",
    "before_judge_an_answer",
    "after_send_a_batch",
    "before_commit",
]
"""Between two templates; marks on disk, nothing sent; stored, the answer not looked at; answered, not committed."""
NTH = {
    "identify": 1,
    "close_the_agent": 1,
    "close_the_state": 1,
    "define_a_pipeline": 1,
    "bury_dead_letters": 1,
    "install_a_template": 2,
}
"""At which call a step kills; others at their third."""


def stamped(first: int, last: int) -> list[str]:
    """Records of a service that writes no dates, every third with lines that go on."""
    records = []
    for number in range(first, last):
        clock = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}"
        records.append(f"{clock} - INFO [xmlrpc-{number}] - srmPing: Request number {number} successfully done")
        if number % 3 == 0:
            records += [f"java.lang.Exception: number {number}", f"\tat some.place({number})"]
    return records


class Host:
    """Logs of two services, one of them with an archive that ends in half a line; few documents in a batch."""

    def __init__(self, folder: Path, output: dict[str, object]) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        for number in range(4):
            write(self.logs / f"plain{number}.log", *numbered(number * 1000, number * 1000 + 150))
        write(self.logs / "backend.log", *stamped(0, 120))
        half = "\n".join(numbered(9000, 9050)) + "\nhalf a line"
        (self.logs / "plain9.log.gz").write_bytes(gzip.compress(half.encode(), mtime=0))
        self.configuration = folder / "shipper.yml"
        inputs = [
            {"name": "plain", "paths": [f"{self.logs}/plain*"], "pipeline": "raw", "timezone": "UTC"},
            {"name": "backend", "paths": [f"{self.logs}/backend*"], "pipeline": "storm-backend", "timezone": "UTC"},
        ]
        inputs[0]["incomplete"] = "refuse"
        settings = {"host": "dtn01.example.org", "state": str(folder / "state"), "batch_documents": 40}
        self.configuration.write_text(json.dumps({**settings, "inputs": inputs, "output": output}))
        self.settings = config.load(self.configuration)

    def die(self, step: str) -> None:
        """Run the agent until it kills itself."""
        nth = NTH.get(step.partition("_")[2], 3)
        killed_at.run_until_death(step, nth, "run", "--once", "-c", str(self.configuration))

    def go_on(self) -> None:
        """What happens to the files while no agent runs."""
        append(self.logs / "backend.log", *stamped(120, 150))
        append(self.logs / "plain0.log", *numbered(150, 200))
        rename(self.logs / "plain1.log", "plain1.log.1")
        write(self.logs / "plain1.log", *numbered(5000, 5050))
        compress(self.logs / "plain2.log")

    def ship(self) -> Totals:
        """A pass of an agent in this process."""
        with agent(self.settings, SystemClock(), EventsLog(silent), threads=0) as running:
            running.once()
            return running.totals

    def audit(self) -> Outcome:
        """What the audit finds."""
        events = EventsLog(silent)
        with pipelines_in_force(self.settings) as pipelines:
            output = open_output(self.settings.output, datasets(self.settings, pipelines), SystemClock(), events)
            outcome = Auditor(self.settings, pipelines, output, lambda: 4e9, lambda _: None).audit(Request())
            output.close()
            return outcome

    def lines(self) -> int:
        """On disk now."""
        found = 0
        for path in self.logs.iterdir():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            found += len(data.splitlines())
        return found


def recovered(host: Host, step: str) -> Counter[OutcomeKind]:
    """The story of a death: what the run after it was told by the output."""
    host.die(step)
    host.go_on()
    totals = host.ship()

    outcome = host.audit()
    assert outcome.findings == []
    assert outcome.totals.disk_lines == host.lines() == outcome.totals.indexed + 1
    assert outcome.totals.dead_letters == 1
    assert outcome.totals.duplicate == 0
    assert host.ship().documents == 0
    return totals.outcomes


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_of_shipping_to_sqlite_nothing_is_lost_or_doubled(tmp_path, step):
    recovered(Host(tmp_path, {"sqlite": {"path": str(tmp_path / "index.db")}}), step)


@pytest.mark.parametrize("step", [step for step in STEPS if step.startswith("after") or EVERYWHERE])
def test_killed_at_a_step_of_shipping_to_elasticsearch_nothing_is_lost_or_doubled(tmp_path, step):
    with BulkServer() as server:
        recovered(Host(tmp_path, {"elasticsearch": {"hosts": [server.url]}}), step)


@pytest.mark.parametrize("step", TELLING)
@pytest.mark.parametrize("cluster", [NINE, EIGHT, OPENSEARCH] if EVERYWHERE else [NINE], indirect=True)
def test_killed_at_a_step_of_shipping_to_a_genuine_cluster_nothing_is_lost_or_doubled(
    tmp_path, cluster: ElasticsearchNode, step
):
    recovered(Host(tmp_path, {"elasticsearch": {"hosts": [cluster.url]}}), step)


def test_a_batch_that_was_stored_before_the_death_is_recognised(tmp_path):
    host = Host(tmp_path, {"sqlite": {"path": str(tmp_path / "index.db")}})
    assert recovered(host, "after_send_a_batch")[OutcomeKind.ALREADY_STORED] >= 3 * 40
