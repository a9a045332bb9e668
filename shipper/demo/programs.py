"""Runs the real `shipper` commands as child processes, the way a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from shipper.errors import DemoError

COMMAND = (sys.executable, "-m", "shipper")
STOP_DEADLINE = 15.0
COMMAND_DEADLINE = 60.0


class Answer(NamedTuple):
    """What a command printed and how it ended."""

    exit_code: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """Its standard output as one JSON document."""
        try:
            document = json.loads(self.text)
        except ValueError as error:
            raise DemoError(f"A command did not print one JSON document but:\n{self.text}") from error
        if not isinstance(document, dict):
            raise DemoError(f"A command did not print a JSON object but:\n{self.text}")
        return document


class Programs:
    """The commands, with the demo's folder as working directory."""

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND) -> None:
        self.folder = folder
        self._command = command

    def run(self, *arguments: str) -> Answer:
        """Run a command to its end; what it reports on standard error is kept in `commands.log`."""
        with (self.folder / "commands.log").open("ab") as log:
            done = subprocess.run(  # noqa: S603  our own program with our own arguments
                [*self._command, *arguments],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=COMMAND_DEADLINE,
                check=False,
            )
        return Answer(done.returncode, done.stdout)

    def agent(self, config: str) -> Agent:
        """An agent that runs in the background; it is not started yet."""
        return Agent(self.folder, [*self._command, "run", "-c", config])


class Agent:
    """`shipper run` in the background; leaving the `with` block kills what still runs."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def log(self) -> Path:
        """Everything the agent reported."""
        return self._folder / "agent.log"

    def start(self) -> int:
        """Start it; its process id."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own program with our own arguments
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: no farewell, nothing is saved."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def stop(self) -> None:
        """SIGTERM: it finishes what is under way."""
        process = self._running()
        process.terminate()
        try:
            code = process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"The agent did not stop within {STOP_DEADLINE:.0f} s of SIGTERM.") from error
        self._process = None
        if code != 0:
            raise DemoError(f"The agent ended with exit code {code}. It reported:\n{self._last_words()}")

    def check(self) -> None:
        """Raise DemoError if it has ended by itself."""
        code = self._running().poll()
        if code is not None:
            raise DemoError(f"The agent ended by itself with exit code {code}. It reported:\n{self._last_words()}")

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the agent was not started"
        return self._process

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="backslashreplace").splitlines()[-12:])


def until(
    condition: Callable[[], bool], *, deadline: float, sleep: Callable[[float], None] = time.sleep, step: float = 0.1
) -> bool:
    """Whether the condition comes true within `deadline` seconds."""
    for _ in range(int(deadline / step)):
        if condition():
            return True
        sleep(step)
    return condition()
