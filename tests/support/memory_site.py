"""A host whose output is in memory, and whose state can be changed, kept and put back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from shipper.records import Document, Outcome
from shipper.settings import InputSettings
from support.memory_output import MemoryOutput, accept
from support.site import Site


class MemorySite(Site):
    """A site whose documents are `held`; `answer` may refuse some."""

    held: MemoryOutput

    def __init__(
        self, root: Path, *inputs: InputSettings, answer: Callable[[Document], Outcome | None] = accept
    ) -> None:
        super().__init__(root, inputs)
        self.held = MemoryOutput(answer)
        self.output = self.held

    def delete(self, name: str, lines: Sequence[bytes], *numbers: int) -> None:
        """Delete the documents of some lines (1-based) of a file."""
        for number in numbers:
            del self.held.documents[self.held.at(name, sum(map(len, lines[: number - 1])))]

    def alter_state(self, statement: str, *values: object) -> int:
        """Change the agent's state behind its back; how many rows that concerned."""
        with closing(sqlite3.connect(self.root / "state" / "state.db")) as db, db:
            return db.execute(statement, values).rowcount

    def keep_state(self) -> None:
        """Make a copy of the state."""
        shutil.copytree(self.root / "state", self.root / "older")

    def put_state_back(self) -> None:
        """Have the state that was kept instead of that of now."""
        shutil.rmtree(self.root / "state")
        (self.root / "older").rename(self.root / "state")
