"""A sink that answers like a cluster that stores every document: prints its URL, then serves until it is killed.

It knows just what an agent asks before and while it ships; documents are counted and forgotten.
"""

from __future__ import annotations

import gzip
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


class Sink(BaseHTTPRequestHandler):
    """Says 201 for each document; keeps templates, so that the agent finds its own again."""

    protocol_version = "HTTP/1.1"
    templates: ClassVar[dict[str, object]] = {}

    def handle_any(self) -> None:
        """Answer whatever the method."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        status, answer = self.answer(self.path.partition("?")[0], body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_HEAD = handle_any  # noqa: N815  the names that the base class looks for

    def answer(self, path: str, body: bytes) -> tuple[int, object]:
        """The status and JSON for a request."""
        if path == "/_bulk":
            stored = {"create": {"status": 201}}
            return 200, {"errors": False, "items": [stored] * (body.count(b"\n") // 2)}
        template = re.fullmatch(r"/_index_template/(.+)", path)
        if template and self.command == "PUT":
            self.templates[template[1]] = json.loads(body)
            return 200, {"acknowledged": True}
        if template:
            found = self.templates.get(template[1])
            listed = [{"name": template[1], "index_template": found}] if found else []
            return (200 if found else 404), {"index_templates": listed}
        return 200, {"cluster_uuid": "bench", "cluster_name": "bench", "version": {"number": "9.0.0"}}

    def log_message(self, *_: object) -> None:
        """Nothing: requests are not worth a line."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
