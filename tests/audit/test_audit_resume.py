"""An audit that is interrupted goes on where it was, and comes to the answer of one that was not."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import halted_audit
from support.edited_site import until
from support.memory_output import MemoryOutput
from support.site import HOST, Site, found, transfer

from shipper import cli
from shipper.audit.auditor import Auditor
from shipper.audit.context import Level
from shipper.audit.disk import DiskFile
from shipper.audit.findings import Outcome
from shipper.audit.request import Request
from shipper.audit.resume import Journal, JournalFile, Resumed, read_earlier
from shipper.records import BUCKET_BITS, bucket_of
from shipper.settings import InputSettings

FILES = 12
SHIPPED = FILES * 40 + 2
DEADLINE = 60.0


class Interrupted(JournalFile):
    """Keeps so many pieces of work; then someone ends the audit."""

    def __init__(self, path: Path, pieces: int) -> None:
        super().__init__(path)
        self._left = pieces

    def keep(self, key: str, result: Any, at: float) -> None:
        """Or the end."""
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        super().keep(key, result, at)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Files of one input: single ones, an archive that goes on, a copy, and one that parts from another."""
    site = Site(tmp_path)
    for number in range(FILES):
        site.write(f"{number:02}.log", [transfer(number * 1000 + n) for n in range(40)])
    lines = (site.logs / "03.log").read_bytes()
    (site.logs / "03.log.copy").write_bytes(lines[:4000])
    (site.logs / "03.log.gz").write_bytes(gzip.compress(lines + transfer(99_000)))
    (site.logs / "04.log.1").write_bytes((site.logs / "04.log").read_bytes()[:5000] + b"other\n")
    configure(site)
    site.ship()
    return site


def configure(site: Site) -> None:
    (site.root / "shipper.yml").write_text(
        f"host: {HOST}\nstate: {site.root}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{site.logs}/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {site.root}/index.db}}}}\n"
    )


def audit(site: Site, journal: Journal, level: str = "disk", **request: Any) -> Outcome:
    with closing(site.open()) as output:
        auditor = Auditor(site.settings, site.pipelines(), output, lambda: site.now, site.waited.append, journal)
        return auditor.audit(Request(level=Level(level), **request))


def interrupt(site: Site, pieces: int, level: str = "disk") -> Path:
    """An audit that ends after so many pieces of work; the file that it leaves."""
    path = site.root / "progress"
    with closing(Interrupted(path, pieces)) as journal, pytest.raises(KeyboardInterrupt):
        audit(site, journal, level)
    return path


def resume(site: Site, level: str = "disk", **request: Any) -> tuple[Outcome, Resumed | None]:
    earlier = read_earlier(site.root / "progress")
    assert earlier is not None
    with closing(JournalFile(site.root / "progress", earlier)) as journal:
        return audit(site, journal, level, **request), journal.resumed


