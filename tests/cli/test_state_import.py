"""`shipper state import`: after a switch from another shipper, no line is shipped twice and none by nobody."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
from contextlib import closing, redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.logs import append, compress, numbered, rename, write
from support.running import Running

from shipper.cli import execute
from shipper.errors import Exit

WIDE = [f"{line} {'x' * 60}" for line in numbered(0, 40)]


class Switch(Running):
    """A site on which another shipper has come so far."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder)
        self.settings["inputs"][0] |= {"start_at": "now", **more}
        self.configure(self.settings)
        self.registry = folder / "filebeat" / "registry" / "filebeat"
        self.registry.mkdir(parents=True)
        (self.registry / "meta.json").write_text('{"version":"1"}')

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command in this process: there are many here, and an interpreter takes longer to start than they take."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = execute([*arguments, "-c", str(self.configuration)])
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def log_file(self, *lines: tuple[int, str, dict[str, Any]]) -> None:
        """Filebeat's log of changes."""
        text = "".join(f"{json.dumps({'op': op, 'id': number})}\n{json.dumps(entry)}\n" for number, op, entry in lines)
        (self.registry / "log.json").write_text(text)

    def take_over(self, *words: str, other: str = "filebeat", source: Path | None = None) -> tuple[int, dict[str, Any]]:
        """The command: exit code and JSON."""
        source = source or self.folder / "filebeat"
        done = self.run("state", "import", "--from", other, str(source), "--json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    return Switch(tmp_path)


def native(path: Path, offset: int, source: Path | None = None) -> dict[str, Any]:
    """What `filestream` records of a file that it knows by inode."""
    status = path.stat()
    return {
        "k": f"filestream::my-id::native::{status.st_ino}-{status.st_dev}",
        "v": {
            "ttl": 1800000000000,
            "updated": [823727168, 1716602750],
            "cursor": {"offset": offset},
            "meta": {"source": str(source or path), "identifier_name": "native"},
        },
    }


def by_head(path: Path, head: bytes, offset: int) -> dict[str, Any]:
    """What `filestream` records of a file that it knows by its first bytes."""
    value = {"cursor": {"offset": offset}, "meta": {"source": str(path), "identifier_name": "fingerprint"}, "ttl": -1}
    return {"k": f"filestream::my-id::fingerprint::{sha256(head[:1024]).hexdigest()}", "v": value}


def of_log_input(path: Path, offset: int) -> dict[str, Any]:
    """What the `log` input records."""
    status = path.stat()
    place = {"inode": status.st_ino, "device": status.st_dev}
    value = {"source": str(path), "offset": offset, "FileStateOS": place, "ttl": -1, "identifier_name": "native"}
    return {"k": f"filebeat::logs::native::{status.st_ino}-{status.st_dev}", "v": value}


def size_of(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def begins(answer: dict[str, Any]) -> dict[str, int | None]:
    return {Path(one["path"]).name: one["offset"] for one in answer["files"]}


def test_what_filebeat_has_shipped_is_filtered_and_all_else_is_shipped_and_the_audit_is_closed(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    write(switch.logs / "new.log", *numbered(500, 503))
    switch.log_file((1, "set", native(log, 0)), (2, "set", native(log, size_of(WIDE[:30]))))

    code, answer = switch.take_over()
    assert (code, answer["applied"], begins(answer)) == (Exit.CLEAN, False, {"a.log": size_of(WIDE[:30]), "new.log": 0})
    assert not (switch.folder / "state").exists(), "a plan changes nothing"
    assert switch.take_over("--apply")[0] == Exit.CLEAN
    append(log, *numbered(100, 102))
    totals = switch.once()
    assert (totals["stored"], totals["filtered"]) == (15, {"before_start": 30})
    write(switch.logs / "later.log", *numbered(600, 603))
    switch.once()
    assert switch.sources() == [[*WIDE[30:], *numbered(100, 102)], numbered(500, 503), numbered(600, 603)]
    report = switch.ask("audit")
    assert (report["verdict"], report["totals"]["filtered"], report["totals"]["indexed"]) == ("closed", 30, 18)


def test_taking_over_again_changes_nothing(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", of_log_input(log, size_of(WIDE[:30]))))
    assert switch.take_over("--apply")[0] == Exit.CLEAN
    code, answer = switch.take_over("--apply")
    assert (code, begins(answer)) == (Exit.CLEAN, {"a.log": size_of(WIDE[:30])})
    assert "known already" in answer["files"][0]["note"]
    assert switch.once()["stored"] == 10
    assert switch.take_over("--apply")[0] == Exit.CLEAN
    assert switch.once()["documents"] == 0


def test_without_its_state_the_agent_still_does_not_ship_what_filebeat_has_shipped(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", native(log, size_of(WIDE[:30]))))
    switch.take_over("--apply")
    switch.once()
    for path in (switch.folder / "state").glob("state.db*"):
        path.unlink()
    append(log, *numbered(100, 102))
    assert switch.once()["stored"] == 2
    assert switch.sources() == [[*WIDE[30:], *numbered(100, 102)]]
    assert switch.verdict() == ("closed", [])
    assert switch.ask("audit", "--no-state")["verdict"] == "closed"


def test_taking_over_again_helps_where_the_state_was_lost_before_anything_was_stored(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    write(switch.logs / "new.log", *numbered(500, 503))
    switch.log_file((1, "set", native(log, size_of(WIDE))))
    switch.take_over("--apply")
    for path in (switch.folder / "state").glob("state.db*"):
        path.unlink()
    append(log, *numbered(100, 102))
    assert switch.take_over("--apply")[0] == Exit.CLEAN
    switch.once()
    assert switch.sources() == [numbered(100, 102), numbered(500, 503)]
    assert switch.verdict() == ("closed", [])


def test_a_file_is_known_again_by_its_content_also_when_it_was_renamed_and_packed(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    content = log.read_bytes()
    switch.log_file((1, "set", by_head(log, content, size_of(WIDE[:25]))))
    compress(rename(log, "a.log.1"))
    code, answer = switch.take_over("--apply")
    assert (code, begins(answer)) == (Exit.CLEAN, {"a.log.1.gz": size_of(WIDE[:25])})
    assert (answer["files"][0]["known_by"], answer["files"][0]["note"]) == ("content", f"was {log}")
    switch.once()
    assert switch.sources() == [WIDE[25:]]
    assert switch.verdict() == ("closed", [])


def test_within_a_line_the_line_is_shipped_whole(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", native(log, size_of(WIDE[:30]) + 5)))
    code, answer = switch.take_over("--apply")
    assert (code, answer["files"][0]["doubtful"]) == (Exit.FINDINGS, True), "it may be another file of the same inode"
    assert "within a line" in answer["files"][0]["note"]
    switch.once()
    assert switch.sources() == [WIDE[30:]]


@pytest.mark.parametrize("keep_state", [True, False], ids=["with state", "without state"])
def test_what_goes_on_with_an_event_that_the_other_began_is_shipped(switch: Switch, *, keep_state: bool) -> None:
    own = switch.folder / "own"
    write(own / "events.yml", r"dataset: events", r"lines: {starts: '\S'}", "timestamp: {by: modification}")
    switch.settings["pipelines_dir"] = str(own)
    switch.settings["inputs"][0]["pipeline"] = "events"
    switch.configure(switch.settings)
    lines = ["one event, long enough to be told from others", " at a", " at b", "another event"]
    log = write(switch.logs / "a.log", *lines)
    switch.log_file((1, "set", native(log, size_of(lines[:2]))))
    assert switch.take_over("--apply")[0] == Exit.CLEAN
    append(log, "last event")
    switch.once()
    if not keep_state:
        for path in (switch.folder / "state").glob("state.db*"):
            path.unlink()
        assert switch.once()["stored"] == 0
    assert switch.sources() == [[" at b", "another event", "last event"]]
    assert switch.verdict() == ("closed", [])
    assert switch.ask("audit", "--no-state")["verdict"] == "closed"


def test_a_file_that_is_shorter_is_another_one_and_entries_without_a_file_are_named(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE[:5])
    gone = native(log, 7)
    gone["k"] = "filestream::my-id::native::1-1"
    gone["v"]["meta"]["source"] = "/var/log/gone.log"
    switch.log_file((1, "set", native(log, 1_000_000)), (2, "set", gone))
    code, answer = switch.take_over("--apply")
    assert (code, begins(answer), answer["gone"]) == (Exit.CLEAN, {"a.log": 0}, ["/var/log/gone.log"])
    assert "shorter than the 1,000,000 bytes" in answer["files"][0]["note"]
    switch.once()
    assert switch.sources() == [WIDE[:5]]


def test_what_cannot_be_taken_over_is_told_with_exit_code_1(switch: Switch) -> None:
    short = write(switch.logs / "short.log", "ab")
    log = write(switch.logs / "a.log", *WIDE)
    packed = compress(write(switch.logs / "b.log", *numbered(300, 340)))
    strange = {"cursor": {"offset": 9}, "meta": {"source": str(log), "identifier_name": "inode_marker"}, "ttl": -1}
    switch.log_file(
        (1, "set", native(short, 3)),
        (2, "set", {"k": "filestream::my-id::inode_marker::17-x", "v": strange}),
        (3, "set", native(packed, 9)),
    )
    code, answer = switch.take_over()
    notes = {Path(one["path"]).name: (one["doubtful"], one["note"]) for one in answer["files"]}
    assert code == Exit.FINDINGS
    assert all(doubtful for doubtful, _ in notes.values())
    assert "too short" in notes["short.log"][1]
    assert "`inode_marker`" in notes["a.log"][1]
    assert "packed" in notes["b.log.gz"][1]


def test_what_an_agent_has_skipped_before_is_told_as_shipped_by_neither(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.once()
    switch.log_file((1, "set", native(log, size_of(WIDE[:30]))))
    code, answer = switch.take_over("--apply")
    assert code == Exit.FINDINGS
    assert (
        f"{size_of(WIDE[30:]):,} bytes after the end of the other are shipped by neither" in answer["files"][0]["note"]
    )


def test_the_data_file_the_log_after_it_and_what_was_removed_make_up_a_registry(switch: Switch) -> None:
    logs = [write(switch.logs / f"{name}.log", *(f"{name} {line}" for line in WIDE)) for name in "abcd"]
    entries = [{"_key": native(log, 0)["k"], **native(log, 200 + number)["v"]} for number, log in enumerate(logs)]
    (switch.registry / "3.json").write_text("[]")
    (switch.registry / "7.json").write_text(json.dumps(entries))
    switch.log_file(
        (7, "set", native(logs[0], 5000)),  # is in the data file already
        (8, "remove", {"k": native(logs[1], 0)["k"]}),
        (9, "set", native(logs[2], 1360)),
        (11, "set", native(logs[3], 5000)),  # a number is missing: Filebeat would not believe it either
    )
    with (switch.registry / "log.json").open("a") as file:
        file.write('{"op":"set","id":12}\n{"k":"filestr')
    _, answer = switch.take_over()
    length = len("a ") + len(WIDE[0]) + 1
    expected = {"a.log": length, "b.log": 0, "c.log": 1360 // length * length, "d.log": length}
    assert begins(answer) == expected


def test_a_short_file_is_known_by_the_bytes_that_it_had(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *numbered(0, 3))
    entry = by_head(log, log.read_bytes(), log.stat().st_size)
    entry["v"]["meta"]["fingerprint"] = log.read_bytes().hex()
    entry["k"] += "-suffix"
    switch.log_file((1, "set", entry))
    append(log, *numbered(3, 5))
    assert begins(switch.take_over("--apply")[1]) == {"a.log": size_of(numbered(0, 3))}
    switch.once()
    assert switch.sources() == [numbered(3, 5)]


def test_of_two_streams_in_one_file_the_one_behind_counts_of_two_entries_of_one_the_furthest(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    entries = []
    for number, (stream, lines) in enumerate([("stdout", 10), ("stderr", 30), ("stdout", 20)]):
        entry = of_log_input(log, size_of(WIDE[:lines]))
        entry["k"] = f"filebeat::logs::{number}{entry['k']}"
        entry["v"]["meta"] = {"stream": stream}
        entries.append((number + 1, "set", entry))
    switch.log_file(*entries)
    assert begins(switch.take_over()[1]) == {"a.log": size_of(WIDE[:20])}


def test_places_that_no_file_reaches_are_those_of_another_file(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    sincedb = switch.folder / ".sincedb_1"
    sincedb.write_text(f"{log.stat().st_ino} 0 {log.stat().st_dev} {10**30}\n1 {2**40} {2**70} 5\n")
    code, answer = switch.take_over(other="logstash", source=sincedb)
    assert (code, begins(answer), answer["gone"]) == (Exit.CLEAN, {"a.log": 0}, ["inode 1"])


def test_the_registry_of_an_old_filebeat_is_one_file(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    old = switch.folder / "registry.json"
    old.write_text(json.dumps([of_log_input(log, size_of(WIDE[:3]))["v"]]))
    assert begins(switch.take_over(source=old)[1]) == {"a.log": size_of(WIDE[:3])}


@pytest.mark.parametrize(
    "form", ["{inode} {major} {minor} {offset} 1519319662.85 {path}", "{inode} 0 {device} {offset}"]
)
def test_a_sincedb_of_logstash_says_how_far_it_has_come(switch: Switch, form: str) -> None:
    log = write(switch.logs / "with blanks.log", *WIDE)
    status = log.stat()
    place = {"inode": status.st_ino, "major": os.major(status.st_dev), "minor": os.minor(status.st_dev)}
    sincedb = switch.folder / ".sincedb_1"
    sincedb.write_text(form.format(**place, device=status.st_dev, offset=size_of(WIDE[:30]), path=log) + "\n")
    code, answer = switch.take_over("--apply", other="logstash", source=sincedb)
    assert (code, begins(answer), answer["files"][0]["note"]) == (Exit.CLEAN, {log.name: size_of(WIDE[:30])}, "")
    switch.once()
    assert switch.sources() == [WIDE[30:]]
    assert switch.verdict() == ("closed", [])


def test_fluent_bit_knows_files_by_inode_and_folder(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    other = write(switch.logs / "deeper" / "b.log", *numbered(300, 340))
    database = switch.folder / "tail.db"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(
            "CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER, inode INTEGER, "
            "created INTEGER, rotated INTEGER DEFAULT 0)"
        )
        rows = [(str(log), size_of(WIDE[:30]), log.stat().st_ino), ("/elsewhere/b.log", 500, other.stat().st_ino)]
        db.executemany("INSERT INTO in_tail_files (name, offset, inode) VALUES (?, ?, ?)", rows)
    rename(log, "a.log.1")
    code, answer = switch.take_over("--apply", other="fluent-bit", source=database)
    assert (code, answer["gone"]) == (Exit.CLEAN, ["/elsewhere/b.log"])
    assert begins(answer) == {"a.log.1": size_of(WIDE[:30]), "b.log": 0}
    switch.once()
    assert switch.sources() == [WIDE[30:], numbered(300, 340)]
    assert switch.verdict() == ("closed", [])


def test_of_two_files_that_had_an_inode_one_after_the_other_fluent_bit_means_the_newer(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    database = switch.folder / "tail.db"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset, inode)")
        rows = [(1, str(log) + ".1", size_of(WIDE[:30])), (2, str(log), size_of(WIDE[:10])), (3, str(log), None)]
        db.executemany(f"INSERT INTO in_tail_files VALUES (?, ?, ?, {log.stat().st_ino})", rows)
    code, answer = switch.take_over("--apply", other="fluent-bit", source=database)
    assert (code, begins(answer)) == (Exit.CLEAN, {"a.log": size_of(WIDE[:10])})


def test_a_device_that_has_another_number_since_is_told(switch: Switch) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    entry = of_log_input(log, size_of(WIDE[:30]))
    entry["v"]["FileStateOS"]["device"] += 1
    moved = of_log_input(write(switch.logs / "b.log", *numbered(300, 340)), 20)
    moved["v"] |= {"source": "/elsewhere/b.log", "FileStateOS": {**moved["v"]["FileStateOS"], "device": 1}}
    switch.log_file((1, "set", entry), (2, "set", moved))
    code, answer = switch.take_over("--apply")
    assert (code, begins(answer)) == (Exit.FINDINGS, {"a.log": size_of(WIDE[:30]), "b.log": 0})
    assert [one["doubtful"] for one in answer["files"]] == [True, False]
    assert "its device had another number then" in answer["files"][0]["note"]
    switch.once()
    assert switch.sources() == [WIDE[30:], numbered(300, 340)]


@pytest.mark.parametrize("keep_state", [True, False], ids=["with state", "rebuilt"])
def test_a_state_that_is_rebuilt_after_a_switch_ships_nothing_twice(switch: Switch, *, keep_state: bool) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", native(log, size_of(WIDE[:30]))))
    switch.take_over("--apply")
    switch.once()
    if not keep_state:
        assert switch.run("state", "rebuild").returncode == Exit.CLEAN
    append(log, *numbered(100, 102))
    assert switch.once()["stored"] == 2
    assert switch.sources() == [[*WIDE[30:], *numbered(100, 102)]]
    assert switch.verdict() == ("closed", [])


def test_an_archive_that_was_read_to_its_end_is_skipped_whole(switch: Switch) -> None:
    packed = compress(write(switch.logs / "a.log", *WIDE))
    status = packed.stat()
    sincedb = switch.folder / ".sincedb_1"
    sincedb.write_text(f"{status.st_ino} 0 {status.st_dev} {status.st_size}\n")
    _, answer = switch.take_over("--apply", other="logstash", source=sincedb)
    assert begins(answer) == {"a.log.gz": None}
    assert switch.once()["filtered"] == {"before_start": 40}
    assert switch.verdict() == ("closed", [])


def test_an_input_that_would_ship_it_all_again_without_its_state_is_refused(tmp_path: Path) -> None:
    switch = Switch(tmp_path, start_at="beginning")
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", native(log, 70)))
    done = switch.run("state", "import", "--from", "filebeat", str(switch.registry), "--apply")
    assert done.returncode == Exit.USAGE
    assert "Write `start_at: now` for logs" in done.stderr


@pytest.mark.parametrize(
    ("other", "name", "text", "words"),
    [
        ("filebeat", "registry.json", "{}", "no registry of Filebeat"),
        ("filebeat", "registry.json", "nothing", "no registry of Filebeat"),
        ("fluent-bit", "tail.db", "no database, however long it is", "no database of Fluent Bit"),
        ("fluent-bit", "tail.db", "", "no database of Fluent Bit"),
        ("filebeat", "registry.json", '[{"FileStateOS": {"inode": "x"}, "offset": 1}]', """entry '0' is none that"""),
        ("filebeat", "registry.json", '[{"FileStateOS": {"inode": 1}, "offset": -1}]', "a number from 0 on"),
        ("filebeat", "registry.json", '[{"FileStateOS": 7}]', "7 stands where an object should"),
        ("filebeat", "registry.json", '[{"cursor": "x", "meta": {"source": "/a"}}]', '"x" stands where an object'),
        ("logstash", ".sincedb", "1 2 3\n", ".sincedb:1: this is no line of a sincedb"),
        ("logstash", ".sincedb", "1 2 3 x\n", ".sincedb:1: this is no line of a sincedb"),
    ],
)
def test_what_is_no_bookkeeping_is_a_mistake(
    switch: Switch, capsys: pytest.CaptureFixture[str], other: str, name: str, text: str, words: str
) -> None:
    path = switch.folder / name
    path.write_text(text)
    command = ["state", "import", "-c", str(switch.configuration), "--from", other, str(path)]
    assert execute(command) == Exit.USAGE
    assert words in capsys.readouterr().err


def test_a_registry_of_another_version_and_a_folder_without_one_are_mistakes(
    switch: Switch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["state", "import", "-c", str(switch.configuration), "--from", "filebeat"]
    (switch.registry / "meta.json").write_text('{"version":"2"}')
    assert execute([*command, str(switch.registry)]) == Exit.USAGE
    assert "version 2 is not known" in capsys.readouterr().err
    for text in ("[]", "{"):
        (switch.registry / "meta.json").write_text(text)
        assert execute([*command, str(switch.registry)]) == Exit.USAGE
        assert "does not belong to a registry" in capsys.readouterr().err
    assert execute([*command, str(switch.logs)]) == Exit.USAGE
    assert "there is no registry of Filebeat here" in capsys.readouterr().err


def test_people_read_a_line_for_each_file(switch: Switch, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(switch.logs / "a.log", *WIDE)
    switch.log_file((1, "set", native(log, size_of(WIDE[:30]))))
    command = ["state", "import", "-c", str(switch.configuration), "--from", "filebeat", str(switch.registry)]
    assert execute(command) == Exit.CLEAN
    text = " ".join(capsys.readouterr().out.split())
    assert f"logs: {log}: from byte {size_of(WIDE[:30]):,} of {size_of(WIDE):,} (known by inode)" in text
    assert "1 file to be recorded by --apply." in text
