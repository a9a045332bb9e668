"""The header lines of a file: those that stand together, one block, until rows and another block follow."""

from __future__ import annotations

from dataclasses import dataclass

LINES = 16
"""Lines of a block that are remembered, the last ones: a file could consist of nothing but comments."""
CHARACTERS = 1 << 16
"""Characters of a block that are remembered, but always its last line."""


@dataclass(slots=True)
class HeaderBlock:
    """The last header lines of a file, so far."""

    text: str = ""
    """The lines, with newlines between them; empty before the first."""
    open: bool = False
    """Whether no row has followed yet, so that another header line belongs to the same block."""

    def add(self, line: str) -> None:
        """One more header line: part of the block, or the beginning of another after rows."""
        lines = [*self.text.split("\n"), line][-LINES:] if self.open and self.text else [line]
        while len(lines) > 1 and sum(map(len, lines)) > CHARACTERS:
            del lines[0]
        self.text = "\n".join(lines)
        self.open = True
