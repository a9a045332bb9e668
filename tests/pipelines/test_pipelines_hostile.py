"""Log content is untrusted: lines that are made to keep an expression busy take no longer than others."""

from __future__ import annotations

import time

import pytest
from support.sample_logs import parse_lines

BACKEND = "00:25:22.107 - INFO [x] - "
FRONTEND = "11/30 14:43:35.735 Thread 7 -  INFO [?]: ns1 : "
SESSION = "[7101] Sat Nov 21 15:12:03 2026 :: "
RECORD = (
    "DATE=20261121231203.659366 HOST=vm PROG=g NL.EVNT=FTP_INFO START=20261121231203.659069 USER=anonymous "
    "FILE=/f BUFFER=1 BLOCK=1 NBYTES=9 VOLUME=/ STREAMS=1 STRIPES=1"
)
KEYS = " FILE=x BUFFER=1 BLOCK=1 NBYTES=9 VOLUME=/ STREAMS=1 STRIPES=1"
HOSTILE = [
    ("storm-backend", BACKEND + "srmRm: user <", "> Request for [token: x] for [SURL: ", "]"),
    ("storm-backend", BACKEND + "srmRm: user <a> Request for [SURL: [", "] ] [status: a: ", "x"),
    ("storm-backend", BACKEND + "srmRm: user <a> Request for [SURL: ", "] failed with: [status: A: ", "x"),
    ("storm-backend", BACKEND + "SURL ", " is expired. Requested by <", "x"),
    ("storm-backend", BACKEND + "x\n", "a.b: \n", "x"),
    ("storm-frontend", FRONTEND + "Request: a. IP: 1.1.1.1. Client DN: ", ". surl(s): . token: x. space token: ", "\n"),
    (
        "storm-frontend",
        FRONTEND + "Request 'a' from Client IP='1.1.1.1' Client DN='",
        "' # Requested token 'x' on '1'",
        "x",
    ),
    ("storm-frontend", "11/30 14:43:35.735 ", "x - ", " INF"),
    ("storm-metrics", "2026-11-22 00:25:22,085 - ea [", "] duration_units=m ", "!"),
    ("storm-monitoring", "12/31 23:50:00 : ", " x ", "y"),
    ("storm-heartbeat", "[2026-11-22 00:25:22,025]: ", " [#", "y"),
    ("gridftp-session", SESSION + "User ", " successfully authorized", "x"),
    ("gridftp-session", SESSION + 'Starting to transfer "', '". "', "x"),
    ("gridftp-session", SESSION + "Transfer failure: ", " \n ", "x y"),
    ("gridftp-session", SESSION + "Transfer stats: " + RECORD, KEYS, "x"),
    ("gridftp-transfer", RECORD, KEYS, "x"),
    ("gridftp-transfer", RECORD, " SHARE=1 SHAREE=2", "x"),
]
WARM_UP = "x"
LIMIT = 0.5
"""CPU seconds: many times what is needed, and far below what an expression takes that tries all combinations."""


@pytest.mark.parametrize(("pipeline", "begin", "repeated", "end"), HOSTILE)
def test_a_hostile_line_of_twenty_kilobytes_takes_no_time(pipeline: str, begin: str, repeated: str, end: str) -> None:
    line = begin + repeated * (20_000 // len(repeated)) + end
    parse_lines([WARM_UP], pipeline, timezone="UTC")
    started = time.process_time()
    log = parse_lines([line], pipeline, timezone="UTC")
    assert time.process_time() - started < LIMIT
    assert log.lines == line.count("\n") + 1
