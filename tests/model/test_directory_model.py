"""Any sequence of writing, rotating, losing and restarting: every line that an agent had time for is stored once.

A Hypothesis machine drives a real folder and a real agent (virtual clock, SQLite index) beside the plain model in
`support.directory_model`. Every story ends with the audit as oracle.

`SHIPPER_MODEL_EXAMPLES` (500 in each of four parts) sets how many stories are told.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support.directory_model import LONG_QUIET, NAMES, Folder, Follower, complete_lines

from shipper.audit.findings import Kind
from shipper.reload import reloader

EXAMPLES = int(os.environ.get("SHIPPER_MODEL_EXAMPLES", "500"))
STEPS = 20
SOON, LATER = 1.5, 65.0
"""Seconds of the virtual clock: one look at all files, and a look after the next rescan."""
ALLOWED = {Kind.LOST_AT_SOURCE, Kind.UNPROVED}
"""What the audit may find in the end: something was lost before it could be read, or nobody can tell."""
names = st.sampled_from(NAMES)


class RotatingFolder(RuleBasedStateMachine):
    """The steps, and what must hold in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="shipper-model-"))
        self.folder = Folder(self.place)
        self.agent = Follower(self.place)
        self.certain: Counter[str] = Counter()
        self.followed: set[int] = set()
        """Inodes that the running agent has open, for it had time for them and runs since."""
        self.promised: Counter[str] = Counter()
        """Lines of files that vanished while they were open: certain if the agent lives to have time for them."""

    # -- writing

    @initialize(filled=st.sets(names, min_size=1))
    def fill(self, filled: set[str]) -> None:
        for name in sorted(filled):
            self.append(name, 3, repeated=False, then=0)
        self.give_the_agent_time(SOON)

    @rule(name=names, count=st.integers(1, 4), repeated=st.booleans(), then=st.sampled_from([0, SOON, LATER]))
    def append(self, name: str, count: int, repeated: bool, then: float) -> None:
        lines = [self.folder.line()] * count if repeated else [self.folder.line() for _ in range(count)]
        self.folder.append(name, "".join(f"{line}\n" for line in lines))
        self.folder.look()
        if then:
            self.give_the_agent_time(then)

    @rule(name=names)
    def append_half_a_line(self, name: str) -> None:
        self.folder.append(name, self.folder.line("half"))

    @rule(name=names)
    def complete_the_line(self, name: str) -> None:
        self.folder.append(name, f" {self.folder.line('rest')}\n")
        self.folder.look()

    # -- rotating

    @precondition(lambda self: self.folder.existing())
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.folder.existing()))
        (self.folder.logs / name).rename(self.folder.free_name(name, "old"))

    @precondition(lambda self: self.folder.existing())
    @rule(data=st.data())
    def rotate_in_a_cascade(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.folder.existing()))
        if (self.folder.logs / f"{name}.1").exists():
            self.vanishes(self.folder.logs / f"{name}.2")
        self.folder.cascade(name)

    @precondition(lambda self: self.folder.existing())
    @rule(data=st.data())
    def move_out_of_sight(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.folder.existing()))
        self.vanishes(self.folder.logs / name)
        (self.folder.logs / name).rename(self.folder.elsewhere / self.folder.free_name(name, "moved").name)

    @precondition(lambda self: self.plain_files())
    @rule(data=st.data())
    def compress(self, data: st.DataObject) -> None:
        self.folder.compress(data.draw(st.sampled_from(self.plain_files())))
        self.folder.look()

    @precondition(lambda self: self.folder.existing())
    @rule(data=st.data())
    def copy_and_truncate(self, data: st.DataObject) -> None:
        self.folder.copy_truncate(data.draw(st.sampled_from(self.folder.existing())))

    @precondition(lambda self: self.folder.existing())
    # Generations that are gone and share beginnings of different lengths are more than the ledger can tell apart.
    @rule(data=st.data(), keep=st.sampled_from([0, 2]), count=st.sampled_from([1, 2, 12]))
    def begin_again_with_the_same_head(self, data: st.DataObject, keep: int, count: int) -> None:
        lines = [self.folder.line() for _ in range(count)]
        self.folder.begin_again(data.draw(st.sampled_from(self.folder.existing())), keep, lines)
        self.folder.look()

    # -- losing

    @precondition(lambda self: self.folder.files())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.folder.files()))
        self.vanishes(path)
        path.unlink()

    @rule()
    def wipe_the_directory(self) -> None:
        for path in self.folder.files():
            if path.parent != self.folder.logs:
                self.vanishes(path)
        self.folder.wipe()

    @precondition(lambda self: self.folder.existing())
    @rule(data=st.data())
    def switch_the_link(self, data: st.DataObject) -> None:
        self.folder.point_link(data.draw(st.sampled_from(self.folder.existing())))

    @precondition(lambda self: self.plain_files())
    @rule(data=st.data())
    def take_the_permissions(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.plain_files())).chmod(0)

    @rule()
    def give_the_permissions_back(self) -> None:
        for path in self.folder.files():
            path.chmod(0o644)

    # -- the agent

    @rule(seconds=st.sampled_from([SOON, LATER, LONG_QUIET]))
    def give_the_agent_time(self, seconds: float) -> None:
        readable = all(os.access(path, os.R_OK) for path in self.folder.files())
        there = self.folder.look()
        self.agent.catch_up(seconds)
        if readable:
            self.certain |= there
            self.followed = {path.stat().st_ino for path in self.plain_files() if complete_lines(path)}
        self.certain |= self.promised
        self.promised.clear()

    @rule()
    def kill_the_agent(self) -> None:
        self.agent.kill()
        self.forget_promises()

    @rule()
    def kill_the_agent_before_it_commits(self) -> None:
        self.agent.work_and_die()
        self.forget_promises()

    # -- what must hold

    def vanishes(self, path: Path) -> None:
        """A file is about to lose its name: what stands in it is still read if it is open."""
        if path.exists() and path.suffix != ".gz" and path.stat().st_ino in self.followed:
            self.promised |= complete_lines(path)

    def forget_promises(self) -> None:
        self.followed.clear()
        self.promised.clear()

    def plain_files(self) -> list[Path]:
        return [path for path in self.folder.files() if path.suffix != ".gz"]

    def teardown(self) -> None:
        try:
            self.give_the_permissions_back()
            for _ in range(3):
                self.give_the_agent_time(LONG_QUIET)
            self.agent.kill()
            self.check()
        finally:
            self.agent.kill()
            shutil.rmtree(self.place)

    def check(self) -> None:
        stored = self.agent.stored()
        assert self.certain - stored == Counter(), "lines that the agent had time for are missing"
        assert stored - self.folder.possible == Counter(), "lines are doubled, or were never written"
        outcome = self.agent.scene.audit()
        other = [finding for finding in outcome.findings if finding.kind not in ALLOWED]
        assert other == [], "the audit finds what cannot be"


@pytest.fixture
def _definitions_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is changed here; to look at all their files at every rescan of many hours takes a sixth of the time."""
    monkeypatch.setattr(reloader, "stamps", lambda settings: {})


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.usefixtures("_definitions_that_stay")
def test_every_line_the_agent_had_time_for_is_stored_once_whatever_happens_to_its_file(part: int) -> None:
    # In CI Hypothesis tells the same stories each time; here they would be the same in all parts.
    run_state_machine_as_test(
        seed(part)(RotatingFolder) if settings().derandomize else RotatingFolder,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
