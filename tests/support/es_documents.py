"""Documents as parsing makes them, for tests of the outputs."""

from __future__ import annotations

from typing import Any

import orjson

from shipper.hashes import chain_start, chains, document_ids, fingerprint, line_tallies
from shipper.records import Batch, Document, Source

HOST = "dtn01.example.org"
INPUT = "gridftp"
PATH = "/var/log/gridftp-transfer.log"
DATASET = "gridftp.transfer"


def documents(
    count: int, *, seed: str = "file", host: str = HOST, index: str = f"{DATASET}-default-2026.11", padding: int = 0
) -> list[Document]:
    """The documents of the lines of one file; another seed is another file."""
    lines = [f"{seed} line {number} {'x' * padding}\n".encode() for number in range(count)]
    mark = fingerprint(host, INPUT, lines[0][:32])
    source = Source(host, INPUT, PATH, mark)
    offsets, offset = [], 0
    for line in lines:
        offsets.append(offset)
        offset += len(line)
    chain = chains(lines, chain_start(host, INPUT))
    ids = document_ids(mark, zip(offsets, chain, strict=True))
    tallies = line_tallies(lines)
    return [
        Document(
            id=name,
            source=source,
            dataset=index.partition("-")[0],
            index=index,
            timestamp=0,
            offset=at,
            tally=tally,
            pipeline="0123456789abcdef",
            body=body_of(source, at, tally, line, {"gridftp": {"nbytes": number}}, dataset=index.partition("-")[0]),
        )
        for number, (name, at, tally, line) in enumerate(zip(ids, offsets, tallies, lines, strict=True))
    ]


def body_of(source: Source, offset: int, tally: Any, line: bytes, fields: dict[str, Any], dataset: str) -> bytes:
    """The JSON of a document with the fields that every document has, and some of its own."""
    content = {
        "@timestamp": "2026-11-22T01:02:03.000000004Z",
        "message": line.decode().rstrip("\n"),
        "host": {"name": source.host},
        "event": {"dataset": dataset},
        "log": {"offset": offset, "file": {"path": source.path, "fingerprint": source.fingerprint}},
        "shipper": {"input": source.input, **tally._asdict(), "pipeline": "0123456789abcdef"},
        "tags": ["one", "two"],
        **fields,
    }
    return orjson.dumps(content)


def with_fields(document: Document, **fields: Any) -> Document:
    """The same document with other top-level fields in its JSON."""
    content = {**orjson.loads(document.body), **fields}
    return Document(
        document.id, document.source, document.dataset, document.index, document.timestamp, document.offset,
        document.tally, document.pipeline, orjson.dumps(content),
    )  # fmt: skip


def batch_of(some: list[Document], attempt: int = 0) -> Batch:
    """One batch of all of them."""
    return Batch(1, some, sum(len(document.body) for document in some), attempt)
