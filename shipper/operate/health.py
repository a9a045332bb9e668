"""A small web server on loopback: `/metrics`, `/-/healthy` (the main loop turns) and `/-/ready` (lines get through)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shipper.operate.reminders import Standstill

LOOPBACK = "127.0.0.1"
_SHIPPING = frozenset({"output", "dataset", "state"})
"""Kinds of standstills with which lines do not get through."""
_TEXT = "text/plain; charset=utf-8"

Answer = tuple[int, str, bytes]
"""Status, content type, content."""


class Health:
    """Whether the main loop turns, and what stands still."""

    def __init__(self, monotonic: Callable[[], float], longest_turn: float) -> None:
        """`longest_turn`: seconds that one turn of the main loop may take."""
        self._monotonic = monotonic
        self._longest_turn = longest_turn
        self._turned = monotonic()
        self.standstills: Callable[[], Sequence[Standstill]] | None = None
        """Set when the agent is ready."""

    def turn(self) -> None:
        """The main loop turned."""
        self._turned = self._monotonic()

    def healthy(self) -> Answer:
        """503 where a restart would help."""
        seconds = self._monotonic() - self._turned
        if seconds > self._longest_turn:
            return _said(503, f"The main loop has not turned for {seconds:.0f} s.")
        return _said(200, "healthy")

    def ready(self) -> Answer:
        """503 while lines do not get through, with the reasons."""
        if self.standstills is None:
            return _said(503, "The agent is starting; its log says what it waits for.")
        reasons = [f"{each.scope}: {each.reason}" for each in self.standstills() if each.kind in _SHIPPING]
        return _said(503, "\n".join(reasons)) if reasons else _said(200, "ready")


class HealthServer:
    """Answers on a port of this host; needs no user, for nobody else reaches it. Raises OSError if it is taken."""

    def __init__(self, port: int, health: Health, metrics: Callable[[str], tuple[str, bytes]]) -> None:
        """`metrics` is told what the client accepts; gives content type and content."""

        class Handler(_Handler):
            answers = {  # noqa: RUF012  one class for each server
                "/-/healthy": lambda _: health.healthy(),
                "/-/ready": lambda _: health.ready(),
                "/metrics": lambda accept: (200, *metrics(accept)),
            }

        self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    answers: dict[str, Callable[[str], Answer]]
    timeout = 30.0

    def do_GET(self) -> None:
        answer = self.answers.get(self.path.partition("?")[0])
        status, kind, content = (
            answer(self.headers.get("accept", "")) if answer else _said(404, " ".join(sorted(self.answers)))
        )
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815  as above

    def log_message(self, *_: object) -> None:
        """A scrape is no event."""


def _said(status: int, text: str) -> Answer:
    return status, _TEXT, f"{text}\n".encode()
