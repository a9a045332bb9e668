"""`shipper`, whose audit stands still when so many pieces of its work are kept: `halted_audit.py PIECES WORD...`.

Whoever is to end it in the middle of its work can take his time. It gives up after a minute.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from shipper.audit.resume import JournalFile
from shipper.cli import main

LOOKS, SECONDS = 1200, 0.05
"""A signal that comes right before a wait is dealt with after it: so none may be long."""


def halting(pieces: int) -> Any:
    """What keeps a piece of work, and stands still when it was the last one that is wanted."""
    keep = JournalFile.keep

    def kept(journal: JournalFile, key: str, result: Any, at: float) -> None:
        keep(journal, key, result, at)
        if journal.pieces == pieces:
            pause = threading.Event()
            for _ in range(LOOKS):
                pause.wait(SECONDS)

    return kept


if __name__ == "__main__":
    JournalFile.keep = halting(int(sys.argv[1]))  # type: ignore[method-assign]
    main(sys.argv[2:])
