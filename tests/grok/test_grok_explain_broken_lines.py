"""Real lines, each broken in one place: `explain` names the piece that a person would name."""

from pathlib import Path

import pytest

from shipper import resources
from shipper.grok import Library

LIBRARY = Library.load([resources.patterns()], glob="*.grok").with_definitions(
    {
        # The beginning of tstat's log_tcp_complete, as one would write it by hand.
        "TSTAT_SIDE": r"%{IP:ip} %{POSINT:port:int} %{INT:pkts:int} %{INT:rst:int}",
        "TSTAT_HEAD": r"^%{TSTAT_SIDE} %{INT:ack:int} %{INT:pure_ack:int} %{INT:bytes:int}(?: %{NOTSPACE})*$",
    }
)
APACHE = '192.0.2.1 - bob [22/Nov/2026:00:00:01 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8"'
TSTAT = "192.0.2.1 443 120 0 118 3 4096 rest of it"
GRIDFTP = (
    "DATE=20261121231305.060376 HOST=vm PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=20261121231305.058929 "
    "USER=anonymous FILE=/srv/gf/data/up BUFFER=3939840 BLOCK=262144 NBYTES=134028 VOLUME=/ STREAMS=1 STRIPES=1 "
    "DEST=[127.0.0.1] TYPE=STOR CODE=226"
)
PULSE = (
    "[#.....1 lifetime=1:10.10] Heap Free:471989274 SYNCH [118] ASynch [PTG:11 PTP:17] "
    "Last:( [#PTG=11 OK=10 M.Dur.=93] [#PTP=17 OK=17 M.Dur.=184] )"
)
BACKEND = "00:25:22.114 - INFO [xmlrpc-129] - srmPing: Request successfully done with: [status: SRM_SUCCESS: ]"
SYSLOG = "Nov 22 12:01:59 dtn01 sshd[42]: Accepted"

COMBINED, TRANSFER, HEARTBEAT = "^%{COMBINEDAPACHELOG}$", "%{GRIDFTP_TRANSFER}", "%{STORM_HEARTBEAT_PULSE}"
SYSLOGLINE = r"^%{SYSLOGTIMESTAMP:timestamp} %{SYSLOGHOST:host} %{SYSLOGPROG}: %{GREEDYDATA:message}"


@pytest.mark.parametrize(
    ("pattern", "line", "right", "wrong", "piece", "instead"),
    [
        (COMBINED, APACHE, "Nov", "Nxv", "%{MONTH}", "Nxv/"),
        (COMBINED, APACHE, "00:00:01", "00:00", "(?::%{SECOND})", " +0000"),
        (COMBINED, APACHE, '" 200 ', '" abc ', "%{NUMBER:response}", "abc "),
        (COMBINED, APACHE, ' "curl/8"', "", " ", ""),
        (COMBINED, APACHE, "bob [", "bob x [", r" \[", " x ["),
        ("%{TSTAT_HEAD}", TSTAT, "192.0.2.1", "192.0.2", "%{IP:ip}", "192.0.2 "),
        ("%{TSTAT_HEAD}", TSTAT, "443", "https", "%{POSINT:port:int}", "https "),
        ("%{TSTAT_HEAD}", TSTAT, " 118 3", " - 3", "%{INT:ack:int}", "- 3"),
        (TRANSFER, GRIDFTP, "HOST=vm", "HOST=", r"(?<gridftp.host>\S+)", " PROG="),
        (TRANSFER, GRIDFTP, "NBYTES=134028", "NBYTES=13x", " VOLUME=", "x VOLUME"),
        (TRANSFER, GRIDFTP, "START=2026", "START=X", "%{GRIDFTP_STAMP:gridftp.start}", "X1121"),
        (TRANSFER, GRIDFTP, "DEST=[", "DEST=", r" DEST=\[", " DEST=127.0.0.1]"),
        (TRANSFER, GRIDFTP, "STREAMS=1", "STREAMS=one", r"(?<gridftp.streams>\d+)", "one STRIPES"),
        (TRANSFER, GRIDFTP, "BLOCK=", "BLOK=", " BLOCK=", " BLOK=262144"),
        (TRANSFER, GRIDFTP, "NBYTES=134028", "NBYTES=", "%{GRIDFTP_NBYTES}", " VOLUME="),
        (TRANSFER, GRIDFTP, "CODE=226", "CODE=226 retrans=x", r"(?<gridftp.retrans>[\d,]+)", "x"),
        (HEARTBEAT, PULSE, "lifetime=1:10.10", "lifetime=1:10:10", r"\.", ":10]"),
        (HEARTBEAT, PULSE, "[118]", "[]", r"(?<[storm][synch]>\d+)", "] ASynch"),
        (HEARTBEAT, PULSE, "OK=10", "OK=", r"(?<[storm][last][ptg_ok]>\d+)", " M.Dur"),
        ("%{STORM_BACKEND}", BACKEND, " - INFO", " INFO", " -", " INFO"),
        ("%{STORM_BACKEND}", BACKEND, "00:25:22.114", "00:25:22,114", r"\.", ",114"),
        ("%{STORM_BACKEND}", BACKEND, "INFO", "info", "(?<[log][level]>[A-Z]+)", "info ["),
        (SYSLOGLINE, SYSLOG, "Nov 22", "Nov 32", "%{MONTHDAY}", "2 "),
        (SYSLOGLINE, SYSLOG, "12:01:59", "12:71:59", "%{MINUTE}", "71:59"),
        (SYSLOGLINE, SYSLOG, "sshd[42]:", "sshd[x]:", "%{POSINT:pid}", "x]:"),
    ],
)
def test_the_piece_that_a_person_would_name_is_named(pattern, line, right, wrong, piece, instead):
    grok = LIBRARY.compile(pattern)
    assert grok.match(line) is not None
    broken = line.replace(right, wrong, 1)
    assert broken != line
    explained = grok.explain(broken)
    assert piece in {explained.failing, explained.suspect}
    assert explained.found.startswith(instead)


@pytest.mark.parametrize(
    ("right", "wrong", "suspect", "there"),
    [("NBYTES=134028", "NBYTES=13x", "%{GRIDFTP_NBYTES}", "x VOLUME"), ("DEST=[", "DEST=", None, "127.0.0.1]")],
)
def test_the_first_wrong_character_is_found_and_a_piece_that_ends_within_a_word_is_suspected(
    right, wrong, suspect, there
):
    broken = GRIDFTP.replace(right, wrong)
    explained = LIBRARY.compile(TRANSFER).explain(broken)
    assert (explained.suspect, broken[explained.place :][: len(there)]) == (suspect, there)


def test_an_expression_with_all_alternatives_of_a_pipeline_is_explained_best_first(capsys):
    from shipper.cli import execute

    line = (Path(__file__).parents[1] / "samples" / "storm" / "heartbeat.log").read_text().splitlines()[0]
    assert execute(["grok", "explain", "--pipeline", "storm-heartbeat", line.replace("]:", "];")]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "pattern    %{STORM_HEARTBEAT}"
    assert out[1].index("];") + 1 == out[2].index("^")
