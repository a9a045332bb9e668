"""Lines per CPU second of our grok engine and of pygrok's, on the same lines in the same run, as a table.

    python bench/grok.py [--lines 20000] [--seconds 1.0] [--json]

Both get the same definitions and make dicts of fields. Apache: the stock %{COMBINEDAPACHELOG}. GridFTP and StoRM: the
formats in the stock vocabulary, for pygrok knows neither nested names nor Oniguruma's syntax, and also (`own`) the
patterns that come with shipper. `fails` is the same expression on lines that are wrong in one place: without an anchor,
both engines try every character of them. `ours anchored` is what `shipper grok lint` asks for (a ^ before the stock
expression), against the stock expression as pygrok's users write it: there the expressions differ. The engines take
turns, the best turn of each counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import pygrok

from shipper import resources
from shipper.grok import Library

TURNS = 3
GRIDFTP = (
    "^DATE=%{NUMBER:date} HOST=%{NOTSPACE:host} PROG=%{NOTSPACE:prog} NL.EVNT=%{WORD:event} START=%{NUMBER:start} "
    "USER=%{NOTSPACE:user} FILE=%{DATA:file} BUFFER=%{INT:buffer} BLOCK=%{INT:block} NBYTES=%{INT:nbytes} "
    "VOLUME=%{NOTSPACE:volume} STREAMS=%{INT:streams} STRIPES=%{INT:stripes} DEST=\\[%{IP:dest}\\] TYPE=%{WORD:type} "
    "CODE=%{INT:code}"
)
HEARTBEAT = (
    "\\[#\\.*%{INT:pulse} lifetime=%{NOTSPACE:lifetime}\\] Heap Free:%{INT:heap_free} SYNCH \\[%{INT:synch}\\] ASynch "
    "\\[PTG:%{INT:ptg} PTP:%{INT:ptp}\\] Last:\\( "
    "\\[#PTG=%{INT:last_ptg} OK=%{INT:ptg_ok} M.Dur.=%{INT:ptg_duration}\\] "
    "\\[#PTP=%{INT:last_ptp} OK=%{INT:ptp_ok} M.Dur.=%{INT:ptp_duration}\\] \\)"
)


@dataclass(frozen=True)
class Work:
    """An expression, the lines it is tried on, and how many times pygrok's speed is the goal."""

    name: str
    theirs: str
    ours: str
    lines: list[str]
    goal: float
    matches: bool = True


@dataclass(frozen=True)
class Row:
    """One row of the table; lines per CPU second."""

    work: str
    shipper: int
    pygrok: int
    times: float
    goal: float


def apache(number: int) -> str:
    """A line of a combined access log."""
    return (
        f"198.51.100.{number % 256} - user{number % 97} [22/Nov/2026:10:{number % 60:02d}:00 +0000] "
        f'"GET /data/run{number}/file.root?part={number % 7} HTTP/1.1" 200 {number * 17} '
        '"https://example.org/" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"'
    )


def gridftp(number: int) -> str:
    """A record of a GridFTP transfer log."""
    return (
        f"DATE=20261122100000.{number % 10**6:06d} HOST=dtn01.example.org PROG=globus-gridftp-server NL.EVNT=FTP_INFO "
        f"START=20261122095959.000000 USER=alice FILE=/data/run{number}/file.root BUFFER=131072 BLOCK=262144 "
        f"NBYTES={number} VOLUME=/ STREAMS=4 STRIPES=1 DEST=[192.0.2.{number % 256}] TYPE=RETR CODE=226"
    )


def heartbeat(number: int) -> str:
    """A pulse of StoRM's heartbeat log, as its pipeline's second step sees it."""
    return (
        f"[#.....{number} lifetime=1:10.10] Heap Free:{471989274 - number} SYNCH [118] ASynch [PTG:{number} PTP:17] "
        "Last:( [#PTG=11 OK=10 M.Dur.=93] [#PTP=17 OK=17 M.Dur.=184] )"
    )


def works(count: int) -> list[Work]:
    """Matching and failing lines of each format."""
    lines = {make: [make(number) for number in range(count)] for make in (apache, gridftp, heartbeat)}
    stock = "%{COMBINEDAPACHELOG}"
    found = [
        Work("Apache combined", stock, stock, lines[apache], 3),
        Work("GridFTP transfer", GRIDFTP, GRIDFTP, lines[gridftp], 2),
        Work("GridFTP transfer, own", GRIDFTP, "%{GRIDFTP_TRANSFER}", lines[gridftp], 2),
        Work("StoRM heartbeat", HEARTBEAT, HEARTBEAT, lines[heartbeat], 2),
        Work("StoRM heartbeat, own", HEARTBEAT, "%{STORM_HEARTBEAT_PULSE}", lines[heartbeat], 2),
    ]
    damage = {"Apache": (" 200 ", " abc "), "GridFT": ("STREAMS=4", "STREAMS=x"), "StoRM ": ("OK=10", "OK=x")}
    fails = [failing(work, *damage[work.name[:6]]) for work in found]
    return [*found, *fails, replace(fails[0], name="Apache, fails, ours anchored", ours=f"^{stock}")]


def failing(work: Work, right: str, wrong: str) -> Work:
    """The same expressions on lines that are wrong in one place, behind their middle."""
    broken = [line.replace(right, wrong) for line in work.lines[: max(len(work.lines) // 10, 1)]]
    return replace(work, name=f"{work.name}, fails", lines=broken, goal=20, matches=False)


def speed(match: Callable[[str], object], lines: Sequence[str], seconds: float) -> float:
    """Lines per CPU second of this thread."""
    done, began = 0, time.thread_time()
    while True:
        for line in lines:
            match(line)
        done += len(lines)
        taken = time.thread_time() - began
        if taken >= seconds / TURNS:
            return done / taken


def compared(work: Work, library: Library, seconds: float) -> Row:
    """Both engines in turns."""
    ours, theirs = library.compile(work.ours), pygrok.Grok(work.theirs)
    for line in (work.lines[0], work.lines[-1]):
        if work.matches != (ours.match(line) is not None) or work.matches != (theirs.match(line) is not None):
            sys.exit(f"{work.name}: expected {'a match' if work.matches else 'no match'} of both on {line}")
    turns = [(speed(ours.match, work.lines, seconds), speed(theirs.match, work.lines, seconds)) for _ in range(TURNS)]
    fastest, other = (max(side) for side in zip(*turns, strict=True))
    return Row(work.name, round(fastest), round(other), round(fastest / other, 1), work.goal)


def main() -> None:
    """Print the table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of each engine on each work")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    library = Library.load([resources.patterns()], glob="*.grok")
    rows = [compared(work, library, arguments.seconds) for work in works(arguments.lines)]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{'lines per CPU second':<32}{'shipper':>12}{'pygrok':>12}{'times':>8}{'goal':>8}")
    for row in rows:
        print(f"{row.work:<32}{row.shipper:>12,}{row.pygrok:>12,}{row.times:>8}{row.goal:>8}")


if __name__ == "__main__":
    main()
