"""A stand-in for Elasticsearch in this process, which misbehaves by script.

It knows templates, the cluster's identity, the questions of an audit, and `_bulk` with `create`: an id exists once per
index. The next bulk requests meet the faults (see `bulk_faults`) in `script`, one each, then all goes well::

    with BulkServer() as server:
        server.script += [whole(429, "es_rejected_execution_exception"), reset_after_receipt]
        ...
        assert server.stored[("shipper-d-n-2026.11", "id")] == b'{"message":"x"}'
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import orjson

from support.bulk_questions import PointsInTime
from support.ports import free_port

Item = dict[str, Any]
Verdict = Callable[[str, str, bytes], Item | None]
"""Called with index, id and body of a document; the result of its creation, or None to go the usual way."""

CLUSTER = "stand-in-cluster-uuid"


@dataclass(frozen=True)
class Creation:
    """One document of a bulk request."""

    index: str
    id: str
    body: bytes


class Exchange:
    """One bulk request under way: what a fault can see and do."""

    def __init__(self, server: BulkServer, handler: _Handler, creations: list[Creation]) -> None:
        self.server = server
        self.creations = creations
        self._handler = handler

    def store(self, verdict: Verdict | None = None) -> list[Item]:
        """Store the documents as a healthy node does; the items of the answer."""
        return [self.server.create(creation, verdict) for creation in self.creations]

    def answer(self, status: int, content: Any, **headers: str) -> None:
        """Send a whole answer; an underscore in the name of a header stands for its hyphen."""
        self._handler.answer(status, content, {name.replace("_", "-"): value for name, value in headers.items()})

    def answer_items(self, items: list[Item]) -> None:
        """Send the answer of a bulk request with these items."""
        errors = any("error" in item["create"] for item in items)
        self.answer(200, {"errors": errors, "items": items})

    def break_off(self) -> None:
        """Reset the connection without an answer."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        self._handler.connection.close()
        self._handler.wfile = _Nowhere()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(data)

    def hang_up(self) -> None:
        """End the connection in good order."""
        self._handler.close_connection = True

    def half_close(self) -> None:
        """Say that nothing will be sent any more, without announcing it in the answer; go on listening."""
        self._handler.wfile.flush()
        self._handler.connection.shutdown(socket.SHUT_WR)

    def fall_silent(self) -> None:
        """Keep the connection and send nothing, until the client has had enough."""
        while not self.server.closing.wait(0.02):
            if self._handler.gone():
                break
        self.break_off()

    def drip(self, content: bytes) -> None:
        """Send the head of an answer and then a byte now and then, until the client has had enough."""
        self._handler.close_connection = True
        self._handler.wfile.write(content[:-1])
        while not self.server.closing.wait(0.02):
            try:
                self._handler.connection.sendall(content[-1:])
            except OSError:
                break
        self._handler.wfile = _Nowhere()


Fault = Callable[[Exchange], None]


def failed_item(status: int, kind: str, reason: str = "a reason") -> Item:
    """The result of a document that was not created."""
    return {"create": {"status": status, "error": {"type": kind, "reason": reason}}}


