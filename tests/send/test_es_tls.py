from __future__ import annotations

import io
import os
import shutil
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.bulk_faults import dripping_body
from support.bulk_server import BulkServer
from support.clock import VirtualClock
from support.es_documents import batch_of, documents

from shipper.errors import ConfigurationError
from shipper.events_log import EventsLog, text_writer
from shipper.records import OutcomeKind, Receipt
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.settings import ElasticsearchSettings

STORED, ALREADY, RETRY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED, OutcomeKind.RETRY
Certificate = tuple[Path, Path]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if not shutil.which("openssl"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "NOT TESTED with TLS: openssl is not installed"
        )
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files[1], "-out", files[0]],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


@pytest.fixture
def server(certificate: Certificate) -> Iterator[BulkServer]:
    with BulkServer(certificate) as running:
        yield running


def send(server: BulkServer, count: int = 3, **keys: Any) -> Receipt:
    settings = ElasticsearchSettings((server.url,), **{"deadline": 10.0, **keys})
    output = ElasticsearchOutput(settings, [], VirtualClock(), EventsLog(text_writer(io.StringIO())))
    try:
        return output.send(batch_of(documents(count)))
    finally:
        output.close()


def kinds(receipt: Receipt) -> Counter[OutcomeKind]:
    return Counter(outcome.kind for outcome in receipt.outcomes)


def fingerprint(certificate: Certificate) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert(certificate[0].read_text())).hexdigest()


def test_a_server_whose_authority_is_known_gets_the_documents_and_the_key(
    server: BulkServer, certificate: Certificate
) -> None:
    assert kinds(send(server, ca_certs=certificate[0], api_key="secret==")) == {STORED: 3}
    assert {headers["authorization"] for _, _, headers in server.requests} == {"ApiKey secret=="}


def test_a_server_can_be_known_by_its_fingerprint(server: BulkServer, certificate: Certificate) -> None:
    assert kinds(send(server, ca_fingerprint=fingerprint(certificate))) == {STORED: 3}


@pytest.mark.parametrize("keys", [{}, {"ca_fingerprint": "00" * 32}])
def test_a_server_that_is_not_trusted_gets_nothing(server: BulkServer, keys: dict[str, Any]) -> None:
    receipt = send(server, api_key="secret==", **keys)
    assert kinds(receipt) == {RETRY: 3}
    assert "TlsError" in receipt.outcomes[0].reason
    assert "secret" not in receipt.outcomes[0].reason
    assert server.requests == []


def test_the_deadline_holds_over_tls_as_well(server: BulkServer, certificate: Certificate) -> None:
    server.script.append(dripping_body)
    started = time.monotonic()
    assert kinds(send(server, ca_certs=certificate[0], deadline=0.5)) == {RETRY: 3}
    assert time.monotonic() - started < 5
    assert kinds(send(server, ca_certs=certificate[0])) == {ALREADY: 3}


def test_a_missing_file_of_authorities_is_an_error_that_names_it(server: BulkServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ca_certs: .*nowhere\.pem does not exist"):
        send(server, ca_certs=tmp_path / "nowhere.pem")
