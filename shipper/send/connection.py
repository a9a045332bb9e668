"""HTTP to a cluster through the official client's transport, with its surprises switched off.

The transport gives the pool of nodes, TLS and keep-alive. Ours are: no retries behind our back, bytes in and bytes out
(its NDJSON serializer would append a newline to a compressed body), plain media types that every version understands,
and a deadline for the whole request: the client's own is per socket operation, so a server that drips a byte a second
would hold a sender for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isal import igzip

from shipper.errors import ConfigurationError, OutputError, Problem
from shipper.send.bulk import CREDENTIALS
from shipper.send.credentials import Credentials, check_hosts
from shipper.settings import ElasticsearchSettings

if TYPE_CHECKING:
    from elastic_transport import TransportError
    from elasticsearch import Elasticsearch

_CONNECTION = re.compile(r"\w+\(host='(?P<host>[^']*)', port=(?P<port>[0-9]+)\): ")
"""How urllib3 names a connection."""

_AWAY = frozenset({502, 503, 504})
"""What a proxy answers while there is no cluster behind it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an HTTP status with its body, or status 0 and the reason why nothing whole came."""

    status: int
    body: bytes = b""
    failure: str = ""
    category: str = "unreachable"
    """Of the failure: what is to be put right."""


class Connection:
    """Requests to the cluster, one after another or from several threads."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self.hosts = check_hosts(settings)
        self._credentials = Credentials(settings)
        self._deadline = settings.deadline
        self._compress = settings.compress
        self._client = _client(settings, self.hosts)
        self.losses = 0
        """How often nothing whole came back, or a proxy spoke for the cluster: it may be another one afterwards."""

    def request(self, method: str, target: str, body: bytes = b"", *, media: str = "application/json") -> Answer:
        """Send one request, once. Blocks up to the deadline; a failure is an answer with status 0."""
        from elastic_transport import TransportError  # noqa: PLC0415  SQLite users do not pay for the client

        headers = {"accept": "application/json", "accept-encoding": "gzip"}
        if body:
            headers["content-type"] = media
            if self._compress:
                headers["content-encoding"] = "gzip"
                body = igzip.compress(body, 1)
        try:
            authorization = self._credentials.authorization()
        except OutputError as error:
            return Answer(0, failure=str(error), category=CREDENTIALS)
        if authorization:
            headers["authorization"] = authorization
        try:
            meta, content = self._client.transport.perform_request(
                method, target, body=body or None, headers=headers, max_retries=0, request_timeout=self._deadline
            )
        except TransportError as error:
            self.losses += 1
            return Answer(0, failure=_in_words(error))
        if meta.status in _AWAY:
            self.losses += 1
        if meta.status == 401:
            self._credentials.forget()
        return Answer(meta.status, content or b"")

    def close(self) -> None:
        """Close all sockets."""
        self._client.close()


def _in_words(error: TransportError) -> str:
    """What kept the request from being answered; host and port instead of the client's object for them."""
    message = _CONNECTION.sub(r"\g<host>:\g<port>: ", str(error.message))
    return f"{type(error).__name__}: {message}"


def _client(settings: ElasticsearchSettings, hosts: tuple[str, ...]) -> Elasticsearch:
    from elasticsearch import Elasticsearch  # noqa: PLC0415  SQLite users do not pay for the client

    from shipper.send.deadline import BytesSerializer, DeadlineNode  # noqa: PLC0415  as above

    as_they_are = BytesSerializer()
    tls: dict[str, Any] = {}
    if any(host.startswith("https:") for host in hosts):
        if settings.ca_certs is not None:
            tls["ca_certs"] = str(_existing(settings.ca_certs))
        if settings.ca_fingerprint is not None:
            tls["ssl_assert_fingerprint"] = settings.ca_fingerprint
    kinds: Mapping[str, BytesSerializer] = dict.fromkeys(
        ("application/json", "application/x-ndjson", "application/*", "text/*"), as_they_are
    )
    try:
        return Elasticsearch(
            list(hosts),
            node_class=DeadlineNode,
            serializers=kinds,
            connections_per_node=settings.senders + 2,
            randomize_nodes_in_pool=False,
            meta_header=False,
            **tls,
        )
    except ValueError as error:
        raise ConfigurationError([Problem(f"the connection cannot be set up: {error}", key="hosts")]) from error


def _existing(ca_certs: Path) -> Path:
    if not ca_certs.is_file():
        raise ConfigurationError([Problem(f"{ca_certs} does not exist", key="ca_certs")])
    return ca_certs
