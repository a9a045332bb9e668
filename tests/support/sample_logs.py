"""Sample log files, whole, through a pipeline: what the tests of the pipelines look at."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from shipper.hashes import chain_start, fingerprint
from shipper.parse.definition import load_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.read.framing import frame
from shipper.records import Filtered, Refusal, Source
from shipper.settings import InputSettings

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
HOST = "dtn01.example.org"
INPUT = "logs"
ROUTES = (
    ("tstat/*/log_tcp_*complete*", "tstat-tcp"),
    ("tstat/*/log_udp_complete*", "tstat-udp"),
    ("tstat/*/log_http_complete*", "tstat-http"),
    ("tstat/*/log_dns_complete*", "tstat-dns"),
    ("tstat/*/log_chat_complete*", "tstat-chat"),
    ("tstat/*/log_chat_messages*", "tstat-chat-messages"),
    ("tstat/*/log_video_complete*", "tstat-video"),
    ("tstat/*/log_mm_complete*", "tstat-mm"),
    ("tstat/*/log_streaming_complete*", "tstat-streaming"),
    ("tstat/*/log_tcp_periodic*", "tstat-tcp-periodic"),
    ("tstat/*/log_udp_periodic*", "tstat-udp-periodic"),
    ("gridftp/*/gridftp-transfer*.log", "gridftp-transfer"),
    ("gridftp/ng/gridftp.log", "gridftp-session-ng"),
    ("gridftp/variants/gridftp-session.log", "gridftp-session"),
    ("gridftp/variants/gridftp-audit.log", "gridftp-audit"),
    ("gridftp/variants/gridftp-usage.log", "gridftp-usage"),
    ("gridftp/conc_info/gridftp.log", "gridftp-session"),
    ("gridftp/pst_all/gridftp.log", "gridftp-session"),
    ("gridftp/gridftp-execfail.log", "gridftp-session"),
    ("storm/storm-frontend-server.log", "storm-frontend"),
    ("storm/monitoring.log", "storm-monitoring"),
    ("storm/storm-backend.log", "storm-backend"),
    ("storm/heartbeat.log", "storm-heartbeat"),
    ("storm/storm-backend-metrics.log", "storm-metrics"),
    ("storm/bookkeeping.log", "storm-bookkeeping"),
    ("storm/storm-webdav-server-access.log", "storm-webdav-access"),
    ("storm/storm-webdav-server.log", "storm-webdav-server"),
    ("storm/older/monitoring-*", "storm-monitoring"),
    ("storm/older/heartbeat-*", "storm-heartbeat"),
    ("storm/older/storm-frontend-*", "storm-frontend"),
    ("storm/older/storm-backend-metrics-*", "storm-metrics"),
    ("storm/older/storm-backend-*", "storm-backend"),
    ("storm/older/storm-webdav-server-access-*", "storm-webdav-access"),
    ("storm/older/storm-webdav-server-*", "storm-webdav-server"),
    ("storm/older/storm-info-provider.log", "storm-info-provider"),
    ("*", "raw"),
)
"""The first pattern that matches a sample's path names its pipeline."""

FILES = sorted(
    str(path.relative_to(SAMPLES))
    for path in SAMPLES.rglob("*")
    if path.is_file() and path.name not in ("README.md", ".gitattributes")
)


@dataclass(frozen=True)
class ParsedLog:
    """What a pipeline made of a log."""

    documents: list[dict[str, Any]]
    filtered: list[Filtered]
    refused: list[Refusal]
    unparsed: int
    notices: list[str]
    """Fields that the pipeline does not declare."""

    @property
    def lines(self) -> int:
        """Lines that became something."""
        shipped = sum(document["shipper"]["lines"] for document in self.documents)
        return shipped + sum(f.tally.lines for f in self.filtered) + sum(r.document.tally.lines for r in self.refused)

    def filtered_lines(self, rule: str) -> int:
        """Lines that a rule kept from being shipped."""
        return sum(f.tally.lines for f in self.filtered if f.rule == rule)

    def with_text(self, text: str) -> list[dict[str, Any]]:
        """The documents whose message holds a text."""
        return [document for document in self.documents if text in document["message"]]

    def one_with_text(self, text: str) -> dict[str, Any]:
        """The only document whose message holds a text."""
        (document,) = self.with_text(text)
        return document


def content(path: Path) -> bytes:
    """The uncompressed bytes of a log."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def line_count(data: bytes) -> int:
    """As `wc -l`, plus an unterminated last line."""
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def route(name: str) -> str:
    """The pipeline of a sample."""
    return next(pipeline for pattern, pipeline in ROUTES if fnmatch(name, pattern))


def parse_routed(name: str) -> ParsedLog:
    """A sample through its pipeline; the times of logs without zone are taken as Roman, of the turn of the year."""
    return parse_sample(name, route(name), timezone="Europe/Rome", modified=1_798_756_200.0)


def parse_sample(name: str, pipeline: str, *, timezone: str | None = None, modified: float = 0.0) -> ParsedLog:
    """A file of tests/samples through an installed pipeline, as a file that can grow no more."""
    path = SAMPLES / name
    return parse_bytes(content(path), pipeline, path=str(path), timezone=timezone, modified=modified)


def parse_lines(
    lines: Sequence[str], pipeline: str, *, timezone: str | None = None, modified: float = 0.0, path: str = "/l/log"
) -> ParsedLog:
    """Lines of text through an installed pipeline."""
    data = "".join(f"{line}\n" for line in lines).encode()
    return parse_bytes(data, pipeline, path=path, timezone=timezone, modified=modified)


def parse_bytes(
    data: bytes, pipeline: str, *, path: str, timezone: str | None = None, modified: float = 0.0
) -> ParsedLog:
    """A whole file's content through an installed pipeline."""
    loaded = _installed(pipeline, timezone)
    source = Source(HOST, INPUT, path, fingerprint(HOST, INPUT, data))
    events = frame(data, 0, chain_start(HOST, INPUT), loaded.framing, (), final=True).events
    marks = [loaded.date_mark([data], path=path, modified=modified)] if loaded.needs_date else []
    parsed = loaded.parser(source, marks, None).parse(events, modified=modified, at_end=True)
    documents = [json.loads(document.body) for document in parsed.documents]
    return ParsedLog(documents, parsed.filtered, parsed.refused, parsed.unparsed, parsed.notices)


@cache
def _installed(pipeline: str, timezone: str | None) -> Pipeline:
    return load_pipeline(pipeline, InputSettings(INPUT, ("/l/log",), pipeline, timezone=timezone))
