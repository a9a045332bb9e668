"""How fast an audit is: what it reads of a disk, what it asks of an index, and how it finds one line among many.

    python bench/audit.py [--lines 2000000] [--documents 10000000] [--json]
    python bench/audit.py --site sqlite|elasticsearch [--url URL] [--lines 2000000] [--json]

The disk pass is measured on GridFTP transfer logs of so many lines, in lines per second of processor time: they are
read, hashed and summed, and nothing is parsed. The index is a SQLite file of so many documents in files of 100,000
lines; its bodies are as long as real ones. Then one document is deleted, and the time is taken until the audit's own
questions have located it: the sums, and the documents of the one bucket that is unequal. Memory is the process's peak.

With `--site` a real agent ships so many lines, and the command audits them, before and after a document was deleted.
Without an URL a real Elasticsearch is started as the tests do it, which needs Java and Maven.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import audited_site
from audited_site import told
from run import write_log

from shipper.audit.balance import measure
from shipper.hashes import chain_start
from shipper.records import BUCKET_BITS
from shipper.send.output import Scope
from shipper.send.sqlite import SQLiteOutput

BLOCK = 1 << 20
PER_FILE = 100_000
LINE = 300
BODY = 700
INSERTED_AT_ONCE = 50_000
INSERT = "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Result:
    """What was measured; seconds are by the wall clock unless they say otherwise."""

    lines: int
    lines_per_cpu_second: float
    documents: int
    tallies_seconds: float
    history_seconds: float
    flaws_seconds: float
    located_seconds: float
    peak_megabytes: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--site", choices=("sqlite", "elasticsearch"))
    parser.add_argument("--url")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.site:
        site = audited(options.site, options.url, options.lines)
        print(json.dumps(asdict(site)) if options.json else "\n".join(told(site)))
        return
    with tempfile.TemporaryDirectory() as name:
        found = measured(Path(name), options.lines, options.documents)
    if options.json:
        print(json.dumps(asdict(found)))
        return
    print(f"disk: {found.lines_per_cpu_second:,.0f} lines per second of processor time, of {found.lines:,} lines")
    print(f"index of {found.documents:,} documents (SQLite): sums in {found.tallies_seconds:.1f} s")
    print(f"  event times in {found.history_seconds:.1f} s, incomplete values in {found.flaws_seconds:.1f} s")
    print(f"  one missing document located in {found.located_seconds:.1f} s")
    print(f"peak {found.peak_megabytes:.0f} MB")


def audited(kind: str, url: str | None, lines: int) -> audited_site.Audited:
    """A site of so many lines that was shipped to an output of a kind."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        if kind == "sqlite":
            return audited_site.measured(folder, f"{{sqlite: {{path: {folder}/index.db}}}}", lines)
        return audited_site.measured(folder, f"{{elasticsearch: {{hosts: ['{url or started(stack)}']}}}}", lines)


def started(stack: ExitStack) -> str:
    """The URL of an Elasticsearch that ends with the stack."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    from support.elasticsearch_node import ElasticsearchNode  # noqa: PLC0415  only where one is wanted

    node = ElasticsearchNode(heap="1g")
    stack.callback(node.remove)
    return node.start()


def measured(folder: Path, lines: int, documents: int) -> Result:
    """All measurements, in a folder that has room for them."""
    rate = disk_rate(folder / "transfers.log", lines)
    index = folder / "index.db"
    fill(index, documents)
    with closing(SQLiteOutput(index)) as output:
        scope = Scope(host="bench.example.org")
        tallies = seconds_of(lambda: list(output.tallies(scope)))
        history = seconds_of(lambda: list(output.history(scope, 3600)))
        flaws = seconds_of(lambda: list(output.flaws(scope, ["_type_failure", "_grokparsefailure"])))
    located = location_seconds(index, documents // 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(lines, rate, documents, tallies, history, flaws, located, peak)


def disk_rate(path: Path, lines: int) -> float:
    """Lines that the pass over the disk takes in a second of processor time."""
    write_log(path, lines)
    begin = time.process_time()
    with path.open("rb") as file:
        found = measure(
            iter(lambda: file.read(BLOCK), b""), start=0, checkpoint=path.stat().st_size,
            chain=chain_start("bench.example.org", "transfers"), firsts={}, whole=False,
        )  # fmt: skip
    taken = time.process_time() - begin
    assert sum(tally.lines for tally in found.buckets.values()) == lines
    path.unlink()
    return lines / taken


def fill(path: Path, documents: int) -> None:
    """An index of so many documents, of which one in a thousand was not parsed."""
    SQLiteOutput(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        rows = rows_of(documents)
        while some := list(islice(rows, INSERTED_AT_ONCE)):
            db.execute("BEGIN")
            db.executemany(INSERT, some)
            db.execute("COMMIT")


def rows_of(documents: int) -> Iterator[tuple[object, ...]]:
    """Documents as an agent stores them: ids and offsets ascend within a file, bodies are of the usual length."""
    for number in range(documents):
        file, line = divmod(number, PER_FILE)
        tag = '"_grokparsefailure"' if number % 1000 == 0 else ""
        body = f'{{"tags":[{tag}],"message":"{number:0{BODY}}"}}'
        yield (
            f"{file:08}{line:016}", "gridftp.transfer", "bench.example.org", "transfers",
            1_790_000_000_000_000_000 + number * 100_000_000, f"{file:016x}", line * LINE, 1, LINE,
            number * 7919 % (1 << 28), number * 104_729 % (1 << 28), "0" * 16, body,
        )  # fmt: skip


def location_seconds(path: Path, number: int) -> float:
    """How long it takes from the question for sums to the offset of the document that is not there."""
    with closing(SQLiteOutput(path)) as output:
        before = {(t.fingerprint, t.bucket): t.tally for t in output.tallies(Scope())}
    with closing(sqlite3.connect(path)) as db, db:
        file, line = divmod(number, PER_FILE)
        assert db.execute("DELETE FROM documents WHERE id = ?", (f"{file:08}{line:016}",)).rowcount == 1
    found: list[int] = []
    with closing(SQLiteOutput(path)) as output:

        def locate() -> None:
            for held in output.tallies(Scope()):
                if before[held.fingerprint, held.bucket] != held.tally:
                    begin = held.bucket << BUCKET_BITS
                    there = {s.offset for s in output.spans(held.fingerprint, begin, begin + (1 << BUCKET_BITS))}
                    first = -(-begin // LINE) * LINE
                    found.extend(set(range(first, first + len(there) * LINE + LINE, LINE)) - there)

        taken = seconds_of(locate)
    assert found == [line * LINE], (found, line * LINE)
    return taken


def seconds_of(work: Callable[[], object]) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
