"""Whatever is damaged on disk, in the index and in the state: the audit answers what the model knows to be true.

A real agent ships logs of four forms to an output in memory while their files are renamed, compressed, copied and
truncated. Then they are damaged at random, and the audit is asked at every level, with and without the state. Kinds,
causes, places, lines and totals must be those of `support.damage_answer`; so must be what remains after a repair.

Damages are as near to each other as can be told apart: documents without limit, edits of a file eight entries from
each other and from anything else. Edited files are audited with a state that is whole or lost.

`SHIPPER_DAMAGE_EXAMPLES` (12 in each of three parts) sets how many hosts are damaged.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.damage import Damager, log_of
from support.damage_answer import answer
from support.damage_model import Answer, Expected, Now, in_order, repair
from support.damage_stories import State, Story, stories
from support.damage_world import World
from support.permissions import file_permissions_hold
from support.site import HOST

from shipper.audit.findings import Cause, Kind, Verdict

EXAMPLES = int(os.environ.get("SHIPPER_DAMAGE_EXAMPLES", "12"))
LEVELS = ("ledger", "disk", "contents")


@contextmanager
def damaged(tellings: Sequence[Story], state: State) -> Iterator[tuple[World, list[Now]]]:
    """A host on which all of it happened."""
    with tempfile.TemporaryDirectory(prefix="shipper-damage-") as folder, file_permissions_hold():
        world = World(Path(folder))
        logs = [log_of(number, story) for number, story in enumerate(tellings)]
        world.happen([log for log, _ in logs], keep_state_of_first=state is State.OLDER)
        now = [
            Damager(world, log, story, begins, state=state).damage()
            for (log, begins), story in zip(logs, tellings, strict=True)
        ]
        if state is State.LOST:
            world.forget()
        world.stray(logs[0][0])
        yield world, now


def check(world: World, logs: Sequence[Now], level: str, *, known: bool, young: bool, **request: object) -> None:
    """The audit's answer is the model's."""
    outcome = world.audit(level=level, grace=1e12 if young else 0.0, **request)
    wanted = Answer()
    for now in logs:
        wanted.add(answer(now, level, known=known, young=young))
    if wanted.totals["disk_lines"] and not known and HOST not in world.held.hosts():
        wanted.report(Kind.UNPROVED, Cause.ANOTHER_OUTPUT, "", None, 0)
    found = [
        placed(Expected(f.kind, f.cause, Path(f.path).name, f.first_line, f.last_line, f.lines))
        for f in outcome.findings
    ]
    want = [placed(finding) for finding in wanted.findings]
    assert in_order(found) == in_order(want), (level, known, young)
    totals = asdict(outcome.totals)
    assert totals == {name: wanted.totals[name] for name in totals}, (level, known, young)
    unproved = any(f.kind is Kind.UNPROVED for f in want)
    assert outcome.verdict is (Verdict.INCOMPLETE if unproved else Verdict.FINDINGS if want else Verdict.CLOSED)


def placed(finding: Expected) -> Expected:
    """Where no line is named, the path is any of those that the file has or had."""
    return finding if finding.first else finding._replace(place=finding.place.partition(".log")[0])


def check_all(world: World, logs: Sequence[Now], state: State) -> None:
    for level in LEVELS:
        check(world, logs, level, known=state is not State.LOST, young=False)
        for young in (False, True):
            check(world, logs, level, known=False, young=young, use_state=False)
    check_repair(world, logs, state, use_state=True)
    check_repair(world, logs, state, use_state=False)


def check_repair(world: World, logs: Sequence[Now], state: State, *, use_state: bool) -> None:
    """What can be repaired is, and nothing else is touched: the next audit says what remains."""
    known = use_state and state is not State.LOST
    said = [answer(now, "disk", known=known, young=False) for now in logs]
    world.repair(use_state=use_state, grace=0.0)
    for now, each in zip(logs, said, strict=True):
        repair(now, each)
    for level in ("disk", "contents"):
        check(world, logs, level, known=known, young=False, use_state=use_state)


def profile(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))


@profile(EXAMPLES)
@given(st.lists(stories(edits=False, tampering=False), min_size=1, max_size=3), st.sampled_from(State))
def test_damage_to_the_index_is_found(tellings: list[Story], state: State) -> None:
    with damaged(tellings, state) as (world, logs):
        check_all(world, logs, state)


@profile(EXAMPLES)
@given(
    st.lists(stories(edits=True, tampering=False), min_size=1, max_size=2), st.sampled_from([State.WHOLE, State.LOST])
)
def test_edited_files_are_found(tellings: list[Story], state: State) -> None:
    with damaged(tellings, state) as (world, logs):
        check_all(world, logs, state)


@profile(EXAMPLES)
@given(st.lists(stories(edits=False, tampering=True), min_size=1, max_size=2))
def test_damage_to_the_state_is_found(tellings: list[Story]) -> None:
    with damaged(tellings, State.WHOLE) as (world, logs):
        check_all(world, logs, State.WHOLE)
