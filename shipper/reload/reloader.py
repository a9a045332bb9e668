"""Decides which definitions are in force: at the start, when files change, and when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from shipper.clock import Clock
from shipper.commit.state import State
from shipper.errors import ConfigurationError
from shipper.events_log import EventsLog
from shipper.parse.definition import has_samples
from shipper.parse.guard import Guard
from shipper.parse.pipeline import Pipeline
from shipper.parse.samples import run_samples
from shipper.reload.accepted import accept, accepted_pipelines
from shipper.reload.canary import Timer, compared
from shipper.reload.definitions import Candidates, Stamps, load_candidates, refuse_problems, stamps
from shipper.reload.recent import recent_lines
from shipper.reload.requests import ANSWER, Request, Row, Verdict, answer_text, take_request
from shipper.settings import InputSettings, Settings

SETTLED = 2.0
"""Seconds for which changed files must stay as they are to be taken as one set."""

Announce = Callable[[Mapping[str, Pipeline]], None]


class Reloader:
    """Keeps the pipelines in force of one agent."""

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        state: State,
        clock: Clock,
        events: EventsLog,
        timer: Timer | None = None,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._state = state
        self._clock = clock
        self._events = events
        self._timer = timer or time.thread_time
        self._folder: Path = settings.state
        self._considered: Stamps = {}
        self._seen: Stamps = {}
        self._refused: dict[str, Row] = {}
        self.pipelines: dict[str, Pipeline] = {}
        """In force, by input; the same object for the life of the agent."""
        self.due = 0.0
        """Monotonic time of the next look at the files."""
        self.announce: Announce = lambda _: None
        """Told of all pipelines after some have changed, before anything that they make is sent."""

    def start(self) -> None:
        """Fill `pipelines`: those that were taken last, and what of the files is no worse. Nothing is accepted yet.

        Raises ConfigurationError if there are mistakes in the files of an input that has no other definition yet.
        """
        request = take_request(self._folder) or Request()  # left for an agent that was gone
        self._considered = stamps(self._settings)
        candidates = load_candidates(self._settings, self._guard)
        accepted = accepted_pipelines(self._state, self._settings, self._guard, candidates.pipelines)
        unknown = [item.name for item in self._settings.inputs if item.name not in accepted]
        refuse_problems({name: candidates.problems[name] for name in unknown if name in candidates.problems})
        new = {name: candidates.pipelines[name] for name in unknown}
        self.pipelines.update({item.name: (accepted | new)[item.name] for item in self._settings.inputs})
        self._take(candidates, request)

    def look(self, *, asked: bool) -> dict[str, Pipeline]:
        """Look at the files if somebody asks or it is time; the pipelines that are new in force, by input."""
        if asked:
            return self._reload(take_request(self._folder) or Request())
        now = self._clock.monotonic()
        if now < self.due:
            return {}
        found = stamps(self._settings)
        unchanged, settled = found == self._considered, found == self._seen
        self._seen = found
        if unchanged or not settled:
            self.due = now + (self._settings.rescan if unchanged else SETTLED)
            return {}
        return self._reload(Request())

    def troubles(self) -> dict[str, str]:
        """Definitions on disk that are not in force: scope and reason, for `status`."""
        return {f"pipeline {row.pipeline}": refusal(row) for row in self._refused.values()}

    def _reload(self, request: Request) -> dict[str, Pipeline]:
        self._considered = stamps(self._settings)
        self.due = self._clock.monotonic() + self._settings.rescan
        changed = self._take(load_candidates(self._settings, self._guard), request)
        if changed:
            accept(self._state, changed)
            self.announce(self.pipelines)
        return changed

    def _take(self, candidates: Candidates, request: Request) -> dict[str, Pipeline]:
        """Put in force what may be; record and report what became of each input."""
        rows = [self._row(item, candidates, request) for item in self._settings.inputs]
        changed = {row.input: candidates.pipelines[row.input] for row in rows if row.verdict is Verdict.TAKEN}
        self.pipelines.update(changed)
        for row in rows:
            self._note(row)
        self._refused = {row.input: row for row in rows if row.verdict is Verdict.REFUSED}
        self._state.pin({ANSWER: answer_text(request, rows, self._clock.time())})
        return changed

    def _row(self, item: InputSettings, candidates: Candidates, request: Request) -> Row:
        old = self.pipelines[item.name]
        new = candidates.pipelines.get(item.name)
        if new is None:
            problems = tuple(str(problem) for problem in candidates.problems[item.name])
            return Row(item.name, item.pipeline, old.version, None, Verdict.REFUSED, problems)
        row = Row(item.name, item.pipeline, old.version, new.version, Verdict.UNCHANGED)
        if new.version == old.version:
            return row
        if candidates.problems:
            broken = ", ".join(candidates.problems)
            reasons = [f"The files are taken as one set, and those of {broken} have mistakes."]
        elif request.accept is not None and new.version.startswith(request.accept):
            reasons = []
        else:
            reasons = self._objections(item, old, new)
        return row._replace(verdict=Verdict.REFUSED if reasons else Verdict.TAKEN, reasons=tuple(reasons))

    def _objections(self, item: InputSettings, old: Pipeline, new: Pipeline) -> list[str]:
        """What speaks against a new definition: its own samples, and recent lines."""
        folders = self._settings.pipeline_dirs
        try:
            failed = run_samples(new, folders) if has_samples(item.pipeline, folders) else []
        except ConfigurationError as error:
            failed = list(error.problems)
        return [*map(str, failed), *compared(old, new, recent_lines(item), self._timer)]

    def _note(self, row: Row) -> None:
        versions = {"input": row.input, "pipeline": row.pipeline, "old": row.old, "new": row.new}
        if row.verdict is Verdict.TAKEN:
            self._events.info("reload_taken", **versions)
        elif row.verdict is Verdict.REFUSED and self._refused.get(row.input) != row:
            self._events.error("reload_refused", **versions, reasons=" ".join(row.reasons))


def refusal(row: Row) -> str:
    """One sentence and the reasons."""
    if row.new is None:
        return f"the files on disk have mistakes, version {row.old} stays in force: {' '.join(row.reasons)}"
    return (
        f"version {row.new} on disk is refused, {row.old} stays in force: {' '.join(row.reasons)} "
        f"If it is wanted: shipper reload --accept {row.new}"
    )
