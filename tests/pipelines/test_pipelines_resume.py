"""Where reading stops and goes on must not show: pieces, resumed from what is recorded, give the same documents."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.sample_logs import HOST, SAMPLES, content, route

from shipper import resources
from shipper.hashes import chain_start, fingerprint
from shipper.parse.definition import load_pipeline, restore_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.parse.samples import run_samples
from shipper.read.framing import frame
from shipper.records import Event, Mark, Source
from shipper.settings import InputSettings

MODIFIED = 1_798_756_200.0
LOGS = [
    "tstat/versions/v2.4/2026_11_21_15_20.out/log_tcp_complete",
    "tstat/versions/v3.2.1/2026_11_21_15_20.out/log_udp_complete",
    "tstat/versions/v2.3/15_20_21_Nov_2026.out/log_tcp_complete",
    "tstat/versions/v3.1.0/2026_11_21_15_20.out/log_http_complete",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_dns_complete",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_chat_complete",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_chat_messages",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_video_complete",
    "tstat/made/v2.4/2026_11_21_15_20.out/log_streaming_complete",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_mm_complete",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_tcp_periodic",
    "tstat/made/v3.3.0/2026_11_21_15_20.out/log_udp_periodic",
    "gridftp/pst_all/gridftp-transfer.log",
    "gridftp/pst_all/gridftp.log",
    "gridftp/ng/gridftp.log",
    "gridftp/variants/gridftp-audit.log",
    "gridftp/variants/gridftp-usage.log",
    "gridftp/variants/gridftp-transfer-cut.log",
    "storm/storm-frontend-server.log",
    "storm/monitoring.log",
    "storm/storm-backend.log",
    "storm/heartbeat.log",
    "storm/storm-backend-metrics.log",
    "storm/bookkeeping.log",
    "storm/storm-webdav-server.log",
    "storm/storm-webdav-server-access.log",
    "storm/older/storm-info-provider.log",
    "tstat/versions/v3.2.1/stdout.txt",
]
NAMES = sorted(path.stem for path in resources.pipelines().glob("*.yml"))


def installed(name: str) -> Pipeline:
    return load_pipeline(name, InputSettings("logs", ("/l/log",), name, timezone="Europe/Rome"))


def bodies(pipeline: Pipeline, pieces: Sequence[Sequence[Event]], source: Source, marks: list[Mark]) -> list[bytes]:
    """The documents of events, each piece parsed by a new parser from the memory of the one before."""
    found: list[bytes] = []
    carry = None
    for piece in pieces:
        parsed = pipeline.parser(source, marks, carry).parse(piece, modified=MODIFIED, at_end=False)
        found += [document.body for document in parsed.documents]
        carry = parsed.carry
        marks = [*marks, *parsed.marks]
    return found


@pytest.mark.parametrize("name", LOGS)
def test_pieces_of_a_log_give_the_same_documents_as_the_whole(name: str) -> None:
    pipeline = installed(route(name))
    data = content(SAMPLES / name)
    source = Source(HOST, "logs", "/l/log", fingerprint(HOST, "logs", data[:100]))
    events = frame(data, 0, chain_start(HOST, "logs"), pipeline.framing, (), final=True).events
    marks = [pipeline.date_mark([data], path=source.path, modified=MODIFIED)] if pipeline.needs_date else []
    whole = bodies(pipeline, [events], source, marks)
    pieces = [events[at : at + 7] for at in range(0, len(events), 7)]
    assert bodies(pipeline, pieces, source, marks) == whole
    assert bodies(restore_pipeline(pipeline.definition), pieces, source, marks) == whole


def test_every_pipeline_is_among_the_logs() -> None:
    assert {route(name) for name in LOGS} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_of_every_pipeline_come_out_as_they_say(name: str) -> None:
    assert run_samples(installed(name)) == []
