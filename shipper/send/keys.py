"""Makes the API keys of agent, auditor, repairer and expirer, each with the least that its work needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.send.connection import Connection
from shipper.send.whole import decoded


def make_key(connection: Connection, request: Mapping[str, Any]) -> str:
    """A new key, encoded as `api_key_file` takes it. OutputError if the cluster makes none."""
    answer = connection.request("POST", "/_security/api_key", orjson.dumps(request))
    encoded = decoded(answer, f"the API key {request['name']}").get("encoded")
    if not isinstance(encoded, str):
        raise OutputError(f"Elasticsearch did not tell the API key {request['name']} that it was to make.")
    return encoded


def write_key(file: Path, key: str) -> None:
    """A new file that only its owner may read; FileExistsError where there is one already."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as secret:
        secret.write(key + "\n")
