"""Signs of life: who is silent, what stands still, who differs from the others. No input, no output."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.subjects import Stretch, Subject
from shipper.fleet.notes import AgentNote, InputNote
from shipper.records import Tally

SILENT_AFTER = 300.0
"""Seconds without a sign of life, by default."""
AHEAD = 60.0
"""Seconds that a host's clock may be ahead of ours: more than a round of reports."""


def finding_of(
    kind: Kind,
    cause: Cause,
    host: str,
    evidence: str,
    *,
    name: str = "",
    path: str = "",
    lines: int = 0,
    size: int = 0,
) -> Finding:
    """A finding of a host, or of an input of one."""
    subject = Subject(host, name, path=path)
    return subject.finding(kind, cause, evidence, Stretch(tally=Tally(lines, size)))


def moment(seconds: float) -> str:
    """A moment as text in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def is_alive(note: AgentNote, now: float, silent_after: float) -> bool:
    """Whether an agent may be expected to go on reporting."""
    return not note.ended and now - note.at <= silent_after


def silent(notes: Sequence[AgentNote], now: float, silent_after: float) -> Iterator[Finding]:
    """Agents without a sign of life, for their own reasons or because they were ended."""
    for note in notes:
        age = now - note.at
        if age <= silent_after:
            continue
        if note.ended:
            cause, said = Cause.AGENT_ENDED, f"it was ended in good order at {moment(note.at)}, {_ago(age)}"
        else:
            cause, said = Cause.NO_SIGN_OF_LIFE, f"its last sign of life was at {moment(note.at)}, {_ago(age)}"
        yield finding_of(Kind.SILENT, cause, note.host, said, path=note.state)


def ahead(notes: Sequence[AgentNote], now: float) -> Iterator[Finding]:
    """Hosts whose clocks are ahead; one that is behind cannot be told from one that is silent."""
    for note in notes:
        if note.at - now > AHEAD:
            said = (
                f"its last sign of life is dated {moment(note.at)}, {note.at - now:,.0f} s after the time of this host"
            )
            yield finding_of(Kind.SKEW, Cause.CLOCK_AHEAD, note.host, said, path=note.state)


def stalled(notes: Sequence[AgentNote]) -> Iterator[Finding]:
    """What stood still at the last sign of life."""
    for note in notes:
        for stall in note.stalls:
            said = f"{stall.scope}, since {moment(stall.since)}: {stall.reason}"
            yield finding_of(Kind.STALLED, Cause.STANDSTILL, note.host, said, path=note.state)


def skewed(notes: Sequence[AgentNote]) -> Iterator[Finding]:
    """Agents of an older version than the newest, and pipelines that differ under one name."""
    newest = max((note.version for note in notes), key=_parts, default="")
    for note in notes:
        if note.version != newest:
            said = f"it runs version {note.version}; the newest that runs is {newest}"
            yield finding_of(Kind.SKEW, Cause.OTHER_VERSION, note.host, said, path=note.state)
    yield from _differing_pipelines([note for note in notes if note.version == newest])


def _differing_pipelines(notes: Sequence[AgentNote]) -> Iterator[Finding]:
    """Of each pipeline, the agents whose definition is not that of most; they all run one version of shipper."""
    users: dict[str, list[tuple[AgentNote, InputNote]]] = defaultdict(list)
    for note in notes:
        for item in note.inputs:
            users[item.pipeline].append((note, item))
    for name, pairs in sorted(users.items()):
        hosts = Counter(rules for _, rules in {(note.agent, item.rules) for note, item in pairs})
        usual = max(hosts, key=lambda rules: (hosts[rules], _latest_start(pairs, rules)))
        for note, item in pairs:
            if item.rules != usual:
                said = (
                    f"pipeline {name} is {item.rules} here, and {usual} on {hosts[usual]:,} of "
                    f"{hosts.total():,} agents: its definition or its patterns differ"
                )
                yield finding_of(Kind.SKEW, Cause.OTHER_PIPELINE, note.host, said, name=item.name, path=note.state)


def _latest_start(pairs: Sequence[tuple[AgentNote, InputNote]], rules: str) -> float:
    """Of two that are equally frequent, the one that was started last is taken for the one that is meant."""
    return max(note.started for note, item in pairs if item.rules == rules)


def _parts(version: str) -> list[tuple[int, str]]:
    """A version, to be compared: numbers as numbers."""
    return [(int(part) if part.isdigit() else -1, part) for part in version.replace("-", ".").split(".")]


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit} ago"
    return f"{seconds:,.0f} seconds ago"
