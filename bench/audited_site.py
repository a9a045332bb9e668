"""A site that a real agent has shipped, and what it costs to audit it with the command: seconds, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from run import ship, write_log

from shipper.clock import SystemClock
from shipper.config import load
from shipper.events_log import EventsLog, silent
from shipper.records import Stored
from shipper.send.output import Output, Scope
from shipper.send.outputs import open_output

PER_FILE = 100_000


@dataclass(frozen=True)
class Audited:
    """What was measured; seconds are by the wall clock."""

    output: str
    lines: int
    shipping_seconds: float
    """Aside: what it took to fill the index."""
    tallies_seconds: float
    """The index adds up what it holds."""
    ledger_seconds: float
    """`shipper audit --level ledger`."""
    disk_seconds: float
    """`shipper audit`, which finds nothing."""
    located_seconds: float
    """`shipper audit`, which names the one line whose document was deleted."""
    peak_megabytes: float
    """The most that any of the three commands had at once (resident)."""


def measured(folder: Path, output: str, lines: int) -> Audited:
    """Ship so many GridFTP records to an output, told as in a configuration, and audit them."""
    for first in range(0, lines, PER_FILE):
        write_log(folder / f"transfers-{first // PER_FILE:04d}.log", min(PER_FILE, lines - first), first)
    begin = time.perf_counter()
    said, _ = ship(folder, output)
    shipping = time.perf_counter() - begin
    assert said["stored"] == lines, said
    tallies = _tallies_seconds(folder, lines)
    ledger = _audit(folder, "--level", "ledger")
    disk = _audit(folder)
    assert (ledger.report["verdict"], disk.report["verdict"]) == ("closed", "closed")
    lost = _delete_one(folder)
    located = _audit(folder)
    (finding,) = located.report["findings"]
    assert (finding["path"], finding["offset"], finding["lines"]) == (lost.path, lost.offset, 1), finding
    peak = max(ledger.peak_megabytes, disk.peak_megabytes, located.peak_megabytes)
    seconds = (shipping, tallies, ledger.seconds, disk.seconds, located.seconds)
    return Audited(output.partition(":")[0].strip("{ "), lines, *(round(each, 1) for each in seconds), round(peak))


def told(site: Audited) -> Iterator[str]:
    """The result for people."""
    yield f"{site.output}, {site.lines:,} documents (shipped in {site.shipping_seconds:.0f} s):"
    yield f"  sums in {site.tallies_seconds:.1f} s, audit of the ledger {site.ledger_seconds:.1f} s,"
    yield f"  of the disk {site.disk_seconds:.1f} s; one missing line found and located in {site.located_seconds:.1f} s"
    yield f"  peak of an audit {site.peak_megabytes:.0f} MB"


@dataclass(frozen=True)
class _Audit:
    report: dict[str, Any]
    seconds: float
    peak_megabytes: float


def _audit(folder: Path, *options: str) -> _Audit:
    command = [sys.executable, "-m", "shipper", "audit", "--json", "-c", str(folder / "shipper.yml"), *options]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return _Audit(json.loads(said), time.perf_counter() - begin, usage.ru_maxrss / 1024)


def _tallies_seconds(folder: Path, lines: int) -> float:
    with _opened(folder) as output:
        output.refresh()
        begin = time.perf_counter()
        assert sum(held.tally.lines for held in output.tallies(Scope(host="bench.example.org"))) == lines
        return time.perf_counter() - begin


def _delete_one(folder: Path) -> Stored:
    """Let a document of the middle vanish behind the agent's back."""
    with _opened(folder) as output:
        held = sorted(output.tallies(Scope(host="bench.example.org")))
        some = held[len(held) // 2]
        documents = list(output.spans(some.fingerprint, some.first, some.first + (1 << 20)))
        lost = documents[len(documents) // 2]
        assert output.delete([(lost.place, lost.id)]) == 1
        output.refresh()
        return lost


@contextmanager
def _opened(folder: Path) -> Iterator[Output]:
    settings = load(folder / "shipper.yml").output
    with closing(open_output(settings, (), SystemClock(), EventsLog(silent))) as output:
        yield output
