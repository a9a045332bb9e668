"""Indices as documents: a cluster, an index of ours in SQLite, or JSON documents that were exported from one."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shipper.correlate.entries import Entry
from shipper.errors import OutputError, SourceError, UsageError
from shipper.send.connection import Connection
from shipper.send.foreign import ForeignIndex
from shipper.send.sqlite_file import connect_to_read
from shipper.settings import ElasticsearchSettings

_SQLITE = b"SQLite format 3\0"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to ask a cluster. Credentials are never shown."""

    api_key_file: Path | None = None
    ca_certs: Path | None = None
    deadline: float = 60.0
    """Seconds that one request may take."""


def is_index(word: str) -> bool:
    """Whether it names an index and not a log: a URL, a SQLite file, or a file whose name says that it holds JSON."""
    if "://" in word:
        return True
    path = Path(word)
    if {".json", ".ndjson", ".jsonl"} & set(path.suffixes):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == _SQLITE


def documents(index: str, access: Access, dataset: str | None = None) -> Iterator[Entry]:
    """Every document of an index: `https://host:9200/INDEX`, or the path of a SQLite file or of JSON documents.

    `dataset` limits an index of ours in SQLite, which holds those of all logs. Raises UsageError for what is no index,
    OutputError for an answer and SourceError for a file that is not whole.
    """
    if "://" in index:
        return _of_cluster(index, access)
    path = Path(index)
    if not path.is_file():
        raise UsageError(f"{index}: there is no such file. An index of a cluster is written https://HOST:9200/INDEX.")
    with path.open("rb") as file:
        start = file.read(16)
    if start == _SQLITE:
        return _of_sqlite(path, dataset)
    return _of_json(path, compressed=start.startswith(_GZIP))


def _of_cluster(index: str, access: Access) -> Iterator[Entry]:
    scheme, _, rest = index.partition("://")
    address, _, pattern = rest.rstrip("/").partition("/")
    if not pattern or "/" in pattern:
        raise UsageError(f"{index}: the name of an index must follow the host: https://HOST:9200/INDEX.")
    settings = ElasticsearchSettings(
        (f"{scheme}://{address}",),
        api_key_file=access.api_key_file,
        ca_certs=access.ca_certs,
        deadline=access.deadline,
        senders=1,
    )
    with closing(Connection(settings)) as connection:
        for place, name, source in ForeignIndex(connection, pattern).documents():
            yield Entry(name, place, source)


def _of_sqlite(path: Path, dataset: str | None) -> Iterator[Entry]:
    query = "SELECT id, dataset, document FROM documents WHERE ?1 IS NULL OR dataset = ?1"
    try:
        with closing(connect_to_read(path)) as database:
            for name, place, body in database.execute(query, (dataset,)):
                yield Entry(name, place, orjson.loads(body))
    except sqlite3.Error as error:
        raise OutputError(f"{path}: the index did not answer: {error}") from error


def _of_json(path: Path, *, compressed: bool) -> Iterator[Entry]:
    try:
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            if file.peek(1)[:1] == b"[":
                for number, document in enumerate(_objects(orjson.loads(file.read()), path)):
                    yield _entry(document, path, number)
                return
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _entry(_object(line, path, number), path, number)
    except (EOFError, gzip.BadGzipFile, orjson.JSONDecodeError) as error:
        raise SourceError(f"{path} cannot be read to its end: {error}") from error


def _objects(content: Any, path: Path) -> list[dict[str, Any]]:
    if not all(isinstance(document, dict) for document in content):
        raise SourceError(f"{path}: what it lists are not all JSON objects.")
    return list(content)


def _object(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise SourceError(f"{path}:{number}: no JSON document: {error}") from error
    if not isinstance(content, dict):
        raise SourceError(f"{path}:{number}: no JSON object.")
    return content


def _entry(document: Mapping[str, Any], path: Path, number: int) -> Entry:
    """A document as it is, or in the envelope in which clusters give it out."""
    source = document.get("_source")
    if isinstance(source, dict):
        return Entry(str(document.get("_id", number)), str(document.get("_index", path)), source)
    return Entry(str(document.get("_id", number)), str(path), document)
