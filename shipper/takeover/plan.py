"""Where each file begins after a switch from another shipper: planned first, then recorded as `start` marks.

All files of the inputs are looked at. One of which the other has shipped a part begins at the line in which that part
ends; one that the other does not know is read whole. All marks are recorded together, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from shipper.commit import pins
from shipper.commit.state import State
from shipper.errors import SourceError, UsageError
from shipper.events_log import EventsLog, silent
from shipper.parse.pipeline import Pipeline
from shipper.read.beginnings import EVERYTHING, start_at
from shipper.read.discover import Found, discover
from shipper.read.files import Content, open_found
from shipper.read.identity import fingerprint_of
from shipper.read.recognise import Recogniser
from shipper.records import FileRow, Mark, MarkKind
from shipper.settings import InputSettings, Settings
from shipper.start import facts_of
from shipper.takeover.positions import Position, Positions
from shipper.wording import counted


class Planned(NamedTuple):
    """One file, and where it begins."""

    input: str
    path: str
    offset: int | None
    """Uncompressed bytes before the first line that is shipped; None if nothing of it is."""
    size: int
    """Of the file on disk."""
    known_by: str
    """By what the other's entry is known to mean this file: `inode`, `content` or `path`; empty if it has none."""
    note: str = ""
    """What a person should know of it."""
    doubtful: bool = False
    """Whether lines may be shipped by both, or by neither."""


