"""What may happen to a log: how it is written, moved and damaged, drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hypothesis import strategies as st

from support.damage_world import PIPELINES, Move

APART = 8
"""Whole entries between an edit of a file and any other damage to it: nearer ones cannot be told apart by anyone."""


class InIndex(Enum):
    """Damage to the document of an entry."""

    GONE = "document deleted"
    TWICE = "document in another index, too"
    TALLY = "tally of a document changed"
    FIELD = "field of a document changed"
    FOREIGN = "a document that was never shipped"


class OnDisk(Enum):
    """An edit of a file."""

    DROPPED = "entry taken out"
    ALTERED = "entry altered"
    INSERTED = "entry put in before it"


class InState(Enum):
    """Damage to what the state says of a log."""

    NEVER_ACKNOWLEDGED = "what is gone from the index was never counted as stored"
    UNSHIPPED = "one filtered line more"
    NO_LEDGER = "the ledger forgets the log"
    NO_ROW = "the state forgets the log"
    BACK = "the checkpoint is further back"
    FORTH = "the checkpoint is further on"
    NO_LETTERS = "dead letters are lost"


class State(Enum):
    """What becomes of the whole state."""

    WHOLE = "whole"
    OLDER = "a state from before the last batch"
    LOST = "deleted"


@dataclass(frozen=True)
class Story:
    """What happens to one log."""

    form: str
    sorts: tuple[int, ...]
    """One number for each step of writing."""
    first: int
    """Steps before the agent first looks."""
    pending: int
    """Steps after it looked for the last time."""
    half: bool
    move: Move
    early: bool
    in_index: dict[int, InIndex]
    """By step."""
    on_disk: dict[int, OnDisk]
    """By step."""
    cut: int | None
    """The step from which on the file is cut off."""
    in_place: bool
    """Whether an edit keeps the inode."""
    in_state: InState | None
    unreadable: bool


@st.composite
def stories(draw: st.DrawFn, *, edits: bool, tampering: bool) -> Story:
    """A log, with edits of its file or with damage to its row in the state, or with neither."""
    sorts = tuple(draw(st.lists(st.integers(0, 6), min_size=12 if edits else 1, max_size=40)))
    steps = len(sorts)
    moves = [Move.NONE, Move.RENAME] if edits else list(Move)
    move = draw(st.sampled_from(moves))
    grows = move in (Move.NONE, Move.RENAME, Move.COPY, Move.OLDER)
    pending = draw(st.integers(0, min(3, steps - 1))) if grows else 0
    on_disk = draw(_apart(steps - pending, st.sampled_from(OnDisk))) if edits else {}
    cut = draw(st.none() | st.integers(1, steps - 1)) if edits and not pending else None
    if cut is not None:
        on_disk = {step: edit for step, edit in on_disk.items() if step + APART < cut}
    if move is not Move.NONE:
        on_disk.pop(0, None)  # a file with another name and another beginning is another file
    places = st.integers(0, steps - pending - 1)
    in_index = draw(st.dictionaries(places, st.sampled_from(InIndex), max_size=30))
    if edits:
        end = steps if cut is None else cut - APART
        in_index = {
            step: kind
            for step, kind in in_index.items()
            if step < end and all(abs(step - edit) > APART for edit in on_disk)
        }
        sorts = _clear_of_letters(sorts, on_disk)
    return Story(
        form=draw(st.sampled_from(list(PIPELINES))),
        sorts=sorts,
        first=draw(st.integers(1, steps - pending)),
        pending=pending,
        half=draw(st.booleans()) and grows and cut is None,
        move=move,
        early=move is Move.RENAME if edits else draw(st.booleans()) and move is not Move.DELETE,
        in_index=in_index,
        on_disk=on_disk,
        cut=cut,
        in_place=draw(st.booleans()),
        in_state=draw(st.none() | st.sampled_from(InState)) if tampering else None,
        unreadable=move is Move.NONE and not edits and draw(st.integers(0, 7)) == 7,
    )


@st.composite
def _apart(draw: st.DrawFn, steps: int, what: st.SearchStrategy[OnDisk]) -> dict[int, OnDisk]:
    """Edits of some steps, none near another or near the end."""
    found: dict[int, OnDisk] = {}
    for step in sorted(draw(st.sets(st.integers(0, max(0, steps - APART - 1)), max_size=4))):
        if step - max(found, default=-APART - 1) > APART and step + APART < steps:
            found[step] = draw(what)
    return found


def _clear_of_letters(sorts: Sequence[int], on_disk: Mapping[int, OnDisk]) -> tuple[int, ...]:
    """No dead letters near an edit, for without a state they are missing lines; the edited entry may be one."""
    near = {step for edit in on_disk for step in range(edit - APART, edit + APART + 1) if step != edit}
    near.update(step for step, edit in on_disk.items() if edit is OnDisk.INSERTED)
    return tuple(0 if step in near and sort == 2 else sort for step, sort in enumerate(sorts))
