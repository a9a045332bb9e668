"""The old and the new pipeline over the same lines, and what is worse with the new one. Pure but for its timer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from shipper.parse.documents import STRUCTURAL
from shipper.parse.pipeline import Pipeline
from shipper.read.framing import SPLIT, frame
from shipper.records import Event, Mark, MarkKind, Parsed, Source
from shipper.reload.recent import Excerpt

SLOWER = 2.0
"""An event may take so many times as long as before,"""
FLOOR = 50e-6
"""and so many seconds more."""
SETTLING = 0.05
"""Seconds in all that are measured wrongly: the first lines fill caches."""
RUNAWAYS = 3
"""After so many events that take too long the new pipeline is not tried any further."""
_SLICE = 5
"""Events that are parsed at a time: if all of them run away, so many limits pass before it is noticed."""
_TEXT = "_text"
"""Ends the names of fields whose value could not be converted."""

Timer = Callable[[], float]
"""Seconds of processor time."""


@dataclass(slots=True)
class Trial:
    """What a pipeline made of some lines."""

    events: int = 0
    lines_not_shipped: int = 0
    """Filtered or refused."""
    tags: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """In how many documents each field is."""
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    runaways: int = 0
    seconds: float = 0.0
    given_up: bool = False

    def add(self, events: Sequence[Event], parsed: Parsed) -> None:
        """Count what became of some events."""
        self.events += len(events)
        self.lines_not_shipped += sum(item.tally.lines for item in parsed.filtered)
        self.lines_not_shipped += sum(item.document.tally.lines for item in parsed.refused)
        self.runaways += len(parsed.runaways)
        for document in parsed.documents:
            body = orjson.loads(document.body)
            self.tags.update(body["tags"])
            for name, value in _flat(body):
                self.fields[name] += 1
                self.types[name].add(_type(value))


def tried(pipeline: Pipeline, excerpts: Iterable[Excerpt], timer: Timer, patience: float | None = None) -> Trial:
    """Run a pipeline over excerpts; given up after `patience` seconds or a few runaways."""
    trial = Trial()
    for excerpt in excerpts:
        source = Source("canary", "canary", excerpt.path, "0" * 16)
        day = datetime.fromtimestamp(excerpt.modified, UTC).date().isoformat()
        parser = pipeline.parser(source, [Mark(0, MarkKind.DATE, day)] if pipeline.needs_date else [], None)
        header = b"" if excerpt.whole else pipeline.header_of(excerpt.head)
        events = frame(header + excerpt.lines, 0, 0, pipeline.framing, (), final=True).events
        for at in range(0, len(events), _SLICE):
            some = events[at : at + _SLICE]
            started = timer()
            parsed = parser.parse(some, modified=excerpt.modified, at_end=False)
            trial.seconds += timer() - started
            trial.add(some, parsed)
            if trial.runaways >= RUNAWAYS or (patience is not None and trial.seconds > patience):
                trial.given_up = True
                return trial
    return trial


def compared(old: Pipeline, new: Pipeline, excerpts: Sequence[Excerpt], timer: Timer) -> list[str]:
    """What is worse with the new pipeline, as sentences; empty if nothing is."""
    before = tried(old, excerpts, timer)
    after = tried(new, excerpts, timer, patience=SLOWER * before.seconds + FLOOR * before.events + 5.0)
    return [*_declared(old, new), *differences(before, after)]


def differences(before: Trial, after: Trial) -> list[str]:
    """What is worse in the second trial, on the same lines."""
    if after.given_up:
        return [f"{after.runaways} of {after.events} recent events take too long to parse; the others were not tried."]
    # Other rules for lines may make other events of them: shares are compared, not numbers.
    of = f" of {before.events}" if before.events != after.events else ""
    found = [
        f"{tag} on {count} of {after.events} recent events, before on {before.tags[tag]}{of}."
        for tag, count in sorted(after.tags.items())
        if tag.startswith("_") and tag != SPLIT and count * before.events > before.tags[tag] * after.events
    ]
    if after.lines_not_shipped > before.lines_not_shipped:
        more = after.lines_not_shipped - before.lines_not_shipped
        found.append(f"{more} more of the recent lines are filtered or refused.")
    found += _fields(before, after)
    if after.seconds > SLOWER * before.seconds + FLOOR * after.events + SETTLING:
        each, was = after.seconds / after.events * 1e6, before.seconds / max(before.events, 1) * 1e6
        found.append(f"Parsing takes {each:.0f} µs per event, before {was:.0f} µs.")
    return found


def _fields(before: Trial, after: Trial) -> Iterator[str]:
    """Fields that vanish or are of another type."""
    for name, count in sorted(before.fields.items()):
        now = after.fields[name]
        converted = name.endswith(_TEXT) and name.removesuffix(_TEXT) in after.fields
        if now < count and not converted:
            yield f"The field '{name}' is in {now} of the recent events, before in {count}."
        elif now and not after.types[name] <= before.types[name]:
            was, is_now = ("/".join(sorted(each.types[name])) for each in (before, after))
            yield f"The field '{name}' changes its type from {was} to {is_now}."


def _declared(old: Pipeline, new: Pipeline) -> Iterator[str]:
    """Changes that an index would not follow, whatever the recent lines hold."""
    if old.dataset != new.dataset:
        yield f"Documents would go to dataset {new.dataset}, before to {old.dataset}."
    for name, kind in sorted(old.field_types.items()):
        now = new.field_types.get(name, kind)
        if now != kind:
            yield f"The field '{name}' is declared {now}, before {kind}; an index holds one type only."


def _flat(fields: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    """Fields of the log by dotted names, without those that every document has."""
    for name, value in fields.items():
        full = parent + name
        if full in STRUCTURAL:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{full}.")
        else:
            yield full, value


def _type(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "list"
    return {bool: "boolean", int: "integer", float: "decimal"}.get(type(value), "nothing")
