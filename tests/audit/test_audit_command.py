"""`shipper audit` as it is typed."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock
from support.fleet import FleetHost, SQLiteIndex, a_fleet
from support.site import Site, transfer

from shipper import cli

TOTALS = [
    "disk_lines", "indexed", "filtered", "dead_letters", "pending", "missing", "lost_at_source", "duplicate", "altered",
    "unexpected", "unproved",
]  # fmt: skip
FINDING = [
    "kind", "cause", "input", "host", "fingerprint", "path", "offset", "first_line", "last_line", "lines", "bytes",
    "evidence", "repair", "minutes", "example",
]  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write("a.log", [transfer(n) for n in range(300)])
    site.write("b.log", [transfer(n) for n in range(1000, 1100)])
    (tmp_path / "shipper.yml").write_text(
        f"host: dtn01.example.org\nstate: {tmp_path}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{tmp_path}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {tmp_path}/index.db}}}}\n"
    )
    site.ship()
    return site


def run(site: Site, *arguments: str) -> int:
    return cli.execute(["audit", "-c", str(site.root / "shipper.yml"), *arguments])


def lose(site: Site, count: int) -> None:
    """Delete some documents, each with its neighbours kept."""
    rows = "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY fingerprint, offset) AS n FROM documents)"
    assert site.sql(f"DELETE FROM documents WHERE id IN ({rows} WHERE n % 2 = 0 LIMIT {count})") == count


def test_closed_is_zero_and_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site) == 0
    printed = capsys.readouterr()
    assert "2 files with 400 lines: 400 in the index, 0 filtered, 0 dead letters, 0 pending." in printed.out
    assert "Verdict: closed" in printed.out
    assert printed.err == ""


def test_json_is_one_document_of_the_promised_shape(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lose(site, 3)
    assert run(site, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["verdict", "totals", "findings", "incomplete_values", "audited", "timeline"]
    assert (document["verdict"], list(document["totals"])) == ("findings", TOTALS)
    assert document["totals"]["missing"] == 3
    assert [list(finding) for finding in document["findings"]] == [FINDING] * 3
    assert {finding["repair"] for finding in document["findings"]} == {"resend"}


def test_that_nobody_ships_what_is_pending_is_said_while_no_agent_runs(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write("b.log", [transfer(n) for n in range(1000, 1110)])
    assert run(site) == 0
    printed = capsys.readouterr()
    assert "10 pending." in printed.out
    assert printed.err == "No agent is running here: what is pending waits for the next `shipper run`.\n"
    with FileLock(site.root / "state" / "agent.lock"):
        assert run(site) == 0
    assert capsys.readouterr().err == ""


def test_an_input_that_matches_no_file_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for path in site.logs.iterdir():
        path.unlink()
    assert run(site) == 0
    printed = capsys.readouterr()
    assert "400 lines of files that are gone from disk" in printed.out
    assert printed.err == f"The input 'gridftp' matches no file now: {site.root}/logs/*.log*\n"
    assert run(site, "--level", "ledger") == 0
    assert capsys.readouterr().err == ""


def test_the_last_line_is_the_command_that_repairs(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lose(site, 3)
    assert run(site) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("Next: shipper audit -c ")
    command = shlex.split(last.removeprefix("Next: "))
    assert cli.execute(command[1:]) == 0
    printed = capsys.readouterr()
    assert "Repaired: 3 documents stored" in printed.err
    assert "Verdict: closed" in printed.out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("host: dtn01", "host: dtn02", "the state was made under 'dtn01.example.org'"),
        ("name: gridftp,", "name: transfers,", "Input 'transfers' has paths that input 'gridftp' had"),
    ],
)
@pytest.mark.parametrize("level", ["disk", "ledger"])
def test_a_state_that_knows_the_host_or_an_input_by_another_name_proves_nothing(
    site: Site, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str, level: str
) -> None:
    configuration = site.root / "shipper.yml"
    configuration.write_text(configuration.read_text().replace(old, new))
    assert run(site, "--level", level) == 3
    printed = capsys.readouterr()
    assert (printed.out, said in printed.err) == ("", True)


def test_a_plan_alone_changes_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lose(site, 3)
    before = site.documents()
    assert run(site, "--repair") == 1
    assert "Plan: send 3 lines again" in capsys.readouterr().err
    assert site.documents() == before


def test_a_long_report_is_cut_and_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lose(site, 60)
    assert run(site) == 1
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) < 60
    hidden = [int(number) for number in re.findall(r"and (\d+) more places", printed)]
    shown = len(re.findall(r"^  line", printed, re.MULTILINE))
    assert shown + sum(hidden) == 60


def test_a_gone_file_without_state_is_exit_three(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.logs / "b.log").unlink()
    assert run(site) == 0
    assert "100 lines of files that are gone from disk" in capsys.readouterr().out
    assert run(site, "--no-state") == 3
    assert "Verdict: incomplete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--apply",), "it needs --repair"),
        (("--input", "tstat"), "--input tstat: there is no such input. The configuration has gridftp."),
        (("--grace", "soon"), "--grace soon: 'soon' is not a time"),
        (("--level", "quick"), "'quick' is not one of"),
    ],
)
def test_a_wrong_command_line_is_exit_two_with_a_sentence(
    site: Site, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert run(site, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_control_characters_of_file_names_do_not_reach_the_terminal(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write("c\x1b[31m.log", [transfer(n) for n in range(5000, 5010)])
    assert run(site) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_path_that_no_file_matches_is_a_wrong_usage(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "--path", "/nope") == 2
    assert "--path /nope: no file of the inputs matches." in capsys.readouterr().err


def test_without_a_state_the_audit_says_that_there_is_none(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.forget()
    assert run(site) == 0
    assert f"There is no state in {site.root}/state" in capsys.readouterr().err


def bury(index: SQLiteIndex, host: FleetHost) -> None:
    """As if the first line of a host's log had been refused: no document, and the ledger documents say so."""
    with closing(sqlite3.connect(index.path)) as db, db:
        query = "SELECT lines, bytes, h0, h1, id FROM documents WHERE host = ? ORDER BY offset LIMIT 1"
        *numbers, name = db.execute(query, (host.name,)).fetchone()
        db.execute("DELETE FROM documents WHERE id = ?", (name,))
        values = dict(zip(("lines", "bytes", "h0", "h1"), numbers, strict=True))
        less = ", ".join(f"'$.shipper.{part}', (document ->> '$.shipper.{part}') - {n}" for part, n in values.items())
        dead = ", ".join(f"'$.shipper.{part}', {n}" for part, n in values.items())
        fate = "host = ? AND document ->> '$.shipper.fate' = 'stored'"
        made = f"json_set(document, '$.shipper.fate', 'dead:mapping', {dead})"
        db.execute(
            f"INSERT INTO ledger_documents SELECT id || 'x', kind, host, agent, {made} FROM ledger_documents "
            f"WHERE {fate}",
            (host.name,),
        )
        db.execute(f"UPDATE ledger_documents SET document = json_set(document, {less}) WHERE {fate}", (host.name,))


def test_from_another_host_dead_letters_are_told_by_the_ledger_documents(tmp_path: Path) -> None:
    index = SQLiteIndex(tmp_path)
    here, there = a_fleet(tmp_path, index, 2)
    for host in (here, there):
        host.ship()
    bury(index, there)
    asked = ("audit", "--host", there.name, "--path", str(there.logs), "--json")
    answer = here.shipper(*asked)
    totals = answer.report["totals"]
    assert (answer.code, totals["indexed"], totals["dead_letters"], answer.err) == (0, 79, 1, "")
    assert there.shipper("audit", "--no-state").code == 0
    index.forget_ledger(there)
    answer = here.shipper(*asked)
    assert (answer.code, answer.report["totals"]["missing"]) == (1, 1)
    assert (
        "Dead letters cannot be told from missing lines without a state or ledger documents. The output holds none of "
        f"{there.name}." in answer.err
    )
    index.sql("DROP TABLE ledger_documents")
    index.sql("CREATE TABLE ledger_documents (id TEXT)")
    answer = here.shipper(*asked)
    assert (answer.code, answer.report["totals"]["missing"]) == (1, 1)
    assert f"{index.path}: the ledger documents cannot be reached: no such column" in answer.err
