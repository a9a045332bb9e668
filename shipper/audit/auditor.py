"""The order of an audit: checkpoints first, then what is on disk, then a refresh, then what the index holds.

So everything below a checkpoint that was seen must be in the index that is asked, and nothing else is judged missing.
Of whom something was found is looked at again as long as something moves (`doubts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import accumulate
from typing import NamedTuple

from shipper.audit.another_output import holds_nothing, shipped_elsewhere
from shipper.audit.claims import NO_STATE, Claims, Noted, read_claims
from shipper.audit.context import Context
from shipper.audit.disk import DiskFile, closed, survey
from shipper.audit.doubts import LOOKS, MOST_LOOKS, Doubt, Sight, keys_of, looked_for
from shipper.audit.families import Family, assemble, holdings
from shipper.audit.findings import Finding, Outcome, in_order
from shipper.audit.heads import join_edited_heads
from shipper.audit.incomplete import TAGS, incomplete_value
from shipper.audit.obstacles import examined
from shipper.audit.places import retentions
from shipper.audit.request import Request
from shipper.audit.resume import NO_JOURNAL, Journal
from shipper.audit.rules import Rulebook
from shipper.audit.timeline import Timeline, drawn
from shipper.audit.unread import with_unread
from shipper.audit.unreadable import unidentified
from shipper.audit.window import HISTORY_STEP, within
from shipper.parse.pipeline import Pipeline
from shipper.send.output import Output, Scope
from shipper.settings import InputSettings, Settings

Progress = Callable[[int, int], None]
"""Called with the bytes on disk of the files that are done and of all files; first before any is read."""


class Surveyed(NamedTuple):
    """What an audit is about."""

    families: list[Family]
    unknown: list[DiskFile]
    """Files that cannot be told from others, or not be read."""


class Auditor:
    """Audits one host's files against one output. Changes nothing."""

    def __init__(
        self,
        settings: Settings,
        pipelines: Mapping[str, Pipeline],
        output: Output,
        now: Callable[[], float],
        wait: Callable[[float], None],
        journal: Journal = NO_JOURNAL,
        noted: Callable[[], Noted] = dict,
        agent_runs: Callable[[], bool] = lambda: True,
    ) -> None:
        """`now` is in seconds since the epoch, `wait` takes seconds.

        `noted`: what ledger documents in the output say; asked at each look, where there is no state. `agent_runs`:
        whether somebody reads on and records what can be read no more.
        """
        self._settings = settings
        self._pipelines = pipelines
        self._output = output
        self._now = now
        self._wait = wait
        self._journal = journal
        self._noted = noted
        self._agent_runs = agent_runs

    def audit(self, request: Request, progress: Progress = lambda done, of: None) -> Outcome:  # noqa: ARG005
        """Compare disk, ledger and index. Raises StateError, OutputError where one could not be asked whole."""
        context = self.context(request)
        families, unknown = self.families(request, context)
        outcome = Outcome()
        if not request.reads_files:
            outcome.files = sum(len(family.claims) for family in families)
        for finding in shipped_elsewhere(context, self._settings.state):
            outcome.report(finding)
        for file in unknown:
            outcome.add(unidentified(context, file))
        doubts = []
        for doubt in _first_look(context, families, progress):
            if doubt.outcome.findings:
                doubts.append(doubt)
            else:
                outcome.add(doubt.outcome)
        outcome.add(self._believed(request, doubts))
        if outcome.totals.disk_lines:
            for finding in holds_nothing(context, families):
                outcome.report(finding)
        outcome.findings = in_order(outcome.findings)
        return outcome

    def timeline(self, request: Request, outcome: Outcome) -> Timeline:
        """What became of lines, by their event time: what the index holds and what was found. Raises as `audit`."""
        claims = self._claims() if request.use_state else NO_STATE
        scope = self._scope(request)
        return drawn(lambda step: self._output.history(scope, step), claims.dead_minutes, outcome, scope)

    def incomplete_values(self, request: Request) -> list[Finding]:
        """Values that did not arrive as they were meant, by input and reason; of all that the index holds.

        Raises OutputError.
        """
        return [incomplete_value(flaw) for flaw in self._output.flaws(self._scope(request), list(TAGS))]

    def context(self, request: Request) -> Context:
        """The circumstances of an audit that begins now. Raises StateError, OutputError."""
        claims = self._claims() if request.use_state else NO_STATE
        return Context(
            host=self._settings.host,
            claims=claims if claims.known else replace(claims, noted=self._noted()),
            rulebook=Rulebook(self._pipelines, claims.definitions),
            output=self._output,
            level=request.level,
            now=self._now(),
            grace=request.grace,
            journal=self._journal,
            retention=retentions(self._settings, self._pipelines),
        )

    def families(self, request: Request, context: Context) -> Surveyed:
        """What is to be examined: first disk, then index. Raises OutputError."""
        files = self._files(request, context.claims)
        folders = closed(self._inputs(request)) if request.reads_files else []
        claims = context.claims
        if claims.known and request.reads_files and not folders and not self._agent_runs():
            claims = with_unread(claims, files)
        scope = self._scope(request)
        self._output.refresh()
        held = holdings(self._output.tallies(scope))
        families = assemble(files, claims, held, scope.inputs)
        unknown = [*(file for file in files if file.fingerprint is None), *folders]
        if request.reads_files:
            families = join_edited_heads(context, families)
        if not request.window.is_everything:
            families = within(request.window, families, self._output.history(scope, HISTORY_STEP))
        return Surveyed(
            [family for family in families if request.is_about(family)],
            [file for file in unknown if request.is_about_unknown(file)],
        )

    def _files(self, request: Request, claims: Claims) -> list[DiskFile]:
        """The files to be read: of the ledger alone those that may have what was lost at the source."""
        if request.reads_files:
            return survey(self._settings.host, self._inputs(request))
        losers = claims.losers
        files = survey(self._settings.host, self._inputs(request)) if losers else []
        return [file for file in files if file.fingerprint in losers]

    def _believed(self, request: Request, doubts: Sequence[Doubt]) -> Outcome:
        """What is found for good, of families of which something was found at the first look."""
        outcome = Outcome()
        wherever = replace(request, paths=())
        for turn in range(2, MOST_LOOKS + 1):
            if not doubts:
                break
            if not request.use_state and request.settle > 0 and any(doubt.has_holes for doubt in doubts):
                self._wait(request.settle)
            context = self.context(request)
            left: list[Doubt] = []
            for doubt, families in looked_for(doubts, self.families(wherever, context).families):
                if not families:
                    outcome.add(doubt.proved())
                    continue
                if tuple(map(Sight.of, families)) == doubt.sights:
                    outcome.add(doubt.outcome)
                    continue
                later = reduce(Doubt.joined, (_examined_with_doubt(context, family) for family in families))
                later.keep_unrefuted(doubt)
                if doubt.agrees_with(later):
                    outcome.add(later.outcome)
                elif turn < LOOKS or (turn < MOST_LOOKS and (later.is_unproved or not doubt.refutes(later))):
                    left.append(later)
                else:
                    outcome.add(later.believed(doubt))
            doubts = left
        return outcome

    def _scope(self, request: Request) -> Scope:
        return Scope(host=self._settings.host, inputs=tuple(item.name for item in self._inputs(request)))

    def _inputs(self, request: Request) -> list[InputSettings]:
        return request.chosen(self._settings.inputs)

    def _claims(self) -> Claims:
        return read_claims(self._settings, self._output.identity)


def _first_look(context: Context, families: Sequence[Family], progress: Progress) -> Iterator[Doubt]:
    """What is found of each family."""
    sizes = [sum(file.size for file in family.files) for family in families]
    progress(0, sum(sizes))
    for family, size, done in zip(families, sizes, accumulate(sizes), strict=True):
        yield _examined_with_doubt(context, family)
        if size:
            progress(done, sum(sizes))


def _examined_with_doubt(context: Context, family: Family) -> Doubt:
    return Doubt(keys_of(family), (Sight.of(family),), examined(context, family))