def damage(site: Site) -> None:
    """Lose a document, alter a line on disk, drop one."""
    assert site.sql("DELETE FROM documents WHERE offset > 0 AND id IN (SELECT min(id) FROM documents)") <= 1
    site.sql(
        "DELETE FROM documents WHERE id = (SELECT id FROM documents ORDER BY fingerprint, offset LIMIT 1 OFFSET 9)"
    )
    changed = site.logs / "07.log"
    changed.write_bytes(changed.read_bytes().replace(b"USER=alice", b"USER=mallo", 1))
    dropped = site.logs / "09.log"
    dropped.write_bytes(b"".join(dropped.read_bytes().splitlines(keepends=True)[:-3]))


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the blocks that are read."""
    read: list[int] = []
    blocks = DiskFile.blocks

    def counted(*arguments: Any, **more: Any):
        for block in blocks(*arguments, **more):
            read.append(len(block))
            yield block

    monkeypatch.setattr(DiskFile, "blocks", counted)
    return read


@pytest.mark.parametrize("level", ["disk", "contents"])
@pytest.mark.parametrize("use_state", [True, False])
def test_wherever_it_was_broken_off_the_answer_is_that_of_a_whole_audit(
    site: Site, bytes_read: list[int], level: str, use_state: bool
) -> None:
    damage(site)
    whole = audit(site, Journal(), level, use_state=use_state)
    assert whole.findings
    needed, path = sum(bytes_read), site.root / "progress"
    with closing(JournalFile(path)) as journal:
        audit(site, journal, level, use_state=use_state)
    kept = path.read_bytes()
    chance = random.Random(level)
    for _ in range(5):
        path.write_bytes(kept[: chance.randrange(kept.index(b"\n") + 1, len(kept))])
        assert resume(site, level, use_state=use_state)[0] == whole
    path.write_bytes(kept)
    bytes_read.clear()
    outcome, resumed = resume(site, level, use_state=use_state)
    assert (outcome, resumed.files) == (whole, FILES + 3)
    assert sum(bytes_read) < 0.6 * needed  # what is unequal is looked at again


def test_a_file_that_was_changed_in_between_is_read_again(site: Site) -> None:
    interrupt(site, 8)
    lines = [transfer(n) for n in range(1, 41)]
    times = (site.logs / "00.log").stat()
    (site.logs / "00.log").write_bytes(
        (site.logs / "00.log").read_bytes().replace(b"USER=alice", b"USER=mallo", 1)
    )  # as long as before, and the same modification time
    os.utime(site.logs / "00.log", ns=(times.st_atime_ns, times.st_mtime_ns))
    (site.logs / "01.log").write_bytes((site.logs / "01.log").read_bytes() + lines[0])
    outcome, resumed = resume(site)
    assert found(outcome) == [("altered", "changed on disk", "00.log", 1, 1)]
    assert resumed.files in range(4, 11)
    assert [(Path(one.path).name, one.lines) for one in outcome.pending] == [("01.log", 1)]


def test_what_the_index_lost_in_between_is_seen(site: Site) -> None:
    interrupt(site, 8)
    assert (
        site.sql("DELETE FROM documents WHERE id IN (SELECT id FROM documents ORDER BY fingerprint, offset)") == SHIPPED
    )
    outcome, resumed = resume(site)
    assert resumed.files >= 8
    assert outcome.totals.missing == SHIPPED


def test_what_was_shipped_in_between_is_closed(site: Site) -> None:
    (site.logs / "05.log").write_bytes((site.logs / "05.log").read_bytes() + transfer(5))
    path = interrupt(site, 9)
    site.ship()
    outcome, resumed = resume(site)
    assert (outcome.findings, outcome.totals.pending, outcome.totals.disk_lines) == ([], 0, SHIPPED + 1)
    assert resumed.files >= 8
    assert path.exists()


def test_a_file_that_may_be_changed_within_the_tick_of_a_clock_is_not_remembered(site: Site) -> None:
    site.now = max(path.stat().st_ctime for path in site.logs.iterdir()) + 1
    path = site.root / "progress"
    with closing(JournalFile(path)) as journal:
        audit(site, journal)
        assert journal.pieces < FILES
    site.now += 2
    with closing(JournalFile(path)) as journal:
        audit(site, journal)
        assert journal.pieces == FILES


def test_a_file_that_grows_while_it_is_read_is_not_remembered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    grown, blocks = site.logs / "02.log", DiskFile.blocks

    def growing(file: DiskFile, *arguments: Any, **more: Any):
        yield from blocks(file, *arguments, **more)
        if file.path == grown and grown.stat().st_size == file.size:
            grown.write_bytes(grown.read_bytes() + b"more\n")

    monkeypatch.setattr(DiskFile, "blocks", growing)
    with closing(JournalFile(site.root / "progress")) as journal:
        audit(site, journal)
        assert journal.pieces == FILES - 1


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_damaged_entries_are_told_and_count_for_nothing(site: Site, place: str) -> None:
    path = interrupt(site, 10)
    data = bytearray(path.read_bytes())
    entries = [number for number, byte in enumerate(data) if byte == ord("\n")]
    at = {"first": entries[0] + 40, "middle": entries[4] + 30, "last": entries[-1] - 5}[place]
    data[at] ^= 0x11
    path.write_bytes(data)
    earlier = read_earlier(path)
    assert (len(earlier.lines), earlier.problem) == (
        9, f"{path}: 1 of 10 entries are damaged; what they were about is redone.",
    )  # fmt: skip
    assert resume(site)[0] == audit(site, Journal())


def test_an_entry_that_was_broken_off_is_no_damage(site: Site) -> None:
    path = interrupt(site, 10)
    path.write_bytes(path.read_bytes()[:-7])
    earlier = read_earlier(path)
    assert (len(earlier.lines), earlier.problem) == (9, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"shipper audit progress 1 of shipper 0.0.0\n", "another version of shipper wrote it, or it is damaged."),
        (b"shipper audit progr", None),
        (b"\0" * 4096, "nothing was written to it."),
        (b"", "nothing was written to it."),
    ],
)
def test_a_file_without_sound_entries_is_told(tmp_path: Path, content: bytes, told: str | None) -> None:
    path = tmp_path / "progress"
    path.write_bytes(content)
    if told is None:
        with pytest.raises(cli.ShipperError, match="this is not the progress of an audit"):
            read_earlier(path)
    else:
        assert read_earlier(path) == ({}, f"{path}: {told} The audit begins anew.")


def test_where_nothing_can_be_kept_the_audit_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(JournalFile(site.root / "progress")) as journal:

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("shipper.audit.resume.os.write", full)
        assert audit(site, journal) == audit(site, Journal())
        assert journal.obstacle == f"{site.root}/progress: No space left on device"


LINE = 400_000


@pytest.fixture
def big(tmp_path: Path) -> Site:
    """A file of three buckets."""
    site = Site(tmp_path, (InputSettings("app", (f"{tmp_path}/logs/*",), "raw"),))
    site.output = MemoryOutput()
    site.write("a.log", [b"line %06d of a big file %s\n" % (n, b"x" * LINE) for n in range(100)])
    site.ship()
    return site


def test_buckets_that_were_found_equal_are_not_compared_again(big: Site) -> None:
    held = big.output
    interrupt(big, 3, "contents")  # the files, and two buckets
    keys = [
        next(key for key, document in held.documents.items() if bucket_of(document.offset) == bucket)
        for bucket in (0, 2)
    ]
    for key in keys:
        held.documents[key] = replace(held.documents[key])
        held.documents[key].body = held.documents[key].body.replace(b'"tags":[', b'"tags":["x",')
    outcome, resumed = resume(big, "contents")
    in_bucket = [n for n in range(100) if n * (LINE + 27) >= 2 << BUCKET_BITS]
    assert [(f.kind.value, f.first_line) for f in outcome.findings] == [("altered", in_bucket[0] + 1)]
    assert resumed.compared_lines == in_bucket[0]
    assert (outcome.totals.disk_lines, outcome.totals.indexed) == (100, 99)
    whole = audit(big, Journal(), "contents")
    assert [finding.first_line for finding in whole.findings] == [1, in_bucket[0] + 1]


def test_a_bucket_whose_documents_changed_in_number_is_compared_again(big: Site) -> None:
    interrupt(big, 3, "contents")
    del big.output.documents[big.output.at("a.log", 0)]
    outcome, resumed = resume(big, "contents")
    assert found(outcome) == [("missing", "gone from the index", "a.log", 1, 1)]
    assert 0 < resumed.compared_lines < 50


def run(site: Site, *arguments: str) -> int:
    return cli.execute(["audit", "-c", str(site.root / "shipper.yml"), *arguments])


def progress_files(site: Site) -> list[Path]:
    return sorted((site.root / "state").glob("audit-*"))


def start_and_halt(site: Site, after: int, *arguments: str) -> subprocess.Popen[str]:
    """An audit as a process of its own, that stands still when so many pieces of its work are kept."""
    words = [sys.executable, halted_audit.__file__, str(after), "audit", "-c", str(site.root / "shipper.yml")]
    process = subprocess.Popen([*words, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: pieces(site) >= after or process.poll() is not None, DEADLINE)
    return process


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Files that an audit by a process of its own need not read again."""
    site = Site(tmp_path_factory.mktemp("many"))
    for number in range(8):
        site.write(f"{number:02}.log", [transfer(number * 2000 + n) for n in range(100)])
    configure(site)
    site.ship()
    settled = max(path.stat().st_ctime for path in site.logs.iterdir()) + 2.5
    until(lambda: time.time() > settled, DEADLINE)
    return site


