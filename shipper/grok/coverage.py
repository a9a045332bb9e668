"""How well expressions fit a body of lines: what matches, what does not and why, what the fields hold, what it costs.

Memory is bounded whatever the lines are: clusters, distinct values and kept texts have limits, and the report says
where one was reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Match, Pattern
from types import MappingProxyType
from typing import NamedTuple

from shipper.grok.branches import Branch, branches_of
from shipper.grok.match import Grok
from shipper.grok.shapes import FITTING, kind, shape
from shipper.grok.timeout import MatchTimeout, time_limit
from shipper.grok.timing import Timing

MAX_CLUSTERS = 1000
MAX_DISTINCT = 10_000
"""Distinct values of a field that are counted."""
KEPT = 1000
"""Characters of a line or value that are kept to be shown."""


class Line(NamedTuple):
    """A line (or an event of several) of a file or of standard input, without the newline at its end."""

    file: str
    number: int
    """1-based."""
    text: str

    def shortened(self) -> Line:
        """What is kept of it."""
        return self if len(self.text) <= KEPT else self._replace(text=self.text[:KEPT])


class Outcome(NamedTuple):
    """What became of a line."""

    expression: int
    """Number of the expression that matched; of no meaning without a match."""
    found: Match[str] | None
    time: int
    """Nanoseconds that all expressions took that were tried."""
    timed_out: bool = False


@dataclass(slots=True)
class Cluster:
    """Lines of one shape that do not match."""

    example: Line
    count: int = 0


@dataclass(slots=True)
class FieldCoverage:
    """What a field holds."""

    type: str | None
    filled: int = 0
    """Lines that fill it."""
    kinds: Counter[str] = field(default_factory=Counter)
    """What the texts look like: integer, number, ip, boolean, text."""
    example: str = ""
    _hashes: set[int] = field(default_factory=set)

    def add(self, values: Sequence[str]) -> None:
        """Count some texts, none of which is empty."""
        if not values:
            return
        self.example = self.example or values[0][:KEPT]
        self.filled += len(values)
        self.kinds.update(map(kind, values))
        for value in values:
            if len(self._hashes) > MAX_DISTINCT:
                break
            self._hashes.add(hash(value))

    @property
    def distinct(self) -> int:
        """Distinct values, up to the limit."""
        return min(len(self._hashes), MAX_DISTINCT)

    @property
    def distinct_is_complete(self) -> bool:
        """Whether there are no more distinct values than were counted."""
        return len(self._hashes) <= MAX_DISTINCT

    @property
    def misfits(self) -> int:
        """Texts that the declared type cannot hold."""
        fitting = FITTING.get(self.type or "")
        return sum(count for name, count in self.kinds.items() if name not in fitting) if fitting else 0


@dataclass(slots=True)
class Alternative:
    """An expression, or one of the alternatives that it consists of, and how many lines it matched."""

    pattern: str
    expression: int
    regex: Pattern[str]
    hits: int = 0


class Coverage:
    """Expressions, the first that matches counts, and everything that was found in the lines so far.

    `clock` gives nanoseconds; a line that takes longer than `seconds` is given up (in the main thread only).
    `types` are of fields (dotted) whose type is not said in the expressions.
    """

    def __init__(
        self,
        groks: Sequence[Grok],
        clock: Callable[[], int],
        seconds: float,
        types: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.groks = tuple(groks)
        self.matched = 0
        self.failed = 0
        self.timed_out = 0
        self.fields: dict[tuple[str, ...], FieldCoverage] = {}
        self.clusters: dict[str, Cluster] = {}
        self.other_failures = 0
        """Lines that do not match, of further shapes than there is room for."""
        self.match_times = Timing()
        self.failure_times = Timing()
        self.slowest: tuple[int, Line] | None = None
        """Nanoseconds and the line."""
        self._alternatives = [_alternatives(number, grok) for number, grok in enumerate(groks)]
        self._clock = clock
        self._seconds = seconds
        for grok in groks:
            for capture in grok.captures:
                kind_wanted = types.get(".".join(capture.path), capture.type)
                self.fields.setdefault(capture.path, FieldCoverage(kind_wanted))

    @property
    def lines(self) -> int:
        """All lines."""
        return self.matched + self.failed + self.timed_out

    @property
    def alternatives(self) -> list[Alternative]:
        """In the order in which they are tried."""
        return [alternative for group in self._alternatives for alternative in group]

    def add(self, lines: Sequence[Line]) -> None:
        """Match some lines and count everything about them."""
        outcomes = self._outcomes(lines)
        self._count_failures(lines, outcomes)
        for number in range(len(self.groks)):
            found = [each.found for each in outcomes if each.found is not None and each.expression == number]
            self.matched += len(found)
            self._count_alternatives(number, found)
            self._count_fields(number, found)
        self.match_times.add(each.time for each in outcomes if each.found is not None)
        self._note_slowest(lines, outcomes)

    def _outcomes(self, lines: Sequence[Line]) -> list[Outcome]:
        """One for each line. The limit is set for all of them: the line at which it strikes is tried again alone."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(lines):
            try:
                with time_limit(self._seconds):
                    self._match(lines[len(outcomes) :], outcomes)
            except MatchTimeout:
                if len(outcomes) < len(lines):
                    outcomes.append(self._alone(lines[len(outcomes)]))
        return outcomes

    def _alone(self, line: Line) -> Outcome:
        outcomes: list[Outcome] = []
        try:
            with time_limit(self._seconds):
                self._match([line], outcomes)
        except MatchTimeout:
            return outcomes[0] if outcomes else Outcome(0, None, int(self._seconds * 1e9), timed_out=True)
        return outcomes[0]

    def _match(self, lines: Iterable[Line], outcomes: list[Outcome]) -> None:
        clock = self._clock
        searches = [grok.search for grok in self.groks]
        for line in lines:
            number, found, began = 0, None, clock()
            for number, search in enumerate(searches):  # noqa: B007 - the number of the one that matched
                found = search(line.text)
                if found is not None:
                    break
            outcomes.append(Outcome(number, found, clock() - began))

    def _count_failures(self, lines: Sequence[Line], outcomes: Sequence[Outcome]) -> None:
        for line, outcome in zip(lines, outcomes, strict=True):
            if outcome.timed_out:
                self.timed_out += 1
            elif outcome.found is None:
                self.failed += 1
                self.failure_times.add((outcome.time,))
                self._cluster(line)

    def _cluster(self, line: Line) -> None:
        name = shape(line.text)
        cluster = self.clusters.get(name)
        if cluster is None:
            if len(self.clusters) >= MAX_CLUSTERS:
                self.other_failures += 1
                return
            cluster = self.clusters[name] = Cluster(line.shortened())
        cluster.count += 1

    def _count_alternatives(self, number: int, found: Sequence[Match[str]]) -> None:
        alternatives = self._alternatives[number]
        if len(alternatives) == 1:
            alternatives[0].hits += len(found)
            return
        for match in found:
            # The first that matches the same text at the same place is the one that was taken.
            for alternative in alternatives:
                again = alternative.regex.match(match.string, match.start())
                if again is not None and again.end() == match.end():
                    alternative.hits += 1
                    break

    def _count_fields(self, number: int, found: Sequence[Match[str]]) -> None:
        by_path: dict[tuple[str, ...], list[int]] = {}
        for capture in self.groks[number].captures:
            by_path.setdefault(capture.path, []).append(capture.group)
        for path, groups in by_path.items():
            texts = [next(filter(None, map(match.group, groups)), None) for match in found]
            self.fields[path].add([text for text in texts if text])

    def _note_slowest(self, lines: Sequence[Line], outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        number = max(range(len(outcomes)), key=lambda each: outcomes[each].time)
        if self.slowest is None or outcomes[number].time > self.slowest[0]:
            self.slowest = (outcomes[number].time, lines[number].shortened())


def _alternatives(number: int, grok: Grok) -> list[Alternative]:
    branches: list[Branch] = branches_of(grok)
    return [Alternative(branch.pattern, number, branch.regex) for branch in branches]
