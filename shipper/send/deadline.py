"""A node of the client's transport whose requests end in time, whatever the server does.

urllib3's time-outs hold for one socket operation each. Here an alarm shuts the socket down when the time of the whole
request is over; the connection is not used again, and the next one asks the name server anew.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout, HttpHeaders, NodeConfig, Serializer, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elastic_transport.client_utils import DEFAULT, DefaultType

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a host to accept; a host that is away must not use up the time of the others."""


class BytesSerializer(Serializer):
    """Bytes as they are, both ways: requests come ready, and answers are decoded where they are understood."""

    def dumps(self, data: Any) -> bytes:
        """The body of a request."""
        assert isinstance(data, bytes)
        return data

    def loads(self, data: bytes) -> bytes:
        """The body of an answer."""
        return data


class DeadlineNode(Urllib3HttpNode):
    """One host of the cluster; `request_timeout` is the time of the whole request in seconds."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._active = threading.local()
        self.pool.ConnectionCls = _watched(self.pool.ConnectionCls, self._active)

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> NodeApiResponse:
        """As in the base class, but ConnectionTimeout as soon as the time is over."""
        assert isinstance(request_timeout, (int, float)), "every request has a deadline"
        alarm = _Alarm(request_timeout)
        self._active.alarm = alarm
        try:
            response = super().perform_request(method, target, body, headers, request_timeout)
        except (TransportConnectionError, ConnectionTimeout) as error:
            if alarm.due:
                raise _too_late(self.base_url, request_timeout) from error
            raise
        finally:
            alarm.stop()
        if alarm.rang:
            # Without a length, an answer that we cut off ourselves looks like a whole one.
            raise _too_late(self.base_url, request_timeout)
        return response


class _Alarm:
    """Shuts the socket of one request down when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.rang = False
        self._end = time.monotonic() + seconds
        self._stopped = False
        self._connection: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    @property
    def due(self) -> bool:
        """Whether the time is over; on a busy machine a time-out of the socket may be quicker than the ring."""
        return self.rang or time.monotonic() >= self._end

    def watch(self, connection: Any) -> None:
        """From now on this connection carries the request."""
        with self._lock:
            self._connection = connection
            if self.rang:
                raise TimeoutError("the time of the request was over before it was sent")

    def stop(self) -> None:
        """The request is over."""
        self._timer.cancel()
        with self._lock:
            self._stopped = True

    def _ring(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self.rang = True
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                # Not SSLSocket.shutdown: it takes the TLS state away under the thread that reads.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _watched(base: Any, active: threading.local) -> Any:
    """A connection class that reports to the alarm of the request it carries."""

    class Watched(base):  # type: ignore[misc]  # the base depends on the scheme of the host
        timeout: Any

        def connect(self) -> None:
            active.alarm.watch(self)
            whole, self.timeout = self.timeout, CONNECT_TIMEOUT
            try:
                super().connect()
            finally:
                self.timeout = whole
            self.sock.settimeout(whole)

        def request(self, *args: Any, **kwargs: Any) -> None:
            active.alarm.watch(self)
            super().request(*args, **kwargs)

    return Watched


def _too_late(url: str, seconds: float) -> ConnectionTimeout:
    return ConnectionTimeout(f"{url} gave no whole answer within {seconds:g} s")