def pieces(site: Site) -> int:
    return sum(content_of(path).count(b"\n") - 1 for path in progress_files(site))


def content_of(path: Path) -> bytes:
    """Of a file that another process may put under another name at this moment."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_ended_is_followed_by_one_that_goes_on(
    many: Site, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    for left in progress_files(many):
        left.unlink()
    wanted = random.Random(number).randrange(2, 9)
    process = start_and_halt(many, wanted, "--level", "contents", "--json")
    process.send_signal(number)
    printed, said = process.communicate(timeout=DEADLINE)
    assert (printed, len(progress_files(many))) == ("", 1)
    command = f"shipper audit -c {many.root}/shipper.yml --level contents --json --resume"
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert (process.returncode, said) == (130, f"What was done so far is kept. To go on with it: {command}\n\n")
    assert cli.execute(shlex.split(command)[1:]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert run(many, "--level", "contents", "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    about = resumed["audited"][0]["resumed"]
    assert about["files"] == (wanted + 1) // 2, "a file is read, and compared"
    assert about["bytes"] < sum(path.stat().st_size for path in many.logs.iterdir())
    assert whole["audited"][0]["resumed"] is None
    for report in (resumed, whole):
        report["audited"] = None
    assert resumed == whole
    assert not progress_files(many)


@pytest.fixture
def interrupted(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    """A command that was ended when it asked the index for incomplete values."""

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    later = time.time() + 60
    monkeypatch.setattr("shipper.clock.SystemClock.time", lambda _: later)
    with monkeypatch.context() as patch:
        patch.setattr("shipper.audit.auditor.Auditor.incomplete_values", ended)
        assert run(site) == 130
    command = f"shipper audit -c {site.root}/shipper.yml --resume"
    assert capsys.readouterr().err.rstrip() == f"What was done so far is kept. To go on with it: {command}"
    return site


def test_the_report_says_what_was_not_read_again(interrupted: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(interrupted, "--resume", "--html", str(interrupted.root / "page.html")) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "earlier part" in line]
    assert said.startswith(f"{HOST}: 15 files with ")
    assert "were read by an earlier part of this audit, begun 2" in said
    assert "read by an earlier part of this audit" in (interrupted.root / "page.html").read_text()


def test_nothing_is_taken_over_unless_it_is_asked_for(interrupted: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(interrupted) == 0
    assert "earlier part" not in capsys.readouterr().out
    assert not progress_files(interrupted)
    assert run(interrupted, "--resume") == 0
    printed = capsys.readouterr()
    assert "earlier part" not in printed.out
    assert "there is nothing to go on with. The audit begins anew." in printed.err


def test_reports_of_resumed_audits_are_merged(interrupted: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(interrupted, "--resume", "--json") == 0
    (interrupted.root / "a.json").write_text(capsys.readouterr().out)
    assert cli.execute(["audit", "--merge", str(interrupted.root / "a.json")]) == 0
    assert "15 files with" in capsys.readouterr().out


def test_what_nobody_went_on_with_is_dropped_after_a_week(interrupted: Site) -> None:
    (left,) = progress_files(interrupted)
    then = time.time() - 8 * 86_400
    os.utime(left, (then, then))
    assert run(interrupted, "--input", "gridftp") == 0
    assert not progress_files(interrupted)


def test_a_named_file_keeps_the_progress_where_there_is_no_state(
    interrupted: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted.forget()
    (interrupted.root / "state").rmdir()

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    file = interrupted.root / "here"
    with monkeypatch.context() as patch:
        patch.setattr("shipper.audit.auditor.Auditor.incomplete_values", ended)
        assert run(interrupted, "--no-state") == 130
        assert "Nothing of it is kept: " in capsys.readouterr().err
        assert run(interrupted, "--no-state", "--resume", str(file)) == 130
        assert f"--no-state --resume {file}\n" in capsys.readouterr().err
    assert run(interrupted, "--no-state", "--resume", str(file)) == 0
    assert "15 files with" in capsys.readouterr().out
    assert not file.exists()
    assert run(interrupted, "--no-state", "--resume") == 2
    assert "cannot be written: No such file or directory. Name another file" in capsys.readouterr().err


def test_a_file_that_is_something_else_is_left_alone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    configuration = site.root / "shipper.yml"
    before = configuration.read_bytes()
    assert run(site, "--resume", str(configuration)) == 2
    assert "this is not the progress of an audit, so it is left as it is" in capsys.readouterr().err
    assert configuration.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--resume", "--level", "ledger"),
            "--resume goes on with the reading of files, and --level ledger reads none.",
        ),
        (("--resume", "--merge"), "--resume does not go together with --merge."),
        (
            ("--resume", "--against", "index.ndjson", "--key", "message"),
            "--resume does not go together with --against.",
        ),
    ],
)
def test_where_there_is_nothing_to_resume_the_option_is_refused(
    site: Site, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert run(site, "--resume", *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_an_output_that_is_away_leaves_the_progress(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: object) -> None:
        raise cli.ShipperError("The output is away.")

    later = time.time() + 60
    monkeypatch.setattr("shipper.clock.SystemClock.time", lambda _: later)
    with monkeypatch.context() as patch:
        patch.setattr("shipper.audit.auditor.Auditor.incomplete_values", away)
        assert run(site) == 3
    said = capsys.readouterr().err
    assert "To go on with it: shipper audit" in said
    assert "The output is away." in said
    assert run(site, "--resume") == 0
    assert "15 files with" in capsys.readouterr().out
