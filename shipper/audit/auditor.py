"""The order of an audit: checkpoints first, then what is on disk, then a refresh, then what the index holds.

So everything below a checkpoint that was seen must be in the index that is asked, and nothing else is judged missing.
Of whom something was found is looked at again as long as something moves (`doubts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import reduce
from itertools import accumulate

from shipper.audit.claims import NO_STATE, Claims, Noted, read_claims
from shipper.audit.context import Context, Level
from shipper.audit.disk import DiskFile, closed, survey, unreadable
from shipper.audit.doubts import LOOKS, MOST_LOOKS, Doubt, Sight, keys_of, looked_for
from shipper.audit.examine import examine
from shipper.audit.families import Family, assemble, holdings
from shipper.audit.findings import Cause, Finding, Kind, Outcome, in_order
from shipper.audit.heads import join_edited_heads
from shipper.audit.incomplete import TAGS, incomplete_value
from shipper.audit.places import retentions
from shipper.audit.resume import NO_JOURNAL, Journal
from shipper.audit.rules import Rulebook
from shipper.audit.timeline import Timeline, drawn
from shipper.audit.unaccounted import unaccounted
from shipper.audit.unreadable import cannot_be_read, unidentified
from shipper.audit.window import EVERYTHING, HISTORY_STEP, Window, within
from shipper.errors import SourceError
from shipper.parse.pipeline import Pipeline
from shipper.read.discover import may_hold
from shipper.send.output import Output, Scope
from shipper.settings import InputSettings, Settings

GRACE = 900.0
_NEXT_RUN = "the next run of the agent ships everything there"
_NAME = "its agent has not run, ships elsewhere, or ships under another name (`host`)"

Progress = Callable[[int, int], None]
"""Called with the bytes on disk of the files that are done and of all files; first before any is read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an audit is asked."""

    level: Level = Level.DISK
    use_state: bool = True
    inputs: tuple[str, ...] = ()
    """Names of inputs; empty means all."""
    paths: tuple[str, ...] = ()
    """Globs, and folders for all that is below them; empty means all files."""
    window: Window = EVERYTHING
    """Event time: limits which files and buckets are looked at."""
    grace: float = GRACE
    """Without state: seconds since a file changed for which its last lines may still be under way."""
    settle: float = 0.0
    """Without state: seconds after which a hole must still be there to count: the deadline of a request."""


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
    ) -> None:
        """`noted`: what ledger documents in the output say; asked at each look, where there is no state."""
        self._settings = settings
        self._pipelines = pipelines
        self._output = output
        self._now = now
        self._wait = wait
        self._journal = journal
        self._noted = noted

    def audit(self, request: Request, progress: Progress = lambda done, of: None) -> Outcome:  # noqa: ARG005
        """Compare disk, ledger and index. Raises StateError, OutputError where one could not be asked whole."""
        outcome = self._look(request, progress)
        outcome.findings = in_order(outcome.findings)
        return outcome

    def timeline(self, request: Request, outcome: Outcome) -> Timeline:
        """What became of lines, by their event time: what the index holds and what was found. Raises as `audit`."""
        claims = self._claims() if request.use_state else NO_STATE
        scope = Scope(host=self._settings.host, inputs=tuple(item.name for item in self._inputs(request)))
        return drawn(lambda step: self._output.history(scope, step), claims.dead_minutes, outcome, scope)

    def incomplete_values(self, request: Request) -> list[Finding]:
        """Values that did not arrive as they were meant, by input and reason; of all that the index holds."""
        scope = Scope(host=self._settings.host, inputs=tuple(item.name for item in self._inputs(request)))
        return [incomplete_value(flaw) for flaw in self._output.flaws(scope, list(TAGS))]

    def context(self, request: Request) -> Context:
        """The circumstances of an audit that begins now."""
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

    def families(self, request: Request, context: Context) -> tuple[list[Family], list[DiskFile]]:
        """What is to be examined, and the files that cannot be told from others or not be read."""
        inputs = self._inputs(request)
        names = tuple(item.name for item in inputs)
        losers = context.claims.losers
        files = survey(self._settings.host, inputs) if losers or request.level is not Level.LEDGER else []
        if request.level is Level.LEDGER:  # files are not read, but a copy may have what was lost at the source
            files = [file for file in files if file.fingerprint in losers]
        self._output.refresh()
        held = holdings(self._output.tallies(Scope(host=self._settings.host, inputs=names)))
        families = assemble(files, context.claims, held, names)
        unknown = [file for file in files if file.fingerprint is None]
        if request.level is not Level.LEDGER:
            families = join_edited_heads(context, families)
            unknown += closed(inputs)
        if not request.window.is_everything:
            scope = Scope(host=self._settings.host, inputs=names)
            families = within(request.window, families, self._output.history(scope, HISTORY_STEP))
            unknown = [file for file in unknown if not request.window.is_after(file)]
        if request.paths:
            families = [family for family in families if _matches(family, request.paths)]
            unknown = [file for file in unknown if _is_meant(file, request.paths)]
        return families, unknown

    def _look(self, request: Request, progress: Progress) -> Outcome:
        context = self.context(request)
        families, unknown = self.families(request, context)
        outcome, doubts = Outcome(), []
        if request.level is Level.LEDGER:
            outcome.files = sum(len(family.claims) for family in families)
        if context.claims.other_outputs:
            before = ", ".join(context.claims.other_outputs)
            evidence = f"the state has shipped to {before} and never to {self._output.identity}; {_NEXT_RUN}"
            outcome.report(self._another_output(evidence, str(self._settings.state)))
        for file in unknown:
            outcome.add(unidentified(context, file))
        sizes = [sum(file.size for file in family.files) for family in families]
        progress(0, sum(sizes))
        for family, size, done in zip(families, sizes, accumulate(sizes), strict=True):
            doubt = _examined_with_doubt(context, family)
            if doubt.outcome.findings:
                doubts.append(doubt)
            else:
                outcome.add(doubt.outcome)
            if size:
                progress(done, sum(sizes))
        outcome.add(self._believed(request, doubts))
        if outcome.totals.disk_lines and not (context.claims.known or self._is_known(families)):
            outcome.report(
                self._another_output(f"the index holds no document of {self._settings.host}, of any input; {_NAME}")
            )
        return outcome

    def _is_known(self, families: Sequence[Family]) -> bool:
        """Whether the index holds anything of this host."""
        return any(family.held for family in families) or any(self._output.tallies(Scope(host=self._settings.host)))

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
            for doubt, families in looked_for(doubts, self.families(wherever, context)[0]):
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

    def _another_output(self, evidence: str, path: str = "") -> Finding:
        """The index is a new one or another one, or not of this host: that lines are pending for it proves nothing."""
        return Finding(
            kind=Kind.UNPROVED,
            cause=Cause.ANOTHER_OUTPUT,
            input="",
            host=self._settings.host,
            fingerprint="",
            path=path,
            offset=None,
            first_line=None,
            last_line=None,
            lines=0,
            bytes=0,
            evidence=evidence,
        )

    def _inputs(self, request: Request) -> Sequence[InputSettings]:
        return [item for item in self._settings.inputs if not request.inputs or item.name in request.inputs]

    def _claims(self) -> Claims:
        return read_claims(self._settings.state, self._settings.host, self._output.identity)


def _examined_with_doubt(context: Context, family: Family) -> Doubt:
    keys, sight = keys_of(family), Sight.of(family)
    return Doubt(keys, (sight,), _examined(context, family))


def _examined(context: Context, family: Family) -> Outcome:
    """The examination of a family; a file that cannot be read is a finding, and the others are audited on."""
    try:
        outcome = examine(context, family)
        outcome.add(unaccounted(context, family))
    except SourceError as error:
        outcome = Outcome()
        broken = [replace(file, problem=problem) for file in family.files if (problem := unreadable(file))]
        for file in broken or [replace(file, problem=str(error)) for file in family.files]:
            outcome.files += 1
            outcome.report(cannot_be_read(context.host, file, family.fingerprint))
        family.files = [file for file in family.files if broken and not unreadable(file)]
        if broken and (family.files or family.claims or family.held):
            outcome.add(_examined(context, family))
    return outcome


def _matches(family: Family, patterns: Sequence[str]) -> bool:
    paths = [str(file.path) for file in family.files] or [claim.row.current_path for claim in family.claims]
    return any(_is_one_of(path, patterns) for path in paths)


def _is_meant(file: DiskFile, patterns: Sequence[str]) -> bool:
    if file.is_folder:
        return any(may_hold(str(file.path), pattern) for pattern in patterns)
    return _is_one_of(str(file.path), patterns)


def _is_one_of(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(path, pattern) or fnmatch(path, f"{pattern.rstrip('/')}/*") for pattern in patterns)
