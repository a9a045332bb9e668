"""Several outputs: an agent for each, side by side, so that one that is away holds no other up.

Agents are processes of their own with states of their own. This one passes on signals to them, and to the service
manager that all of them are ready and alive. An agent that ends is not started again; the others go on.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from shipper.operate.notify import Notifier
from shipper.operate.signals import on_signals

_LOOK = 0.2
"""Seconds between two looks whether an agent has ended."""
_KILLED = 3
"""The exit code that stands for an agent that was killed: it did not finish."""

Start = Callable[[str, Mapping[str, str]], "subprocess.Popen[bytes]"]
"""Starts the agent of an output with these variables in its environment."""


@dataclass(slots=True)
class _Agent:
    """The agent of one output, and what it told the service manager, which is us."""

    name: str
    ear: socket.socket
    process: subprocess.Popen[bytes]
    ready: bool = False
    alive: bool = False
    code: int | None = None

    def listen(self) -> None:
        """Take what it said since."""
        while True:
            try:
                said = self.ear.recv(4096).decode(errors="replace")
            except BlockingIOError:
                return
            self.ready = self.ready or said == "READY=1"
            self.alive = self.alive or said == "WATCHDOG=1"


class Supervisor:
    """Runs the agents of several outputs until all have ended."""

    def __init__(
        self, names: Sequence[str], start: Start, notifier: Notifier, ended: Callable[[str, int], None]
    ) -> None:
        """`ended` is told the output and the exit code of each agent that ends unasked."""
        self._names = names
        self._start = start
        self._notifier = notifier
        self._ended = ended
        self._agents: list[_Agent] = []
        self._stopping = False
        self._told_ready = False

    def run(self) -> int:
        """Start all and wait for all; the worst of their exit codes."""
        with ExitStack() as open_ones, on_signals(stop=self._stop, reload=self._reload):
            open_ones.callback(self._kill)
            for name in self._names:
                if not self._stopping:
                    self._agents.append(self._started(name, open_ones))
            if self._stopping:
                self._pass_on(signal.SIGTERM)
            while any(agent.code is None for agent in self._agents):
                self._look()
                self._tell()
        return max((agent.code or 0 for agent in self._agents), default=0)

    def _tell(self) -> None:
        """Tell the service manager what holds for all of them."""
        if not self._told_ready and all(agent.ready for agent in self._agents):
            self._told_ready = True
            self._notifier.ready()
        if all(agent.alive for agent in self._agents):
            self._notifier.alive()
            for agent in self._agents:
                agent.alive = False

    def _started(self, name: str, open_ones: ExitStack) -> _Agent:
        """An agent that tells us what it would tell the service manager."""
        address = f"@shipper-{os.getpid()}-{name}"
        ear = open_ones.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)))
        ear.bind("\0" + address[1:])
        # Until the agent listens for it, a request to reload would end it; ignored signals stay ignored.
        handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            return _Agent(name, ear, self._start(name, {"NOTIFY_SOCKET": address}))
        finally:
            signal.signal(signal.SIGHUP, handler)

    def _look(self) -> None:
        """Wait a moment for one that is running; note who has ended."""
        running = [agent for agent in self._agents if agent.code is None]
        with suppress(subprocess.TimeoutExpired):
            running[0].process.wait(_LOOK)
        for agent in running:
            agent.listen()
            code = agent.process.poll()
            if code is not None:
                stopped_early = self._stopping and code == -signal.SIGTERM
                agent.code = 0 if stopped_early else _KILLED if code < 0 else code
                if not self._stopping:
                    self._ended(agent.name, code)

    def _stop(self) -> None:
        self._stopping = True
        self._notifier.stopping()
        self._pass_on(signal.SIGTERM)

    def _reload(self) -> None:
        self._pass_on(signal.SIGHUP)

    def _pass_on(self, number: signal.Signals) -> None:
        for agent in self._agents:
            agent.process.send_signal(number)

    def _kill(self) -> None:
        """Nobody waits any more."""
        for agent in self._agents:
            if agent.process.poll() is None:
                agent.process.kill()
                agent.process.wait()
