"""H, continued: any order of writing, truncating, rotating and restarting agrees with a model that fits on a page.

tests/model tells the long stories, with half lines, links, archives and kills; here each loss is known to the byte.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.logs import append, copy_and_truncate, numbered, rename, write
from support.scene import CLOSED, Scene

STEPS = st.lists(
    st.sampled_from(["write", "write half", "read", "truncate", "copy and truncate", "rotate", "restart"]),
    min_size=3,
    max_size=16,
)


class Story:
    """One log, its rotated files, and the model: which line is in which content, and what was lost."""

    def __init__(self, folder: Path) -> None:
        self.scene = Scene(folder)
        self.log = write(self.scene.logs / "a.log", *numbered(0, 1))
        self.number = 1
        self.contents = [numbered(0, 1)]
        """Complete lines of each content the log had; the last one is in it now."""
        self.half = ""
        """Of a line that is written now."""
        self.seen_half = ""
        """As much of it as an agent saw."""
        self.read = 0
        """Complete lines of the present content that were read."""
        self.lost: list[tuple[str, int]] = []
        self.names = 0

    def tell(self, steps: list[str]) -> None:
        """Live through the steps; an agent lives from one restart to the next."""
        rest = iter(steps)
        going_on = True
        while going_on:
            with self.scene.live() as agent:
                agent.catch_up()
                self.look()
                going_on = self._until_restart(rest, agent)
        self.scene.once()
        self.look()

    def _until_restart(self, rest, agent) -> bool:
        for step in rest:
            if step == "restart":
                return True
            if step == "read":
                agent.catch_up()
                self.look()
            elif step == "rotate":
                agent.catch_up()
                self.look()
                self.rotate()
            else:
                getattr(self, step.replace(" ", "_"))()
        return False

    def look(self) -> None:
        """An agent had time: it read all complete lines, and saw the half one."""
        self.read = len(self.contents[-1])
        self.seen_half = self.half

    def write(self) -> None:
        (text,) = numbered(self.number, self.number + 1)
        self.number += 1
        append(self.log, text)
        self.contents[-1].append(self.half + text)
        self.half = ""

    def write_half(self) -> None:
        with self.log.open("ab") as file:
            file.write(b"half of ")
        self.half += "half of "

    def truncate(self) -> None:
        """What was not read is lost; of that an agent can only know what it saw."""
        if self.seen_half:
            self.lost.append(("truncated before read", len(self.seen_half)))
        del self.contents[-1][self.read :]
        os.truncate(self.log, 0)
        self._begin_again()

    def copy_and_truncate(self) -> None:
        self.names += 1
        copy = copy_and_truncate(self.log, f"a.log.copy{self.names}")
        if self.half:
            append(copy, "completed")
            self.contents[-1].append(self.half + "completed")
        self._begin_again()

    def rotate(self) -> None:
        self.names += 1
        old = rename(self.log, f"a.log.{self.names}")
        if self.half:
            append(old, "completed")
            self.contents[-1].append(self.half + "completed")
        write(self.log)
        self._begin_again()

    def _begin_again(self) -> None:
        self.contents.append([])
        self.half = self.seen_half = ""
        self.read = 0
        self.write()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_120_any_order_of_writing_truncating_rotating_and_restarting_agrees_with_the_model(steps):
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder))
        story.tell(steps)

        assert story.scene.sources() == sorted(content for content in story.contents if content)
        assert sorted(story.scene.verdict()[1]) == sorted(story.lost)
        assert story.lost or story.scene.verdict() == CLOSED
