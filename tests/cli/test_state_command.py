"""`shipper state` on a site of all samples and on small ones: shown, verified, restored, rebuilt, forgotten."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.bulk_faults import items
from support.bulk_server import BulkServer, failed_item
from support.commands import Commands
from support.logs import append, compress, numbered, write
from support.running import Running
from support.state_rows import CHECKPOINTS, LEDGER, MARKS, rows

from shipper.cli import execute
from shipper.errors import Exit


def ask(configuration: Path, capsys, *arguments: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = execute(["state", arguments[0], "-c", str(configuration), "--json", *arguments[1:]])
    return code, json.loads(capsys.readouterr().out)


def said(configuration: Path, capsys, *arguments: str) -> tuple[int, str]:
    """Exit code, and all that was said to a person."""
    capsys.readouterr()
    code = execute(["state", arguments[0], "-c", str(configuration), *arguments[1:]])
    answer = capsys.readouterr()
    return code, answer.out + answer.err


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """All samples, shipped to SQLite."""
    folder = tmp_path_factory.mktemp("shipped")
    site = Commands(folder, json.dumps({"sqlite": {"path": str(folder / "index.db")}}))
    site.ask("run", "--once", code=None)
    return site


@pytest.fixture
def site(tmp_path):
    """Small files of any text, shipped."""
    running = Running(tmp_path)
    for number in range(3):
        write(running.logs / f"{number}.log", *numbered(number * 100, number * 100 + 50))
    running.once()
    return running


def test_the_state_of_all_samples_is_sound_line_by_line(shipped, capsys):
    code, answer = ask(shipped.configuration, capsys, "verify")
    assert (code, answer["verdict"], answer["faults"]) == (Exit.CLEAN, "sound", [])
    assert answer["read_again"] == answer["files"] > 20


def test_a_rebuilt_state_has_the_same_checkpoints_and_the_same_ledger(shipped, capsys):
    before = [rows(shipped.folder, query) for query in (CHECKPOINTS, LEDGER)]
    dates = [mark for mark in rows(shipped.folder, MARKS) if mark[3] == "date"]
    shipped.forget()
    code, answer = ask(shipped.configuration, capsys, "rebuild")
    assert (code, answer["absent"], answer["gone"], answer["kept"]) == (Exit.CLEAN, 0, 0, None)
    assert [rows(shipped.folder, query) for query in (CHECKPOINTS, LEDGER)] == before
    assert [mark for mark in rows(shipped.folder, MARKS) if mark[3] == "date"] == dates
    assert ask(shipped.configuration, capsys, "verify")[1]["verdict"] == "sound"
    assert shipped.ask("run", "--once", code=None)["documents"] == 0
    assert shipped.ask("audit", code=None)["verdict"] == "closed"


def test_a_damaged_state_is_rebuilt_and_kept(site, capsys):
    path = site.folder / "state" / "state.db"
    path.write_bytes(path.read_bytes()[:5000])
    code, text = said(site.configuration, capsys, "verify")
    assert code == Exit.UNFINISHED
    assert "shipper state rebuild" in text
    code, answer = ask(site.configuration, capsys, "rebuild")
    assert (code, answer["recognised"], answer["lines"]) == (Exit.CLEAN, 150, 150)
    assert Path(answer["kept"]).read_bytes()[:16] == b"SQLite format 3\0"
    assert site.verdict() == ("closed", [])


def test_what_the_index_lacks_is_beyond_the_rebuilt_checkpoint_and_sent_by_the_next_run(site, capsys):
    with closing(sqlite3.connect(site.index)) as db, db:
        db.execute("DELETE FROM documents WHERE document ->> '$.message' LIKE 'line 000120%'")
    shutil.rmtree(site.folder / "state")
    code, answer = ask(site.configuration, capsys, "rebuild")
    assert (code, answer["absent"], answer["recognised"]) == (Exit.FINDINGS, 1, 149)
    assert site.count() == 149
    assert ask(site.configuration, capsys, "verify")[1]["verdict"] == "sound"
    assert site.once()["stored"] == 1
    assert site.verdict() == ("closed", [])


def test_contents_of_which_no_file_is_left_are_told(site, capsys):
    (site.logs / "1.log").unlink()
    shutil.rmtree(site.folder / "state")
    code, answer = ask(site.configuration, capsys, "rebuild")
    assert (code, answer["files"], answer["gone"]) == (Exit.FINDINGS, 2, 1)


def test_without_an_index_nothing_is_rebuilt_and_the_old_state_stays(site, capsys):
    site.index.unlink()
    before = (site.folder / "state" / "state.db").read_bytes()
    code, text = said(site.configuration, capsys, "rebuild")
    assert code == Exit.UNFINISHED
    assert "there is no index" in text
    assert (site.folder / "state" / "state.db").read_bytes() == before


@pytest.mark.parametrize("command", ["rebuild", "restore", "forget"])
def test_what_changes_the_state_is_refused_while_an_agent_runs(site, capsys, command):
    shutil.copy(site.folder / "state" / "state.db", site.folder / "copy.db")
    arguments = {"rebuild": [], "restore": [str(site.folder / "copy.db")], "forget": ["--yes", "x"]}[command]
    with site:
        code, text = said(site.configuration, capsys, command, *arguments)
    assert code == Exit.UNFINISHED
    assert "an agent runs on this state already" in text


def test_an_agent_keeps_a_copy_of_the_state_that_can_be_put_back(site, capsys):
    with site:
        site.until((site.folder / "state" / "state.db.backup").exists)
        append(site.logs / "0.log", *numbered(50, 80))
        site.wait_for(180)
    compress(site.logs / "1.log")
    code, answer = ask(site.configuration, capsys, "restore")
    assert code == Exit.CLEAN
    assert Path(answer["kept"]).exists()
    done = site.once()
    assert (done["stored"], done["already_stored"]) == (0, 30)
    assert site.verdict() == ("closed", [])


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(5000), b"no database at all"])
def test_a_copy_that_is_no_state_is_not_put_back(site, capsys, content):
    copy = site.folder / "copy.db"
    copy.write_bytes(content)
    before = (site.folder / "state" / "state.db").read_bytes()
    code, text = said(site.configuration, capsys, "restore", str(copy))
    assert code == Exit.UNFINISHED
    assert str(copy) in text
    assert (site.folder / "state" / "state.db").read_bytes() == before


def test_a_copy_that_is_not_there_is_a_mistake(site, capsys):
    code, text = said(site.configuration, capsys, "restore")
    assert code == Exit.USAGE
    assert "there is no such copy" in text


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE ledger SET bytes = bytes - 1 WHERE file = 1", "and the checkpoint is at"),
        ("UPDATE ledger SET h0 = h0 + 1 WHERE file = 1", "The ledger holds 50 lines, and the file has 50"),
        ("UPDATE ledger SET lines = 49 WHERE file = 1", "The ledger holds 49 lines, and the file has 50"),
        ("UPDATE checkpoints SET chain = '0000000000000001' WHERE file = 1", "are not those that were read"),
        ("DELETE FROM definitions", "by which it was parsed, is not there"),
        ("DELETE FROM marks WHERE file = 1", "no mark tells by which pipeline"),
        ("INSERT INTO ledger VALUES (1, 99, 0, 'stored', 1, 1, 1, 1)", "speaks of file 99"),
    ],
)
def test_what_does_not_add_up_is_named(site, capsys, damage, problem):
    with closing(sqlite3.connect(site.folder / "state" / "state.db")) as db, db:
        db.execute(damage)
    code, answer = ask(site.configuration, capsys, "verify")
    assert (code, answer["verdict"]) == (Exit.FINDINGS, "faults")
    assert problem in answer["faults"][0]["problem"]


def test_a_file_that_changed_below_its_checkpoint_proves_nothing(site, capsys):
    data = (site.logs / "0.log").read_bytes()
    (site.logs / "0.log").write_bytes(data[:-20] + b"x" + data[-19:])
    (site.logs / "1.log").unlink()
    _, answer = ask(site.configuration, capsys, "verify")
    assert (answer["verdict"], answer["read_again"], answer["unproved"]) == ("sound", 1, 2)


def test_show_counts_files_and_rows(site, capsys):
    code, answer = ask(site.configuration, capsys, "show")
    assert code == Exit.CLEAN
    assert (answer["files"], answer["rows"]["checkpoints"], answer["host"]) == ({"logs": 3}, 3, "dtn01.example.org")
    assert answer["outputs"][0].endswith("(in use)")
    text = said(site.configuration, capsys, "show")[1]
    assert "rows: " in text
    assert "dead letters: none" in text


def test_where_the_state_is_lost_none_is_made_that_would_hide_it_from_the_agent(site, capsys):
    shutil.rmtree(site.folder / "state")
    for command in (["show"], ["forget", "--yes", "x"]):
        code, text = said(site.configuration, capsys, *command)
        assert code == Exit.USAGE
        assert "there is no state" in text
    assert not (site.folder / "state").exists()


def test_only_what_is_gone_is_forgotten_and_the_audit_still_knows_it(site, capsys):
    for path in ("0.log", "1.log"):
        (site.logs / path).unlink()
    code, text = said(site.configuration, capsys, "forget", "--yes", f"{site.logs}/*.log")
    assert code == Exit.USAGE
    assert "2.log: this file is there" in text
    code, answer = ask(site.configuration, capsys, "forget", "--yes", f"{site.logs}/[01].log")
    assert (code, answer["rows"], len(answer["forgotten"])) == (Exit.CLEAN, 2, 2)
    assert ask(site.configuration, capsys, "show")[1]["files"] == {"logs": 1}
    assert site.verdict() == ("closed", [])


def test_a_host_that_was_moved_goes_on_with_its_state_when_that_is_said(site, capsys, tmp_path, monkeypatch):
    machine = tmp_path / "machine-id"
    monkeypatch.setattr("shipper.start.MACHINE_ID", machine)

    def run() -> tuple[int, str]:
        code = execute(["run", "--once", "-c", str(site.configuration)])
        return code, capsys.readouterr().err

    machine.write_text("one\n")
    assert ask(site.configuration, capsys, "adopt")[1]["machine"] == "one"
    assert run()[0] == Exit.CLEAN
    machine.write_text("two\n")
    code, words = run()
    assert code == Exit.UNFINISHED
    assert "The machine id is 'two' now; the state was made under 'one'" in words
    assert "run: shipper state adopt" in words
    assert said(site.configuration, capsys, "adopt")[0] == Exit.CLEAN
    assert run()[0] == Exit.CLEAN
    machine.unlink()
    assert run()[0] == Exit.CLEAN, "a container may have none"
    machine.write_text("one\n")
    assert run()[0] == Exit.UNFINISHED


def test_a_name_that_the_state_does_not_know_is_a_mistake(site, capsys):
    code, text = said(site.configuration, capsys, "forget", "--yes", "nothing.log")
    assert code == Exit.USAGE
    assert "knows no file of this path" in text


@pytest.mark.parametrize("command", ["show", "verify"])
def test_without_a_state_there_is_nothing_to_look_at(tmp_path, capsys, command):
    running = Running(tmp_path)
    code, text = said(running.configuration, capsys, command)
    assert code == Exit.USAGE
    assert "there is no state" in text


def test_a_state_is_rebuilt_from_elasticsearch_with_what_it_refused_left_to_the_next_run(tmp_path, capsys):
    refused = failed_item(400, "document_parsing_exception", "no")
    with BulkServer() as server:
        running = Running(tmp_path, output={"elasticsearch": {"hosts": [server.url]}})
        write(running.logs / "a.log", *numbered(0, 50))
        server.script.append(items(lambda index, name, body: refused if b"line 000049" in body else None))
        assert running.ask("run", "--once", code=Exit.FINDINGS)["dead_letters"] == 1
        write(running.logs / "b.log", *numbered(100, 150))
        running.once()
        shutil.rmtree(tmp_path / "state")
        code, answer = ask(running.configuration, capsys, "rebuild")
        assert (code, answer["recognised"], answer["absent"]) == (Exit.FINDINGS, 99, 1)
        assert len(server.stored) == 99

        server.script.append(items(lambda index, name, body: refused if b"line 000049" in body else None))
        assert running.ask("run", "--once", code=Exit.FINDINGS)["dead_letters"] == 1
        assert ask(running.configuration, capsys, "verify")[1]["verdict"] == "sound"
        assert running.ask("status", code=None)["totals"]["lag_bytes"] == 0
        assert len(server.stored) == 99


@pytest.mark.parametrize("level", ["disk", "contents"])
def test_what_was_discarded_is_still_accounted_for(tmp_path, level):
    half = "\n".join(numbered(0, 20)) + "\nhalf a line"
    running = Running(tmp_path)
    running.settings["inputs"][0]["incomplete"] = "refuse"
    running.configure(running.settings)
    (running.logs / "a.log.gz").write_bytes(gzip.compress(half.encode(), mtime=0))
    running.ask("run", "--once", code=Exit.FINDINGS)
    assert running.ask("dead-letters", "discard", "--all", "--yes") == {"discarded": 1}
    report = running.ask("audit", "--level", level)
    assert (report["verdict"], report["totals"]["dead_letters"], report["findings"]) == ("closed", 1, [])
    with closing(sqlite3.connect(running.index)) as db, db:
        db.execute("DELETE FROM documents WHERE document ->> '$.message' LIKE 'line 000007%'")
    report = running.ask("audit", "--level", level, code=Exit.FINDINGS)
    assert [(finding["kind"], finding["lines"]) for finding in report["findings"]] == [("missing", 1)]
