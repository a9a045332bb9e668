"""The demo's story, step by step: each step does something real and checks what it promised, or raises DemoError."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from shipper import resources
from shipper.demo.index import Held, Index
from shipper.demo.logs import ReplayedLog, lines_of, replayed_logs
from shipper.demo.programs import Agent, Programs, until
from shipper.errors import DemoError

CONFIG = "shipper.yml"
CONFIGURATION = """\
host: dtn.example.org
state: state
output: {sqlite: {path: index.db}}
rescan: 1s
inputs:
  - {name: tstat, paths: ['logs/tstat/*.out/log_tcp_complete'], pipeline: tstat-tcp}
  - {name: gridftp, paths: ['logs/gridftp-transfer.log*'], pipeline: gridftp-transfer}
  - {name: storm-backend, paths: ['logs/storm-backend*.log*'], pipeline: storm-backend, timezone: Europe/Rome}
"""
TICK = 0.1
CATCH_UP = 30.0
"""Seconds that the agent has to store the last line."""


class Growth(NamedTuple):
    """How far one log is."""

    log: str
    path: Path
    written: int
    """Lines."""
    stored: int
    """Lines."""


class Reporter(Protocol):
    """Whoever shows the story."""

    def step(self, title: str) -> None:
        """A step begins."""

    def growth(self, logs: Sequence[Growth]) -> None:
        """The logs have grown, or more of them is stored."""

    def kept(self, promise: str) -> None:
        """A promise was checked and holds."""

    def printed(self, command: str, text: str) -> None:
        """A command was run and printed this."""


class Summary(NamedTuple):
    """What the whole story came to."""

    lines: int
    documents: int
    seconds: float


class Story:
    """Plays in a folder that is empty at the beginning."""

    def __init__(
        self,
        folder: Path,
        reporter: Reporter,
        programs: Programs | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._programs = programs or Programs(folder)
        self._sleep = sleep
        self._clock = clock
        self._index = Index(folder / "index.db")
        self._logs = replayed_logs(resources.demo_samples(), folder / "logs")

    def play(self) -> Summary:
        """Play it to its end; raises DemoError at the first promise that is not kept."""
        begin = self._clock()
        (self._folder / CONFIG).write_text(CONFIGURATION)
        self.ship()
        self.prove()
        shipped = self._index.ids()
        self.damage()
        self.repair(shipped)
        return Summary(sum(log.lines for log in self._logs), len(shipped), self._clock() - begin)

    def ship(self) -> None:
        """The logs grow and rotate while the agent runs, is killed, and runs again."""
        tstat, gridftp, storm = self._logs
        with self._programs.agent(CONFIG) as agent:
            self._reporter.step("The agent ships three logs while they grow")
            agent.start()
            self._grow(agent, share=0.6, ticks=40)
            self._turn_over(gridftp)
            self._turn_over(tstat)
            self._grow(agent, share=0.3, ticks=15)

            self._reporter.step("kill -9, in the middle of a line; the logs go on without it")
            agent.kill()
            self._turn_over(storm)
            self._grow(None, share=0.3, ticks=10)

            self._reporter.step("The agent starts again and goes on where it was")
            agent.start()
            self._grow(agent, share=1, ticks=40)
            self._catch_up(agent)
            agent.stop()

    def prove(self) -> None:
        """The audit reads everything again and finds it closed."""
        self._reporter.step("The audit reads disk and index again and compares them line by line")
        self._show("audit", "-c", CONFIG)
        self._closed()

    def damage(self) -> None:
        """Documents vanish from the index; the audit names the lines and the cause."""
        self._reporter.step("Documents vanish from the index behind the agent's back")
        victims = self._victims()
        deleted = self._index.delete([victim.id for victim in victims])
        self._promise(
            deleted == len(victims), f"{deleted} documents were deleted with plain SQL", "SQL deleted nothing."
        )
        self._show("audit", "-c", CONFIG)
        answer = self._programs.run("audit", "-c", CONFIG, "--json")
        report = answer.document
        self._promise(
            answer.exit_code == 1 and report["verdict"] == "findings",
            "the audit says so: exit code 1",
            f"Documents are gone, and the audit ended with exit code {answer.exit_code}, verdict {report['verdict']}.",
        )
        self._compare(report["findings"], victims)

    def repair(self, shipped: set[str]) -> None:
        """The repair reads the lines again and stores them under their old ids."""
        self._reporter.step("The repair reads these lines from the logs again and stores them")
        self._show("audit", "-c", CONFIG, "--repair", "--apply")
        self._closed()
        self._promise(
            self._index.ids() == shipped,
            "the index holds the same documents as before, under the same ids",
            "After the repair the index holds other documents than before the damage.",
        )

    def _grow(self, agent: Agent | None, *, share: float, ticks: int) -> None:
        pieces = [int(log.left * share / ticks) + 1 for log in self._logs]
        for _ in range(ticks):
            for log, size in zip(self._logs, pieces, strict=True):
                log.grow(size)
            if agent is not None:
                agent.check()
            self._tell_growth()
            self._sleep(TICK)

    def _turn_over(self, log: ReplayedLog) -> None:
        log.turn_over()
        self._reporter.kept(f"{log.name}: {log.path.name} was rotated: {log.manner}")

    def _catch_up(self, agent: Agent) -> None:
        expected = {log.name: _shippable(log.content) for log in self._logs}

        def all_stored() -> bool:
            agent.check()
            return self._tell_growth() == expected

        arrived = until(all_stored, deadline=CATCH_UP, sleep=self._sleep)
        stored = self._index.lines_by_input()
        self._promise(
            arrived,
            f"{sum(expected.values())} lines arrived, each once",
            f"After {CATCH_UP:.0f} s the index holds {stored} lines instead of {expected}.",
        )

    def _tell_growth(self) -> dict[str, int]:
        stored = self._index.lines_by_input()
        self._reporter.growth([Growth(log.name, log.path, log.lines, stored.get(log.name, 0)) for log in self._logs])
        return stored

    def _closed(self) -> None:
        answer = self._programs.run("audit", "-c", CONFIG, "--json")
        report = answer.document
        totals = report["totals"]
        lines = sum(log.lines for log in self._logs)
        skipped = lines - sum(_shippable(log.content) for log in self._logs)
        wanted = {"disk_lines": lines, "indexed": lines - skipped, "filtered": skipped}
        self._promise(
            answer.exit_code == 0
            and report["verdict"] == "closed"
            and all(totals[name] == count for name, count in wanted.items()),
            f"closed: {lines} lines on disk = {totals['indexed']} in the index + {totals['filtered']} filtered by rule",
            f"The audit should be closed with {wanted}; it ended with exit code {answer.exit_code}: {totals}.",
        )

    def _victims(self) -> list[Held]:
        gridftp = self._index.documents("gridftp")[100:103]
        tstat = self._index.documents("tstat")[40:42]
        stack_trace = max(self._index.documents("storm-backend"), key=lambda held: held.lines)
        return [*gridftp, *tstat, stack_trace]

    def _compare(self, findings: Sequence[dict[str, Any]], victims: Sequence[Held]) -> None:
        causes = {(finding["kind"], finding["cause"]) for finding in findings}
        self._promise(
            causes == {("missing", "gone from the index")},
            "it names the cause: they were stored once, and are gone from the index now",
            f"The audit should say that lines are missing because they are gone from the index; it says {causes}.",
        )
        lost = Counter(line for victim in victims for line in victim.text.split("\n"))
        named = Counter(
            line.rstrip(b"\r\n").decode()
            for finding in findings
            for line in lines_of(self._folder / finding["path"], finding["first_line"], finding["last_line"])
        )
        self._promise(
            named == lost,
            f"it names, by file and line number, exactly the {lost.total()} lost lines",
            f"The audit names lines that were not deleted, or not all that were: {named - lost} and {lost - named}.",
        )

    def _show(self, *arguments: str) -> None:
        answer = self._programs.run(*arguments)
        self._reporter.printed(f"shipper {' '.join(arguments)}", answer.text)

    def _promise(self, held: bool, kept: str, broken: str) -> None:
        if not held:
            raise DemoError(broken)
        self._reporter.kept(kept)


def _shippable(content: bytes) -> int:
    """Complete lines that no rule filters: tstat's headers and blank lines are filtered."""
    lines = content.split(b"\n")[:-1]
    return sum(1 for line in lines if line.strip() and not line.startswith(b"#"))
