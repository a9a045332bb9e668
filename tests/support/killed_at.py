"""`shipper`, killed by itself with SIGKILL at a named step: `python killed_at.py STEP NTH ARGUMENT...`.

A step is `before` or `after` one of the functions below; it dies when that is reached for the n-th time. It ends with
0 and says so if the step was never reached: a test must not take that for a death.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from shipper import rebuild
from shipper.agent import Agent
from shipper.cli import main
from shipper.commit.connection import Connection
from shipper.commit.dead_letters import DeadLetters
from shipper.commit.files import FileRows
from shipper.commit.ledger import Ledger
from shipper.commit.state import State
from shipper.parse.file_parser import FileParser
from shipper.read.reader import Reader
from shipper.send.dispatch import Dispatcher
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.questions import Questions
from shipper.send.setup import Setup
from shipper.send.sqlite import SQLiteOutput

FUNCTIONS: dict[str, list[tuple[Any, str]]] = {
    "identify": [(State, "use_output")],
    "open_a_file": [(FileRows, "add")],
    "read_a_chunk": [(Reader, "_next")],
    "parse_a_chunk": [(FileParser, "parse")],
    "define_a_pipeline": [(State, "define")],
    "record_marks": [(FileRows, "mark")],
    "take_a_chunk": [(Agent, "take")],
    "make_marks_durable": [(State, "flush")],
    "submit_a_batch": [(Dispatcher, "submit")],
    "send_a_batch": [(SQLiteOutput, "send"), (ElasticsearchOutput, "send")],
    "store_a_batch": [(SQLiteOutput, "_insert"), (ElasticsearchOutput, "_store")],
    "settle_a_receipt": [(Ledger, "settle")],
    "find_what_advances": [(Ledger, "advances")],
    "bury_dead_letters": [(DeadLetters, "bury")],
    "commit": [(State, "commit")],
    "end_a_transaction": [(Connection, "commit")],
    "close_the_agent": [(Agent, "close")],
    "close_the_state": [(State, "close")],
}
"""By step of shipping; where there are several functions, whichever is called."""
OTHER_FUNCTIONS: dict[str, list[tuple[Any, str]]] = {
    "install_a_template": [(Setup, "_install")],
    "judge_an_answer": [(ElasticsearchOutput, "_judge")],
    "delete_documents": [(Questions, "delete")],
    "move_the_state_aside": [(rebuild, "move_aside")],
}
"""Steps that only some outputs or commands take."""


def run_until_death(step: str, nth: int, *arguments: str) -> None:
    """Run a command that kills itself at the step; that it did not is a failure."""
    words = [sys.executable, __file__, step, str(nth), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr[-3000:])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(function: Callable[..., Any], when: str, calls: Iterator[int]) -> Callable[..., Any]:
    """The function, and death before or after one of its calls."""

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        last = next(calls) == 1
        if last and when == "before":
            die()
        result = function(*arguments, **keywords)
        if last:
            die()
        return result

    return wrapped


if __name__ == "__main__":
    when, _, step = sys.argv[1].partition("_")
    countdown = iter(range(int(sys.argv[2]), -(1 << 60), -1))
    for owner, name in {**FUNCTIONS, **OTHER_FUNCTIONS}[step]:
        setattr(owner, name, deadly(getattr(owner, name), when, countdown))
    main(sys.argv[3:])
