"""The traps common to all logs, C1 to C14, each from end to end: files on disk, agent, index, audit."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.agents import already_stored
from support.faulty import Faulty
from support.logs import append, compress, copy_and_truncate, numbered, rename, replace_in_place, write
from support.sample_logs import SAMPLES
from support.scene import CLOSED, Scene
from support.timed_logs import BACKEND, FRONTEND, MONITORING, SESSION, Form, epoch, scene, tagged, times
from support.timed_logs import write as write_at

from shipper.records import Document, Outcome, OutcomeKind

GRIDFTP = SAMPLES / "gridftp"
ODD_DROPS = """
dataset: app.log
parse: [{grok: ['^%{WORD:app.word} %{INT:app.number:int}$']}]
timestamp: {by: modification}
drop: [{rule: small, when: {app.number: {'<': 1000}}}]
"""


def bodies(host: Scene) -> list[dict[str, Any]]:
    """What is stored, in the order of arrival."""
    with closing(sqlite3.connect(host.folder / "index.db")) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT document FROM documents ORDER BY rowid")]


def sample(tmp_path: Path, name: str, pipeline: str, **settings: Any) -> Scene:
    """A host with a copy of a sample, shipped."""
    host = Scene.of(tmp_path, "*.log", pipeline=pipeline, **settings)
    shutil.copyfile(SAMPLES / name, host.logs / Path(name).name)
    host.once()
    return host


@pytest.fixture
def host(tmp_path: Path) -> Scene:
    return Scene.of(tmp_path, "*")


@pytest.mark.parametrize("form", [BACKEND, FRONTEND, SESSION], ids=str)
def test_c1_the_hour_that_clocks_repeat_follows_the_order_in_the_file_and_is_tagged(tmp_path: Path, form: Form) -> None:
    instants = ("2026-10-24 23:30:00", "2026-10-25 00:30:00", "2026-10-25 01:10:00", "2026-10-25 02:30:00")
    host = scene(tmp_path, form)
    write_at(host, form, *instants)
    host.once()

    assert times(host) == list(instants)
    assert tagged(host, "_timestamp_ambiguous") == list(instants[1:3])


@pytest.mark.parametrize("form", [BACKEND, FRONTEND, MONITORING], ids=str)
def test_c2_a_missing_year_or_date_is_that_of_the_file_and_not_of_the_day_of_reading(
    tmp_path: Path, form: Form
) -> None:
    host = scene(tmp_path, form)
    write_at(host, form, "2026-12-31 22:00:00", "2026-12-31 23:30:00", "2027-01-01 10:00:00")
    host.clock.now = epoch("2029-05-05 12:00:00")
    host.once()

    assert times(host) == ["2026-12-31 22:00:00", "2026-12-31 23:30:00", "2027-01-01 10:00:00"]
    assert {document["shipper"]["date"] for document in bodies(host)} == {"2026-12-31"}


def test_c3_a_last_line_without_newline_waits_until_its_file_can_grow_no_more(host: Scene) -> None:
    log = write(host.logs / "app.log", *numbered(0, 3))
    with log.open("ab") as file:
        file.write(b"cut by a killed writer")
    host.once()
    waiting = (host.messages(), host.pending)
    compress(log)
    host.once()

    assert waiting == (Counter(numbered(0, 3)), 1)
    assert host.messages() == Counter([*numbered(0, 3), "cut by a killed writer"])
    (cut,) = [body for body in bodies(host) if body["message"] == "cut by a killed writer"]
    assert "_line_incomplete" in cut["tags"]
    assert host.verdict() == CLOSED


def test_c4_nuls_after_a_crash_are_no_line_and_what_follows_them_is_one(host: Scene) -> None:
    log = write(host.logs / "app.log", *numbered(0, 3))
    with host.live() as one:
        one.catch_up(12)
        os.truncate(log, 8192)
        one.catch_up(60)
        append(log, *numbered(3, 5))
        one.catch_up(60)

    assert host.messages() == Counter(numbered(0, 5))
    (stripped,) = [body for body in bodies(host) if "_nul_stripped" in body["tags"]]
    assert stripped["message"] == numbered(3, 4)[0]
    assert stripped["shipper"]["bytes"] == 8192 - len("\n".join(numbered(0, 3))) - 1 + len(numbered(3, 4)[0]) + 1
    assert host.verdict() == CLOSED


def test_c5_bytes_that_are_no_utf_8_are_shown_and_stop_nothing(tmp_path: Path) -> None:
    name = "gridftp/variants/gridftp-transfer.log"
    data = (SAMPLES / name).read_bytes()
    host = sample(tmp_path, name, "raw")

    assert b"\xe9" in data
    assert sum(r"\xe9" in message for message in host.messages()) == data.count(b"\xe9")
    assert host.lines_stored() == data.count(b"\n")
    assert host.verdict() == CLOSED


def test_c6_a_carriage_return_before_the_newline_is_in_no_field(tmp_path: Path) -> None:
    name = "gridftp/pst_all/gridftp.log"
    host = sample(tmp_path, name, "gridftp-session", timezone="Europe/Rome")

    assert b"\r\n" in (SAMPLES / name).read_bytes()
    assert [body for body in bodies(host) if "\\r" in json.dumps(body)] == []
    assert host.verdict() == CLOSED


def test_c7_a_very_long_line_is_cut_and_tagged_and_the_next_one_is_whole(host: Scene) -> None:
    long = "x" * (3 << 20)
    write(host.logs / "app.log", *numbered(0, 2), long, *numbered(2, 4))
    host.once()

    assert host.messages() == Counter([*numbered(0, 4), long[: 1 << 20]])
    (cut,) = [body for body in bodies(host) if "_line_truncated" in body["tags"]]
    assert cut["shipper"]["bytes"] == len(long) + 1
    assert host.verdict() == CLOSED


def test_c8_content_tells_files_apart_whatever_name_inode_size_or_time_they_have(host: Scene) -> None:
    log = write(host.logs / "app.log", *numbered(0, 10))
    host.once()
    moved = rename(log, "app.log.1")
    write(log, *numbered(10, 20))  # another file under the name
    host.once()
    shutil.copy2(moved, host.logs / "restored.log")  # the same one under another name and inode
    replace_in_place(log, *numbered(20, 40))  # another one under name and inode, longer than before
    host.once()

    assert host.messages() == Counter(numbered(0, 40))


def test_c9_lines_that_a_forked_child_wrote_twice_are_two_and_a_line_read_twice_is_one(tmp_path: Path) -> None:
    name = "gridftp/gridftp-execfail.log"
    lines = [line for line in (SAMPLES / name).read_text().splitlines() if line]  # blank ones are filtered
    host = sample(tmp_path, name, "raw")
    host.forget()
    totals = host.once()

    assert max(Counter(lines).values()) == 2
    assert host.messages() == Counter(lines)
    assert already_stored(totals) == len(lines)
    assert host.verdict() == CLOSED


def test_c10_a_document_that_the_index_refuses_takes_no_other_with_it(host: Scene) -> None:
    def refuse_one(document: Document) -> Outcome | None:
        refused = b"line 000007" in document.body
        return Outcome(OutcomeKind.REFUSED, "mapping", "no such type") if refused else None

    write(host.logs / "app.log", *numbered(0, 20))
    with closing(Faulty(host, refuse_one)) as output, host.live(output) as one:
        one.catch_up(12)

    assert host.messages() == Counter([*numbered(0, 7), *numbered(8, 20)])
    outcome = host.audit()
    assert (outcome.verdict.value, outcome.totals.dead_letters) == ("closed", 1)


def test_c11_lines_that_no_pattern_matches_are_shipped_as_they_are_with_a_tag(tmp_path: Path) -> None:
    host = sample(tmp_path, "storm/bookkeeping.log", "gridftp-transfer")
    lines = (SAMPLES / "storm/bookkeeping.log").read_text().splitlines()

    assert host.messages() == Counter(lines)
    assert all("_grokparsefailure" in body["tags"] for body in bodies(host))
    assert host.verdict() == CLOSED


def test_c12_what_a_rule_drops_is_counted_under_its_name_and_no_loss(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "app.yml").write_text(ODD_DROPS)
    host = Scene.of(tmp_path, "*.log", pipeline="app")
    host.with_settings(pipeline_dirs=(tmp_path / "own",))
    log = write(host.logs / "app.log", *(f"transfer {number}" for number in range(900, 1100)))
    totals = host.once()

    assert totals.filtered == Counter({"small": 100})
    assert host.ledger_by_path() == {str(log): Counter({"filtered:small": 100, "stored": 100})}
    outcome = host.audit()
    assert (outcome.verdict.value, outcome.totals.filtered) == ("closed", 100)


def test_c13_a_file_name_that_forges_keys_changes_no_other_field(tmp_path: Path) -> None:
    name = "gridftp/pst_all/gridftp-transfer.log"
    host = sample(tmp_path, name, "gridftp-transfer")
    line = (SAMPLES / name).read_text().splitlines()[0]
    (forged,) = [body for body in bodies(host) if body["message"] == line]

    fields = forged["gridftp"]
    assert fields["file"] == "/srv/gf/data/FILE=x BUFFER=1 NBYTES=9 DEST=[1.2.3.4] TYPE=STOR CODE=226"
    assert (fields["nbytes"], fields["dest"], fields["type"], fields["buffer"]) == (5000, "127.0.0.1", "RETR", 131072)
    assert forged["host"] == {"name": "dtn01.example.org"}
    assert forged["log"]["file"]["path"] == str(host.logs / "gridftp-transfer.log")


@pytest.mark.parametrize("how", ["renamed", "compressed", "dated", "copied and truncated", "twice"])
def test_c14_a_log_that_was_rotated_while_no_agent_ran_is_read_on_where_it_went(host: Scene, how: str) -> None:
    log = write(host.logs / "app.log", *numbered(0, 10))
    host.once()
    append(log, *numbered(10, 20))
    if how == "renamed":
        rename(log, "app.log.1")
    elif how == "compressed":
        compress(rename(log, "app.log.1"))
    elif how == "dated":
        compress(rename(log, "app.log-20261122"))
    elif how == "copied and truncated":
        copy_and_truncate(log, "app.log.1")
    else:
        compress(rename(rename(log, "app.log.1"), "app.log.2"))
        write(host.logs / "app.log.1", *numbered(20, 25))
    first = 25 if how == "twice" else 20
    append(log, *numbered(first, 30))
    host.once()

    assert host.messages() == Counter(numbered(0, 30))
    assert host.verdict() == CLOSED
