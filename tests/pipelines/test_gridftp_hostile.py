"""Lines that are made to keep the expressions of GridFTP's logs busy take no longer than others."""

from __future__ import annotations

import time

import pytest
from support.gridftp_records import record
from support.sample_logs import parse_lines

RECORD = record(b"/f").decode()
HEAD = RECORD[: RECORD.index(" USER=")]
TAIL = " FILE=x BUFFER=1 BLOCK=1 NBYTES=9 VOLUME=/ STREAMS=1 STRIPES=1"
SESSION = "[7101] Sat Nov 21 15:12:03 2026 :: "
NG = "ts=2026-11-21T23:13:05.053776Z id=29749 event=globus-gridftp-server.transfer.end "
NG_TAIL = " tcpbuffer=1 blocksize=2 bytes=3 streams=4 stripes=5 remoteIP=6 type=RETR taskid=a"
AUDIT = "t=S ts=2024-03-05T08:15:53Z "
USAGE = "HOSTNAME=g START=20110412101459.000550 END=20110412101501.002102"
BEGINNINGS = [
    ("gridftp-transfer", f"{HEAD} USER="),
    ("gridftp-transfer", f"{HEAD} USER=a FILE="),
    ("gridftp-transfer", f"{RECORD} "),
    ("gridftp-transfer", "Aug  7 14:31:21 se g[1]: Transfer stats: "),
    ("gridftp-session", f"{SESSION}Transfer stats: {HEAD} USER=a FILE="),
    ("gridftp-session", f"{SESSION}h:1: [SERVER]: 500 "),
    ("gridftp-session", f"{SESSION}x:\nglobus_"),
    ("gridftp-session", f"{SESSION}DN "),
    ("gridftp-session-ng", f"{NG}localuser="),
    ("gridftp-session-ng", f"{NG}localuser=a file="),
    ("gridftp-session-ng", f'{NG}file="'),
    ("gridftp-session-ng", f'{NG}user=a DN="'),
    ("gridftp-session-ng", f'{NG}sender=server msg="500 '),
    ("gridftp-audit", f'{AUDIT}s_path="'),
    ("gridftp-usage", f"{USAGE} FILE="),
    ("gridftp-usage", f"{USAGE} USERDN="),
]
REPEATED = ["a", " ", '"', " A=b", TAIL, " SHARE=1 SHAREE=2 FILE=x", f" x{RECORD}", '" msg="', ' DN="', NG_TAIL]
LIMIT = 1.0
"""CPU seconds for all of them: many times what is needed, and less than trying all combinations takes for one."""


@pytest.mark.parametrize(("pipeline", "begin"), BEGINNINGS)
def test_hostile_lines_of_twenty_kilobytes_take_no_time(pipeline: str, begin: str) -> None:
    lines = [f"{begin}{text * (20_000 // len(text))}{end}" for text in REPEATED for end in ("", "x")]
    parse_lines(["x"], pipeline, timezone="UTC")
    started = time.process_time()
    log = parse_lines(lines, pipeline, timezone="UTC")
    assert time.process_time() - started < LIMIT
    assert log.lines == "\n".join(lines).count("\n") + 1
