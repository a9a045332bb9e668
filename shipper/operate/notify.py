"""What systemd is told about a service of `Type=notify`: ready, alive, what it does, that it stops (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Tells the service manager; does nothing where there is none."""

    def __init__(self, address: str | None, watchdog: float | None) -> None:
        self._address = address
        self.watchdog = watchdog
        """Seconds after which the manager takes a silent service for hung; call `alive` twice as often."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], process: int) -> Notifier:
        """As the manager says in the environment; a watchdog that is meant for another process is not ours."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(process)) == str(process)
        watchdog = int(microseconds) / 1e6 if ours and microseconds.isdigit() else None
        return cls(environment.get("NOTIFY_SOCKET"), watchdog)

    def ready(self) -> None:
        """Start-up is done."""
        self._tell("READY=1")

    def alive(self) -> None:
        """The main loop turned."""
        if self.watchdog is not None:
            self._tell("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """What `systemctl status` shows: one line."""
        self._tell("STATUS=" + sentence.replace("\n", " "))

    def stopping(self) -> None:
        """The service begins to stop."""
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ stands for Linux's abstract namespace, whose names begin with a zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A manager that is gone, or restarts, is no reason not to ship; it asks for nothing any more.
        with (
            suppress(ConnectionRefusedError, FileNotFoundError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection,
        ):
            connection.connect(address)
            connection.sendall(message.encode())
