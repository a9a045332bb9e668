"""Real logs, parsed at once or with a new parser every few events: the same documents, byte for byte."""

import random
from pathlib import Path

import pytest
from support.pipeline_lab import HOST

from shipper.hashes import chain_start
from shipper.parse.definition import load_pipeline
from shipper.read.framing import frame
from shipper.records import Source
from shipper.settings import InputSettings

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
MODIFIED = 1_795_302_960.0
"""2026-11-21 23:16:00 UTC."""


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("gridftp-session", "gridftp/pst_all/gridftp.log"),
        ("gridftp-transfer", "gridftp/ng/gridftp-transfer.log"),
        ("storm-backend", "storm/storm-backend.log"),
        ("storm-frontend", "storm/storm-frontend-server.log"),
        ("storm-monitoring", "storm/monitoring.log"),
        ("tstat-tcp", "tstat/killed_truncated/2026_11_21_23_21.out/log_tcp_complete"),
        ("raw", "storm/storm-webdav-server.log"),
    ],
)
def test_restarts_change_no_byte(name, log):
    pipeline = load_pipeline(name, InputSettings("i", ("/x",), name, timezone="Europe/Rome"))
    data = (SAMPLES / log).read_bytes()
    events = frame(data, 0, chain_start(HOST, "i"), pipeline.framing, (), final=True).events
    marks = [pipeline.date_mark([data], path=log, modified=MODIFIED)] if pipeline.needs_date else []
    source = Source(HOST, "i", f"/var/log/{log}", "0" * 16)
    whole = pipeline.parser(source, marks, None).parse(events, modified=MODIFIED, at_end=True)
    steps = random.Random(3)
    carry, position = None, 0
    documents, filtered, refused = [], [], []
    while position < len(events):
        end = position + steps.randint(1, 60)
        parser = pipeline.parser(source, marks, carry)
        parsed = parser.parse(events[position:end], modified=MODIFIED, at_end=end >= len(events))
        assert parsed.marks == []
        documents += parsed.documents
        filtered += parsed.filtered
        refused += parsed.refused
        carry, position = parsed.carry, end
    assert documents == whole.documents
    assert filtered == whole.filtered
    assert refused == whole.refused
    assert len(documents) + len(filtered) + len(refused) == len(events)
