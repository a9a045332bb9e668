"""Reports of one and of many hosts: what is grouped, merged, refused, and what the exit code says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from support.site import HOST, Site, transfer

from shipper import cli
from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.report.document import as_document, read_document
from shipper.audit.report.hours import by_hour, table
from shipper.audit.timeline import Fate, Timeline, merged
from shipper.errors import Exit


def host_site(root: Path, host: str) -> Site:
    """A host with a file of an hour and a half, shipped."""
    root.mkdir()
    site = Site(root)
    site.write("a.log", [transfer(n * 10) for n in range(540)])
    text = (
        f"host: {HOST}\nstate: {root}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{root}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {root}/index.db}}}}\n"
    )
    (root / "shipper.yml").write_text(text.replace(HOST, host))
    assert cli.execute(["run", "--once", "-c", str(root / "shipper.yml")]) == 0
    return site


def lose_minute(site: Site, minute: int) -> int:
    return site.sql("DELETE FROM documents WHERE timestamp / 60000000000 % 60 = ?", minute)


def report_of(site: Site, capsys: pytest.CaptureFixture[str], *, code: int) -> Path:
    capsys.readouterr()
    assert cli.execute(["audit", "-c", str(site.root / "shipper.yml"), "--json"]) == code
    path = site.root / "report.json"
    path.write_text(capsys.readouterr().out)
    return path


@pytest.fixture
def reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, Path]:
    """The reports of a host that lost minute 7 of each hour, and of one that is closed."""
    one, other = host_site(tmp_path / "one", "dtn01.example.org"), host_site(tmp_path / "other", "dtn02.example.org")
    assert lose_minute(one, 7) == 12
    return report_of(one, capsys, code=1), report_of(other, capsys, code=0)


def test_findings_know_the_minutes_of_their_lines_and_an_example(reports: tuple[Path, Path]) -> None:
    document = json.loads(reports[0].read_text())
    assert [finding["minutes"] for finding in document["findings"]] == [
        {"2026-11-21T00:07Z": 6},
        {"2026-11-21T01:07Z": 6},
    ]
    assert document["findings"][0]["example"] == transfer(420).decode().strip()


def test_the_text_says_from_when_to_when_lines_are_missing_and_how_many_files_were_compared(
    reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    site = reports[0].parent
    heading = f"missing, gone from the index: 12 lines of {site}/logs/a.log on dtn01.example.org"
    assert cli.execute(["audit", "-c", str(site / "shipper.yml")]) == 1
    printed = capsys.readouterr().out
    assert "1 file with 540 lines: " in printed
    assert f"{heading}\n  events of 2026-11-21T00:07Z to 2026-11-21T01:07Z\n" in printed
    assert cli.execute(["audit", "-c", str(site / "shipper.yml"), "--level", "ledger"]) == 1
    printed = capsys.readouterr().out
    assert "1 file in the ledger: 528 in the index" in printed
    assert f"{heading}\n  from offset 0 on: " in printed


def test_the_timeline_holds_what_was_shipped_and_what_is_missing(reports: tuple[Path, Path]) -> None:
    timeline = json.loads(reports[0].read_text())["timeline"]
    (row,) = timeline["rows"]
    assert timeline["step_seconds"] == 60
    assert (row["host"], row["input"]) == ("dtn01.example.org", "gridftp")
    assert sum(row["shipped"].values()) == 528
    assert row["missing"] == {"2026-11-21T00:07:00Z": 6, "2026-11-21T01:07:00Z": 6}


def test_merged_reports_have_one_verdict_and_name_the_command_of_each_host(
    reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.execute(["audit", "--merge", *map(str, reports)]) == 1
    printed = capsys.readouterr().out
    assert "2 audits of 2 hosts: dtn01.example.org, dtn02.example.org." in printed
    assert "2 files with 1,080 lines: 1,068 in the index" in printed
    bars = re.search(r"dtn01.example.org: missing, gone from the index +12 +(\S{60})$", printed, re.MULTILINE)
    assert bars
    assert bars[1] == "·" * 7 + "█" + "·" * 52
    assert "Verdict: findings" in printed
    *_, last = printed.splitlines()
    assert last.startswith("Next, on dtn01.example.org: shipper audit -c ")
    assert cli.execute(shlex.split(last.partition(": ")[2])[1:]) == 0


def test_a_merged_report_is_a_report(reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["audit", "--merge", *map(str, reports), "--json"]) == 1
    text = capsys.readouterr().out
    document = json.loads(text)
    assert (document["verdict"], document["totals"]["missing"], len(document["audited"])) == ("findings", 12, 2)
    assert json.loads(json.dumps(as_document(read_document(document, "merged")))) == document
    page = reports[0].parent / "page.html"
    assert cli.execute(["audit", "--merge", *map(str, reports), "--html", str(page)]) == 1
    assert "gridftp on dtn02.example.org" in page.read_text()


def test_what_one_host_could_not_prove_nobody_proved(
    reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(reports[1].read_text())
    (finding, _) = json.loads(reports[0].read_text())["findings"]
    unproved = {**finding, "kind": "unproved", "cause": "unreadable", "host": "dtn02.example.org"}
    reports[1].write_text(json.dumps({**document, "verdict": "incomplete", "findings": [unproved]}))
    assert cli.execute(["audit", "--merge", *map(str, reports)]) == 3
    assert "Verdict: incomplete" in capsys.readouterr().out


def test_reports_that_are_none_or_contradict_themselves_are_refused(
    reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, changed = reports[0], reports[1]
    document = json.loads(good.read_text())
    for content, sentence in (
        ('{"verdict": "closed"}', "this is no report that `shipper audit --json` printed"),
        ("{", "this is no JSON document"),
        (json.dumps({**document, "verdict": "closed"}), "the report says 'closed', and its findings 'findings'"),
        (json.dumps({**document, "audited": []}), "this is no report"),
        (good.read_text(), "input gridftp of dtn01.example.org is in two reports"),
    ):
        changed.write_text(content)
        assert cli.execute(["audit", "--merge", str(good), str(changed)]) == 2
        assert sentence in capsys.readouterr().err
    assert cli.execute(["audit", "--merge", str(good.parent / "nowhere.json")]) == 2
    assert "nowhere.json: No such file or directory." in capsys.readouterr().err


def test_the_exit_code_is_about_the_kinds_that_were_asked_for_and_the_verdict_about_all(
    reports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    merge = ["audit", "--merge", str(reports[0])]
    for kinds, code in (("missing", 1), ("altered,missing", 1), ("altered", 0), ("duplicate,lost-at-source", 0)):
        assert cli.execute([*merge, "--fail-on", kinds]) == code
        assert "Verdict: findings" in capsys.readouterr().out


def finding(host: str, cause: Cause, minutes: dict[int, int], lines: int) -> Finding:
    return Finding(Kind.MISSING, cause, "i", host, "f", "/p", 0, 1, lines, lines, 1, "", None, minutes)


def test_findings_are_grouped_by_host_cause_and_minute_of_the_hour() -> None:
    findings = [
        finding("b", Cause.GONE_FROM_INDEX, {65: 3, 5: 2}, 5),
        finding("a", Cause.GONE_FROM_INDEX, {5: 1}, 1),
        finding("b", Cause.NEVER_ACKNOWLEDGED, {}, 9),
        finding("b", Cause.GONE_FROM_INDEX, {60 * 24 + 6: 1}, 1),
    ]
    rows = by_hour(findings)
    assert [(row.host, row.cause, row.lines, dict(row.minutes)) for row in rows] == [
        ("b", "never acknowledged", 9, {}),
        ("b", "gone from the index", 6, {5: 5, 6: 1}),
        ("a", "gone from the index", 1, {5: 1}),
    ]
    assert rows[1].peak == [5, 6]
    lines = list(table(rows))
    assert lines[1].endswith("9  time unknown")
    assert lines[2].endswith("6  " + "·" * 5 + "█▂" + "·" * 53)


def test_an_exit_code_for_no_kinds_is_still_unfinished_where_something_is_unproved() -> None:
    from shipper.audit.findings import Outcome

    outcome = Outcome(findings=[finding("a", Cause.GONE_FROM_INDEX, {}, 1)])
    assert (outcome.exit_code_for([Kind.MISSING]), outcome.exit_code_for([])) == (Exit.FINDINGS, Exit.CLEAN)
    outcome.findings.append(Finding(Kind.UNPROVED, Cause.UNREADABLE, "i", "a", "", "/p", None, None, None, 0, 0, ""))
    assert outcome.exit_code_for([]) is Exit.UNFINISHED


def test_timelines_of_different_steps_are_merged_in_the_longer_one_and_keep_every_line() -> None:
    fine, coarse = Timeline(60), Timeline(3600)
    for minute in range(120):
        fine.count(("a", "i"), Fate.SHIPPED, minute * 60, 2)
    coarse.count(("b", "i"), Fate.LOST, 7200, 5)
    both = merged([fine, coarse])
    assert both.step == 3600
    assert both.rows == {
        ("a", "i"): {Fate.SHIPPED: {0: 120, 3600: 120}},
        ("b", "i"): {Fate.LOST: {7200: 5}},
    }
    fitted = fine.fitting(10)
    assert fitted.step == 900
    assert sum(fitted.rows["a", "i"][Fate.SHIPPED].values()) == 240


def test_the_estimate_is_the_first_that_is_said_and_only_where_it_takes_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from shipper.cli import audit_progress

    site = host_site(tmp_path / "one", "dtn01.example.org")
    capsys.readouterr()
    command = ["audit", "-c", str(site.root / "shipper.yml")]
    assert cli.execute(command) == 0
    assert capsys.readouterr().err == ""
    size = (site.logs / "a.log").stat().st_size
    monkeypatch.setattr(
        audit_progress, "_BYTES_PER_SECOND", dict.fromkeys(audit_progress._BYTES_PER_SECOND, size // 200)
    )
    assert cli.execute([*command, "--no-state"]) == 0
    assert capsys.readouterr().err == f"About {size / 1024:.1f} KiB of logs are to be read: 3 min or so.\n"
    assert cli.execute([*command, "--level", "ledger"]) == 0
    assert capsys.readouterr().err == ""


def test_progress_is_told_in_bytes_from_nothing_to_all(tmp_path: Path) -> None:
    from contextlib import closing

    from shipper.audit.request import Request

    site = Site(tmp_path)
    sizes = [site.write(f"{name}.log", [transfer(number)]).stat().st_size for number, name in enumerate("abc")]
    site.ship()
    told: list[tuple[int, int]] = []
    with closing(site.open()) as output:
        site.auditor(output).audit(Request(), lambda done, of: told.append((done, of)))
    assert told[0] == (0, sum(sizes))
    assert told[-1] == (sum(sizes), sum(sizes))
    assert len(told) == 4