class BulkServer:
    """The stand-in; `stop` and `start` keep the address and what is stored."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.certificate = certificate
        """Files of a certificate and its key: speak TLS."""
        self.stored: dict[tuple[str, str], bytes] = {}
        self.templates: dict[str, Any] = {}
        self.script: deque[Fault] = deque()
        self.trouble: Callable[[str], Fault | None] = lambda path: None
        """Asked about each request that the script has nothing for: the fault that it meets, if any."""
        self.rule: Verdict = lambda index, name, body: None
        """What the cluster itself says of a document, whatever fault the request meets."""
        self.conflicts: Counter[str] = Counter()
        """Documents that were there already, by index: how many came again."""
        self.unknown: set[str] = set()
        """Paths that are answered 405."""
        self.bulk_sizes: list[int] = []
        """Documents of each bulk request that arrived whole."""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of each request."""
        self.size_limit = 100 << 20
        """Bytes of a body, decompressed, before 413."""
        self.too_large = 0
        """Requests that were answered 413."""
        self.cluster = CLUSTER
        self.refused_credentials = 0
        """So many of the next requests are answered 401."""
        self.deaf = 0
        """So many of the next bulk requests are reset before they are read."""
        self.template_status = 200
        """Status of requests about templates, if not 200."""
        self.points_in_time = PointsInTime()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._port = 0
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen."""
        self.closing.clear()
        self._http = _Server(("127.0.0.1", self._port or free_port()), _Handler)
        self._http.stand_in = self
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and break off what is under way."""
        self.closing.set()
        assert self._http is not None
        assert self._thread is not None
        self._http.shutdown()
        self._http.break_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def create(self, creation: Creation, verdict: Verdict | None) -> Item:
        """Create one document, or not."""
        place = (creation.index, creation.id)
        item = verdict(*place, creation.body) if verdict else None
        if item := item or self.rule(*place, creation.body):
            return item
        with self._lock:
            if place in self.stored:
                self.conflicts[creation.index] += 1
                return failed_item(409, "version_conflict_engine_exception", f"[{creation.id}]: version conflict")
            self.stored[place] = creation.body
        return {"create": {"status": 201}}

    def bulk(self, handler: _Handler, body: bytes) -> None:
        """Answer a bulk request as the script says."""
        if len(body) > self.size_limit:
            self.too_large += 1
            handler.answer(413, None)
            return
        creations = _creations(body)
        self.bulk_sizes.append(len(creations))
        exchange = Exchange(self, handler, creations)
        fault = self.script.popleft() if self.script else self.trouble("/_bulk")
        if fault:
            fault(exchange)
        else:
            exchange.answer_items(exchange.store())

    def template(self, handler: _Handler, name: str, body: bytes) -> None:
        """Keep or tell a template."""
        if self.template_status != 200:
            handler.answer(self.template_status, {"error": {"type": "some_exception", "reason": "a reason"}})
        elif body:
            self.templates[name] = json.loads(body)
            handler.answer(200, {"acknowledged": True})
        elif name in self.templates:
            found = {"name": name, "index_template": self.templates[name]}
            handler.answer(200, {"index_templates": [found]})
        else:
            handler.answer(404, {"error": {"type": "resource_not_found_exception"}, "status": 404})

    def multi_get(self, handler: _Handler, body: bytes) -> None:
        """Tell documents by index and id."""
        answer = []
        for asked in orjson.loads(body)["docs"]:
            held = self.stored.get((asked["_index"], asked["_id"]))
            answer.append({**asked, "found": held is not None, "_source": held and orjson.loads(held)})
        handler.answer(200, {"docs": answer})

    def question(self, handler: _Handler, path: str, body: bytes) -> None:
        """Answer one of the questions of an audit."""
        with self._lock:
            stored = self.stored.copy()
        indices = sorted({index for index, _ in stored})
        shards = {"total": len(indices), "successful": len(indices), "failed": 0}
        if path.endswith(("/_refresh", "/_flush")):
            handler.answer(200, {"_shards": shards})
        elif path.startswith("/_cluster/health/"):
            handler.answer(200, {"indices": {name: {"status": "green"} for name in indices}})
        elif path.endswith("/_field_caps"):
            handler.answer(200, {"indices": indices, "fields": {}})
        elif path.startswith("/_resolve/index/"):
            handler.answer(200, {"indices": [{"name": name, "attributes": ["open"]} for name in indices]})
        elif path.endswith("/_pit") and handler.command == "POST":
            handler.answer(200, {"id": self.points_in_time.open(stored), "_shards": shards})
        elif path == "/_pit":
            handler.answer(200, {"succeeded": self.points_in_time.close(json.loads(body)["id"])})
        elif path == "/_search":
            handler.answer(200, self.points_in_time.search(json.loads(body)))
        else:
            handler.answer(405, {"error": {"type": "no_handler", "reason": path}, "status": 405})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    stand_in: BulkServer

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_request(self) -> None:
        stand_in = self.server.stand_in
        path = self.path.partition("?")[0]
        if stand_in.deaf and path == "/_bulk":
            stand_in.deaf -= 1
            Exchange(stand_in, self, []).break_off()
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        stand_in.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if path in stand_in.unknown:
            self.answer(405, {"error": {"type": "no_handler", "reason": path}, "status": 405})
        elif stand_in.refused_credentials:
            stand_in.refused_credentials -= 1
            self.answer(
                401, {"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401}
            )
        elif path == "/_bulk":
            stand_in.bulk(self, body)
        elif fault := stand_in.trouble(path):
            fault(Exchange(stand_in, self, []))
        elif path.startswith("/_index_template/"):
            stand_in.template(self, path.rpartition("/")[2], body)
        elif path == "/_mget":
            stand_in.multi_get(self, body)
        elif path == "/_cluster/state/version":
            self.answer(200, {"cluster_uuid": stand_in.cluster})
        else:
            stand_in.question(self, path, body)

    do_GET = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815

    def answer(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        """Bytes go out as they are, a text as a page, all else as JSON."""
        data = b"" if content is None else content.encode() if isinstance(content, str) else content
        if not isinstance(data, bytes):
            data = orjson.dumps(data)
        self.send_response(status)
        self.send_header("content-type", "text/html" if isinstance(content, str) else "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def gone(self) -> bool:
        """Whether the client has closed the connection."""
        self.connection.setblocking(False)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def log_message(self, *args: Any) -> None:
        """Tests look at what was asked, not at a log."""


class _Nowhere:
    """Where the rest of an answer goes after the connection was broken off."""

    closed = False

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def _creations(body: bytes) -> list[Creation]:
    assert body.endswith(b"\n"), "a bulk request ends with a newline"
    lines = body.split(b"\n")[:-1]
    creations = []
    for head, document in zip(lines[::2], lines[1::2], strict=True):
        action = orjson.loads(head)["create"]
        orjson.loads(document)
        creations.append(Creation(action["_index"], action["_id"], document))
    return creations
