"""What inputs are expected to bring, against the times of the events that the index holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from shipper.audit.findings import Cause, Finding
from shipper.fleet.notes import AgentNote, InputNote
from shipper.fleet.schedule import Amount, Deviation, deviations, looked_at_from
from shipper.fleet.watch import finding_of, moment
from shipper.send.output import Output, Scope
from shipper.settings import Expectation
from shipper.wording import counted


def unexpected(note: AgentNote, output: Output, now: float) -> Iterator[Finding]:
    """What the inputs of an agent did not bring, or not as much as usual. Raises OutputError."""
    for item in note.inputs:
        if item.expect is not None:
            came = _came(note.host, item, item.expect, output, now)
            for deviation in deviations(item.expect, came, note.started, now):
                yield _finding(note, item, item.expect, deviation)


def _came(host: str, item: InputNote, expect: Expectation, output: Output, now: float) -> dict[int, Amount]:
    """Lines and bytes by period of event time."""
    scope = Scope(host=host, inputs=(item.name,), since=looked_at_from(expect, now))
    lines: dict[int, int] = defaultdict(int)
    size: dict[int, int] = defaultdict(int)
    for period in output.history(scope, int(expect.every)):
        lines[period.start] += period.lines
        size[period.start] += period.bytes
    return {start: Amount(lines[start], size[start]) for start in lines}


def _finding(note: AgentNote, item: InputNote, expect: Expectation, deviation: Deviation) -> Finding:
    end = deviation.last + expect.every
    span = f"between {moment(deviation.first)} and {moment(end)}"
    due = f"due by {moment(end + expect.by)}"
    number = round((end - deviation.first) / expect.every)
    if deviation.cause in {Cause.OVERDUE, Cause.NEVER_CAME}:
        said = f"no line of an event {span} is in the index; {due}"
    else:
        found = deviation.found
        said = f"{counted(found.lines, 'line')} with {counted(found.bytes, 'byte')} of events {span}; {deviation.band}"
    if number > 1:
        said += f"; {number:,} periods in a row"
    return finding_of(
        deviation.kind, deviation.cause, note.host, said, name=item.name, lines=deviation.found.lines,
        size=deviation.found.bytes,
    )  # fmt: skip
