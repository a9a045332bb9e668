"""The order of an audit: checkpoints first, then what is on disk, then a refresh, then what the index holds.

So everything below a checkpoint that was seen must be in the index that is asked, and nothing else is judged missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path

from shipper.audit.claims import DEAD, NO_STATE, Claim, Claims
from shipper.audit.context import Context, Level
from shipper.audit.disk import DiskFile, survey, unreadable
from shipper.audit.examine import examine
from shipper.audit.families import Family, assemble, holdings
from shipper.audit.findings import Cause, Finding, Kind, Outcome, in_order
from shipper.audit.heads import join_edited_heads
from shipper.audit.incomplete import TAGS, incomplete_value
from shipper.audit.moments import MINUTE
from shipper.audit.resume import NO_JOURNAL, Journal
from shipper.audit.rules import Rulebook
from shipper.audit.timeline import Timeline, drawn
from shipper.audit.window import EVERYTHING, HISTORY_STEP, Window, within
from shipper.commit.database import Database, explained
from shipper.commit.state import State
from shipper.errors import SourceError
from shipper.hashes import tally_of
from shipper.parse.pipeline import Pipeline
from shipper.records import Stored, Tally
from shipper.send.output import Output, Scope
from shipper.settings import InputSettings, Settings

GRACE = 900.0
_ROTATIONS = 3
"""How often a family is examined whose files are rotated away meanwhile."""

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
    ) -> None:
        self._settings = settings
        self._pipelines = pipelines
        self._output = output
        self._now = now
        self._wait = wait
        self._journal = journal

    def audit(self, request: Request, progress: Progress = lambda done, of: None) -> Outcome:  # noqa: ARG005
        """Compare disk, ledger and index. Raises StateError, OutputError where one could not be asked whole."""
        outcome = self._look(request, progress)
        holes = any(finding.kind is Kind.MISSING for finding in outcome.findings)
        if holes and not request.use_state and request.settle > 0:
            self._wait(request.settle)
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
            claims=claims,
            rulebook=Rulebook(self._pipelines, claims.definitions),
            output=self._output,
            level=request.level,
            now=self._now(),
            grace=request.grace,
            journal=self._journal,
        )

    def families(self, request: Request, context: Context) -> tuple[list[Family], list[DiskFile]]:
        """What is to be examined, and the files that cannot be told from others or not be read."""
        inputs = self._inputs(request)
        names = tuple(item.name for item in inputs)
        files = [] if request.level is Level.LEDGER else self._survey(inputs)
        self._output.refresh()
        held = holdings(self._output.tallies(Scope(host=self._settings.host, inputs=names)))
        families = assemble(files, context.claims, held, names)
        if request.level is not Level.LEDGER:
            families = join_edited_heads(context, families)
        unknown = [file for file in files if file.fingerprint is None]
        if not request.window.is_everything:
            scope = Scope(host=self._settings.host, inputs=names)
            families = within(request.window, families, self._output.history(scope, HISTORY_STEP))
            unknown = [file for file in unknown if not request.window.is_after(file)]
        if request.paths:
            families = [family for family in families if _matches(family, request.paths)]
            unknown = [file for file in unknown if _is_one_of(str(file.path), request.paths)]
        return families, unknown

    def _look(self, request: Request, progress: Progress) -> Outcome:
        context = self.context(request)
        families, unknown = self.families(request, context)
        outcome = Outcome()
        if context.claims.other_outputs:
            outcome.report(self._another_output(context.claims.other_outputs))
        for file in unknown:
            outcome.add(_unidentified(self._settings.host, file))
        sizes = [sum(file.size for file in family.files) for family in families]
        progress(0, sum(sizes))
        for family, size, done in zip(families, sizes, accumulate(sizes), strict=True):
            outcome.add(self._steadily(request, context, family))
            if size:
                progress(done, sum(sizes))
        return outcome

    def _steadily(self, request: Request, context: Context, family: Family) -> Outcome:
        """Examine a family; again, from its checkpoints on, if files were rotated away under the examination."""
        for _ in range(_ROTATIONS):
            files = tuple(family.files)
            outcome = _examined(context, family)
            if not outcome.findings or all(file.is_there() for file in files):
                break
            context = self.context(request)
            found = (one for one in self.families(request, context)[0] if one.fingerprint == family.fingerprint)
            again = next((one for one in found if one.input == family.input), None)
            if again is None:
                return Outcome()
            family = again
        return outcome

    def _another_output(self, known: Sequence[str]) -> Finding:
        """The index was made anew, or is another one: that all lines are pending for it is no proof of anything."""
        return Finding(
            kind=Kind.UNPROVED,
            cause=Cause.ANOTHER_OUTPUT,
            input="",
            host=self._settings.host,
            fingerprint="",
            path=str(self._settings.state),
            offset=None,
            first_line=None,
            last_line=None,
            lines=0,
            bytes=0,
            evidence=f"the state has shipped to {', '.join(known)} and never to {self._output.identity}; "
            "the next run of the agent ships everything there",
        )

    def _survey(self, inputs: Sequence[InputSettings]) -> list[DiskFile]:
        """The files that are there; once more if some are rotated away just now."""
        files = survey(self._settings.host, inputs)
        return files if all(file.is_there() for file in files) else survey(self._settings.host, inputs)

    def _inputs(self, request: Request) -> Sequence[InputSettings]:
        return [item for item in self._settings.inputs if not request.inputs or item.name in request.inputs]

    def _claims(self) -> Claims:
        return read_claims(self._settings.state, self._settings.host, self._output.identity)


def read_claims(folder: Path, host: str, output: str) -> Claims:
    """What the state says of one output, all of the same moment. Raises StateError."""
    database = Database.open_read_only(folder)
    if database is None:
        return NO_STATE
    with closing(database.connection), explained(database.path):
        database.connection.execute("BEGIN")
        state = State(database, host)
        others = () if state.look_at_output(output) else tuple(state.outputs())
        ledgers: dict[int, dict[int, dict[str, Tally]]] = {}
        for row in state.ledger():
            ledgers.setdefault(row.file, {}).setdefault(row.bucket, {})[row.fate] = row.tally
        return Claims(
            known=True,
            other_outputs=others,
            files=tuple(Claim(row, ledgers.get(row.id, {})) for row in state.files.all()),
            definitions=state.definitions(),
            dead=_dead_letters(state),
            dead_minutes=_dead_minutes(state),
            forgotten=state.absences.forgotten(),
        )


def _dead_letters(state: State) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for document in (letter.refusal.document for letter in state.dead_letters.with_discarded()):
        stored = Stored(document.id, document.offset, document.tally, document.pipeline, DEAD, document.source.path)
        found.setdefault(document.source.fingerprint, []).append(stored)
    return found


def _dead_minutes(state: State) -> dict[str, Counter[int]]:
    found: dict[str, Counter[int]] = {}
    for document in (letter.refusal.document for letter in state.dead_letters.with_discarded()):
        minutes = found.setdefault(document.source.input, Counter())
        minutes[document.timestamp // MINUTE] += max(document.tally.lines, 1)
    return found


def _examined(context: Context, family: Family) -> Outcome:
    """The examination of a family; a file that cannot be read is a finding, and the others are audited on."""
    try:
        return examine(context, family)
    except SourceError as error:
        outcome = Outcome()
        broken = [replace(file, problem=problem) for file in family.files if (problem := unreadable(file))]
        for file in broken or [replace(file, problem=str(error)) for file in family.files]:
            outcome.files += 1
            outcome.report(_unreadable(context.host, file, family.fingerprint))
        family.files = [file for file in family.files if broken and not unreadable(file)]
        if broken and (family.files or family.claims or family.held):
            outcome.add(_examined(context, family))
        return outcome


def _unidentified(host: str, file: DiskFile) -> Outcome:
    """Too short a file is pending as it is; one that cannot be read is unproved."""
    outcome = Outcome(files=1)
    if file.problem:
        outcome.report(_unreadable(host, file, ""))
        return outcome
    try:
        lines = b"".join(file.blocks(file.limit)).split(b"\n")
    except SourceError as error:
        outcome.report(_unreadable(host, replace(file, problem=str(error)), ""))
        return outcome
    rest = lines.pop()
    tally = tally_of([line + b"\n" for line in lines] + ([rest] if rest else []))
    outcome.totals.disk_lines += tally.lines
    outcome.wait(str(file.path), tally)
    return outcome


def _unreadable(host: str, file: DiskFile, fingerprint: str) -> Finding:
    return Finding(
        kind=Kind.UNPROVED,
        cause=Cause.UNREADABLE,
        input=file.input.name,
        host=host,
        fingerprint=fingerprint,
        path=str(file.path),
        offset=None,
        first_line=None,
        last_line=None,
        lines=0,
        bytes=file.size,
        evidence=file.problem,
    )


def _matches(family: Family, patterns: Sequence[str]) -> bool:
    paths = [str(file.path) for file in family.files] or [claim.row.current_path for claim in family.claims]
    return any(_is_one_of(path, patterns) for path in paths)


def _is_one_of(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(path, pattern) or fnmatch(path, f"{pattern.rstrip('/')}/*") for pattern in patterns)