@dataclass(slots=True)
class Plan:
    """All files of the inputs, and what is left of the other's entries."""

    files: list[Planned] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Where the other saw files that no input matches now."""


class _Beginning(NamedTuple):
    planned: Planned
    found: Found
    mark: Mark | None = None
    recorded: bool = True
    """Whether it can be recorded: not what the state knows already, nor what cannot be told from others yet."""


def plan(settings: Settings, positions: Positions, state: State | None) -> Plan:
    """What would be done; `state` is that of an agent that has run already. Raises UsageError."""
    return _told(_beginnings(settings, positions, state), positions)


def take_over(
    settings: Settings, positions: Positions, state: State, identity: str, pipelines: Mapping[str, Pipeline]
) -> Plan:
    """Record where files begin, for the output of this identity. Raises UsageError and StateError."""
    facts = facts_of(settings, pipelines)
    pins.check(state.pins(), settings, facts)
    beginnings = _beginnings(settings, positions, state)
    state.use_output(identity)
    state.pin(facts)
    recogniser = Recogniser(settings.host, state.files, lambda *_: (), EventsLog(silent))
    for item in settings.inputs:
        if not _concerned(beginnings[item.name]):
            continue
        framing = pipelines[item.name].framing
        for one in beginnings[item.name]:
            if one.recorded:
                with closing(open_found(one.found)) as content:
                    row = recogniser.row_of(item, one.found, content, framing, one.mark)
                if row is not None and one.mark is not None and framing.multiline:
                    # What goes on with an event that the other has begun is an event of its own, and shipped.
                    state.files.mark(row.id, [Mark(one.mark.offset, MarkKind.CUT, "taken over")])
        state.files.start(item.name)
    state.flush()
    return _told(beginnings, positions)


def _beginnings(settings: Settings, positions: Positions, state: State | None) -> dict[str, list[_Beginning]]:
    """By input; UsageError where one of those concerned would ship from the beginning once its state was lost."""
    look = _Look(settings.host, positions, state)
    found = {item.name: [look.at(item, file) for file in discover(item)] for item in settings.inputs}
    others = [item.name for item in settings.inputs if item.start_at != "now" and _concerned(found[item.name])]
    if others:
        raise UsageError(
            f"Write `start_at: now` for {', '.join(others)}: should the state be lost one day, that keeps what another "
            "shipper has shipped from being shipped again. Files that it does not know are read whole nevertheless."
        )
    return found


def _concerned(beginnings: list[_Beginning]) -> bool:
    """Whether the other has shipped anything of an input."""
    return any(one.planned.known_by for one in beginnings)


def _told(beginnings: Mapping[str, list[_Beginning]], positions: Positions) -> Plan:
    concerned = [one.planned for some in beginnings.values() if _concerned(some) for one in some]
    return Plan(concerned, positions.gone())


class _Look:
    """Decides for each file."""

    def __init__(self, host: str, positions: Positions, state: State | None) -> None:
        self._host = host
        self._positions = positions
        self._state = state

    def at(self, item: InputSettings, found: Found) -> _Beginning:
        """Where a file begins."""
        planned = Planned(item.name, str(found.path), 0, found.status.st_size, "")
        try:
            with closing(open_found(found)) as content:
                return self._of(planned, found, content)
        except SourceError as error:
            return _Beginning(planned._replace(note=str(error), doubtful=True), found, recorded=False)

    def _of(self, planned: Planned, found: Found, content: Content) -> _Beginning:
        position, known_by = self._positions.of(found, content)
        planned = planned._replace(known_by=known_by)
        fingerprint = fingerprint_of(content, self._host, planned.input)
        if fingerprint is None:
            doubtful = position is not None and position.offset > 0
            note = "too short to be told from others: read from its beginning when it has grown"
            return _Beginning(planned._replace(note=note, doubtful=doubtful), found, recorded=False)
        row = self._row(planned.input, found, fingerprint)
        if row is not None:
            return _Beginning(_recorded(planned, row, position), found, recorded=False)
        if position is None:
            return _Beginning(planned._replace(note="not known to the other: read whole"), found)
        return _begun(planned, found, content, position)

    def _row(self, input_name: str, found: Found, fingerprint: str) -> FileRow | None:
        if self._state is None:
            return None
        rows = self._state.files.rows_of_inode(input_name, found.status.st_dev, found.status.st_ino)
        return next((row for row in rows if row.fingerprint == fingerprint), None)


def _recorded(planned: Planned, row: FileRow, position: Position | None) -> Planned:
    """What becomes of a file that the state knows already."""
    begins = max((mark.offset for mark in row.marks if mark.kind is MarkKind.START), default=0)
    planned = planned._replace(offset=None if begins == EVERYTHING else begins, note="known already: left as it is")
    if position is None or position.obstacle or begins <= position.offset or begins == EVERYTHING:
        return planned
    between = counted(begins - position.offset, "byte")
    note = f"known already, and {between} after the end of the other are shipped by neither"
    return planned._replace(note=note, doubtful=True)


def _begun(planned: Planned, found: Found, content: Content, position: Position) -> _Beginning:
    """Where a file begins of which the other says how far it has read it."""
    whole = planned._replace(doubtful=True)
    if position.obstacle:
        return _Beginning(whole._replace(note=f"{position.obstacle}: read whole"), found)
    if content.compressed and planned.known_by != "content":
        if position.offset < planned.size:
            note = "a place within a packed file tells nothing of its lines: read whole"
            return _Beginning(whole._replace(note=note), found)
        note = "packed, and read to its end by the other: nothing of it is shipped"
        return _Beginning(planned._replace(offset=None, note=note), found, Mark(EVERYTHING, MarkKind.START, ""))
    if position.offset > EVERYTHING or (position.offset and not content.pread(1, position.offset - 1)):
        read = counted(position.offset, "byte")
        note = f"shorter than the {read} that the other has read, so it is another file: read whole"
        return _Beginning(planned._replace(note=note), found)
    mark = start_at(content, position.offset)
    offset = mark.offset if mark else 0
    notes = [f"was {position.path}"] if position.path not in ("", planned.path) else []
    doubts = []
    if offset < position.offset:
        doubts.append(
            "the other stood within a line, which is shipped whole; if this is another file, or was rewritten since, "
            "what lies before is shipped by neither"
        )
    if position.devices and found.status.st_dev not in position.devices:
        doubts.append("its device had another number then")
    note = "; ".join(notes + doubts)
    return _Beginning(planned._replace(offset=offset, note=note, doubtful=bool(doubts)), found, mark)
