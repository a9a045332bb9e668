"""StoRM's lines that are made to keep an expression busy take no longer than others."""

from __future__ import annotations

import time

import pytest
from support.sample_logs import parse_lines

FRONTEND = "11/30 14:43:35.735 Thread 7 -  INFO [?]: "
ASKED = FRONTEND + "ns1 : Request: Ls. IP: 1.1.1.1. Client DN: "
BACKEND = "00:25:22.107 - INFO [x] - "
SERVER = "2026-10-25T00:00:04.002Z [1]   INFO 3 --- [t] o.i.T      : "
ACCESS = '::1 8085 "a" 2026-10-25T00:00:29.126Z "-" "GET '
BOOKKEEPING = "[2026-11-22 00:25:22,112]: "
METRIC = "2026-11-22 00:25:22,085 - ea "
HOSTILE = [
    ("storm-frontend", ASKED, "/a", "/Role"),
    ("storm-frontend", ASKED, "/a/Role=", "x"),
    ("storm-frontend", ASKED + "a. surl(s): srm://h/dteam/x ", "srm://h/dteam/x ", "srm://h/atlas/x"),
    ("storm-frontend", ASKED + "a. surl(s): ", "srm://", "h"),
    ("storm-frontend", ASKED + "a. surl(s): ", "srm://h//srm/managerv2?SFN=//", "h"),
    ("storm-frontend", ASKED + "a. from_surl: ", " to_surl: srm://a/b/", ". token: "),
    ("storm-frontend", FRONTEND + "main : ", "Password", "="),
    ("storm-frontend", FRONTEND + "Request: ", "a. IP: ", "x"),
    ("storm-backend", BACKEND + "srmRm: <", "a> Request for [token:x] for [SURL:[", "]"),
    ("storm-backend", BACKEND + "srmRm: user <a> Request for [SURL: [", "] with: [status: a", "]"),
    ("storm-backend", BACKEND + "srmRm: <a> operation for token [token:x] on [SURL: ", "] with [lifetime:1] ", "]"),
    ("storm-backend", BACKEND + "x\n", "a.b.c.d.", "\n\tat x"),
    ("storm-backend", BACKEND + "x\na.b: x\n", "c.d: \n", "x"),
    ("storm-backend", BACKEND + "x\n\tat y\n", "a.b: y\n", "x"),
    ("storm-backend", BACKEND + "x\n", "   \n", "x"),
    ("storm-bookkeeping", BOOKKEEPING, "\tRM\tX\t-OK-", "x"),
    ("storm-bookkeeping", BOOKKEEPING + "a\tRM\tX\t-OK-\t", "\t10:11:12,013\t5", "x"),
    ("storm-metrics", METRIC, "[(m1_count ", "]"),
    ("storm-metrics", METRIC + "[", "a=1, ", "x]"),
    ("storm-metrics", METRIC + "[a=1]", " rate_units=x ", "!"),
    ("storm-webdav-server", SERVER + "Pull third-party transfer completed: ERROR : ", ". Source: https://a, ", "x"),
    ("storm-webdav-server", SERVER + "Push third-party transfer completed: DONE. Source: ", ", Destination: a", " "),
    (
        "storm-webdav-server",
        SERVER + "Pull third-party transfer completed: DONE. Source: a, Destination: ",
        ", Bytes transferred: 1, Duration (msec): 2, Throughput: ",
        "x",
    ),
    ("storm-webdav-server", "2026-10-25T00:00:04.002Z [1] ", "INFO 1 --- ", "[x"),
    ("storm-webdav-server", SERVER + "Heap[usage=1, used=", "] Requests[", "x"),
    ("storm-webdav-server", SERVER, "://aaaa:b", "x"),
    ("storm-webdav-access", ACCESS, '/a?" 200 5 ', "x"),
    ("storm-webdav-access", ACCESS, " HTTP/1.1", '" 200 5 '),
    ("storm-webdav-access", "::1 - ", "a b ", '01/Feb/2019:14:22:01 +0100 "x'),
    ("storm-webdav-access", '::1 8085 "', '" 2026-10-25T00:00:29.126Z "-', "x"),
    (
        "storm-info-provider",
        "2014-09-04 10:40:34,271 root : INFO x\n",
        "Traceback (most recent call last):\n  x\n",
        "!",
    ),
    ("storm-info-provider", "2014-09-04 10:40:34,271 root : INFO x", " ", "x"),
    ("storm-frontend", FRONTEND + "x", " ", "x"),
    ("storm-frontend", FRONTEND + "x", " TRUNCATED ", "x"),
    ("storm-backend", BACKEND + "x", " ", "x"),
    ("storm-monitoring", "12/31 23:50:00 : x", " ", "x"),
    ("storm-heartbeat", "[2026-11-22 00:25:22,025]: x", " ", "x"),
    ("storm-webdav-server", SERVER + "x", " ", "x"),
    ("storm-webdav-server", "2026-10-25T00:00:04.002Z [1] x", " ", "x"),
    ("storm-webdav-server", "2026-10-25T00:00:04.002Z [1] x", " INFO 3 ", "x"),
]
LIMIT = 1.0
"""CPU seconds: many times what is needed, and far below what an expression takes that tries all combinations."""


@pytest.mark.parametrize(("pipeline", "begin", "repeated", "end"), HOSTILE)
def test_a_hostile_line_of_storm_takes_no_time(pipeline: str, begin: str, repeated: str, end: str) -> None:
    text = begin + repeated * (20_000 // len(repeated)) + end
    parse_lines(["x"], pipeline, timezone="UTC")
    started = time.process_time()
    log = parse_lines(text.split("\n"), pipeline, timezone="UTC")
    assert time.process_time() - started < LIMIT
    assert log.lines == text.count("\n") + 1
    assert not any("_groktimeout" in document["tags"] for document in log.documents)
