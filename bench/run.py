"""CPU and memory of shipper on a fixed amount of work, as a table.

    python bench/run.py [--lines 500000] [--sink sqlite|bulk|both] [--json]

The work: a GridFTP transfer log of so many distinct lines, read, parsed into named and typed fields, shipped with
ids, tallies and checkpoints. `sqlite` stores them in the embedded index; `bulk` sends them to a sink on the loopback
interface that answers every bulk request like a cluster that stored it, in a process of its own, uncompressed, as is
best where nothing has to cross a network. CPU seconds are user
plus system time of the agent alone, its start included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORD = (
    "DATE=202611{day:02d}{clock}.{micro:06d} HOST=dtn01.example.org PROG=globus-gridftp-server NL.EVNT=FTP_INFO "
    "START=202611{day:02d}{clock}.000000 USER=alice FILE=/data/run{number}/file.root BUFFER=131072 BLOCK=262144 "
    "NBYTES={number} VOLUME=/ STREAMS=4 STRIPES=1 DEST=[192.0.2.{host}] TYPE=RETR CODE=226 TASKID=none "
    "retrans=0,0,0,1\n"
)


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    sink: str
    lines: int
    cpu_seconds: float
    lines_per_cpu_second: int
    microseconds_per_line: float
    peak_megabytes: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--sink", choices=("sqlite", "bulk", "both"), default="both")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sinks = ("sqlite", "bulk") if options.sink == "both" else (options.sink,)
    results = [measure(sink, options.lines) for sink in sinks]
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    print(f"{'sink':8} {'lines':>9} {'CPU s':>7} {'lines/CPU s':>12} {'us/line':>8} {'peak MB':>8}")
    for row in results:
        print(
            f"{row.sink:8} {row.lines:>9,} {row.cpu_seconds:>7.2f} {row.lines_per_cpu_second:>12,} "
            f"{row.microseconds_per_line:>8.1f} {row.peak_megabytes:>8.0f}"
        )


def measure(sink: str, lines: int) -> Result:
    """Ship a fresh log once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder / "gridftp-transfer.log", lines)
        if sink == "sqlite":
            return result(sink, lines, ship(folder, f"{{sqlite: {{path: {folder}/index.db}}}}"))
        server = subprocess.Popen([sys.executable, HERE / "bulk_sink.py"], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            return result(sink, lines, ship(folder, f"{{elasticsearch: {{hosts: ['{url}'], compress: false}}}}"))
        finally:
            server.kill()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()


def write_log(path: Path, lines: int, first: int = 0) -> None:
    """Distinct records in the order of their times, from that of a number on."""
    with path.open("w") as file:
        for number in range(first, first + lines):
            rest, second = divmod(number // 1000, 60)
            rest, minute = divmod(rest, 60)
            day, hour = divmod(rest, 24)
            clock = f"{hour:02d}{minute:02d}{second:02d}"
            file.write(
                RECORD.format(day=1 + day, clock=clock, micro=number % 1000 * 1000, number=number, host=number % 250)
            )


def ship(folder: Path, output: str) -> tuple[dict[str, int], resource.struct_rusage]:
    """Run the agent once; what it says it did, and what it used."""
    configuration = folder / "shipper.yml"
    configuration.write_text(
        f"host: bench.example.org\nstate: {folder}/state\noutput: {output}\n"
        f"inputs: [{{name: gridftp, paths: ['{folder}/*.log'], pipeline: gridftp-transfer}}]\n"
    )
    command = [sys.executable, "-m", "shipper", "run", "--once", "--json", "-c", str(configuration)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return json.loads(said), usage


def result(sink: str, lines: int, shipped: tuple[dict[str, int], resource.struct_rusage]) -> Result:
    """The row, after checking that the work was done."""
    summary, usage = shipped
    assert summary["stored"] == lines, summary
    cpu = usage.ru_utime + usage.ru_stime
    return Result(sink, lines, round(cpu, 2), int(lines / cpu), round(cpu / lines * 1e6, 1), usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
