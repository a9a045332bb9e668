"""What an audit is limited to: event time, paths, and the files of a host that is not this one."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.permissions import file_permissions_hold
from support.site import HOST, Site, found, transfer

from shipper import cli
from shipper.audit.families import Family
from shipper.audit.findings import Verdict
from shipper.audit.window import Window, within
from shipper.records import BucketTally, Tally
from shipper.send.output import Period

DAY = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
"""On which `transfer(n)` happens, n seconds after midnight."""
HOUR = 3600


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A file for each of the hours 0, 3 and 6, each changed last when its last line was written."""
    site = Site(tmp_path)
    for hour in (0, 3, 6):
        path = site.write(f"hour{hour}.log", [transfer(hour * HOUR + n) for n in range(100)])
        os.utime(path, (DAY + hour * HOUR + 100, DAY + hour * HOUR + 100))
    (tmp_path / "shipper.yml").write_text(
        f"host: {HOST}\nstate: {tmp_path}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{tmp_path}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {tmp_path}/index.db}}}}\n"
    )
    site.ship()
    for hour in (0, 3, 6):
        assert site.sql("DELETE FROM documents WHERE timestamp / 1000000000 = ?", int(DAY) + hour * HOUR + 50) == 1
    return site


def names(site: Site, window: Window) -> list[str]:
    return [name for _, _, name, _, _ in found(site.audit(window=window))]


def run(site: Site, *arguments: str) -> int:
    return cli.execute(["audit", "-c", str(site.root / "shipper.yml"), *arguments])


def test_without_limits_all_files_are_looked_at(site: Site) -> None:
    assert names(site, Window()) == ["hour0.log", "hour3.log", "hour6.log"]


def test_files_that_were_changed_last_before_the_window_are_left_out(site: Site) -> None:
    assert names(site, Window(since=DAY + 2 * HOUR)) == ["hour3.log", "hour6.log"]
    outcome = site.audit(window=Window(since=DAY + 5 * HOUR))
    assert (outcome.files, outcome.totals.disk_lines) == (1, 100)


def test_files_that_begin_after_the_window_are_left_out(site: Site) -> None:
    assert names(site, Window(until=DAY + 4 * HOUR)) == ["hour0.log", "hour3.log"]
    assert names(site, Window(DAY + 2 * HOUR, DAY + 4 * HOUR)) == ["hour3.log"]


def test_a_file_whose_beginning_is_missing_is_looked_at_whatever_its_first_document_says(site: Site) -> None:
    site.sql("DELETE FROM documents WHERE offset = 0")
    assert names(site, Window(until=DAY + 1 * HOUR))[-2:] == ["hour6.log", "hour6.log"]


def test_a_file_that_lost_its_end_is_looked_at_if_it_was_changed_in_the_window(site: Site) -> None:
    path = site.logs / "hour0.log"
    os.utime(path, (DAY + 6 * HOUR, DAY + 6 * HOUR))
    assert names(site, Window(since=DAY + 5 * HOUR)) == ["hour0.log", "hour6.log"]


def test_a_file_that_the_index_holds_nothing_of_is_looked_at(site: Site) -> None:
    fingerprint = {f.path: f.fingerprint for f in site.audit().findings}[str(site.logs / "hour6.log")]
    site.sql("DELETE FROM documents WHERE fingerprint = ?", fingerprint)
    outcome = site.audit(window=Window(since=DAY + 5 * HOUR))
    assert outcome.totals.missing == 100


def test_without_state_the_window_holds_too(site: Site) -> None:
    outcome = site.audit(window=Window(DAY + 2 * HOUR, DAY + 4 * HOUR), use_state=False)
    assert found(outcome) == [("missing", "not in the index", "hour3.log", 51, 51)]


def test_the_ledger_level_is_limited_to_buckets_that_may_lie_in_the_window(site: Site) -> None:
    outcome = site.audit(window=Window(until=DAY + 1 * HOUR), level="ledger")
    assert Path(outcome.findings[0].path).name == "hour0.log"


def family_of(buckets: dict[int, float], *, until: float | None = None, since: float | None = None) -> list[int]:
    """The wanted buckets of a family whose files are gone and whose buckets hold an hour each."""
    held = {bucket: BucketTally("h", "i", "f", bucket, 1, Tally(1), bucket << 24) for bucket in buckets}
    family = Family("i", ("f",), held=held)
    periods = [Period("h", "i", "f", bucket, int(start), 1) for bucket, start in buckets.items()]
    chosen = within(Window(since, until), [family], periods)
    return [bucket for bucket in range(max(buckets) + 2) if chosen and family.wanted(bucket)]


def test_of_one_file_only_buckets_near_the_window_are_wanted() -> None:
    hours = {bucket: bucket * float(HOUR) for bucket in range(10)}
    wanted = family_of(hours, since=4.5 * HOUR, until=5.5 * HOUR)
    assert wanted == [3, 4, 5, 6]


def test_a_hole_between_two_buckets_is_wanted_if_either_neighbour_is() -> None:
    wanted = family_of({0: 0.0, 1: float(HOUR), 3: 3.0 * HOUR, 4: 4.0 * HOUR}, since=3.5 * HOUR)
    assert wanted == [2, 3, 4]


def test_a_window_that_nothing_touches_leaves_the_family_out() -> None:
    assert family_of({0: 0.0, 1: 0.0}, since=9.0 * HOUR) == []


def test_since_and_until_are_told_in_utc_and_local_time(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(site, "--since", "2026-11-21T02:00:00Z", "--until", "2026-11-21T05:00:00+01:00") == 1
    printed = capsys.readouterr().out
    assert "only what may hold events from 2026-11-21T02:00:00Z (" in printed
    assert "to 2026-11-21T04:00:00Z (" in printed
    assert "local time" in printed
    assert "1 file with 100 lines" in printed


def test_until_a_date_means_the_whole_day(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "--until", "2026-11-21", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["totals"]["missing"] == 3
    local_midnight = datetime(2026, 11, 22).astimezone()
    assert datetime.fromisoformat(document["audited"][0]["until"]) == local_midnight


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "--since yesterday: this is no moment."),
        (("--since", "2026-11-22", "--until", "2026-11-20"), "--since 2026-11-22 is later than --until 2026-11-20."),
        (("--since", "2026-11-22", "--until", "2026-11-21"), "--since 2026-11-22 is later than --until 2026-11-21."),
        (("--fail-on", "everything"), "'everything' is no kind of finding. Allowed are missing, lost_at_source"),
        (("--fail-on", "unproved"), "always ends with exit code 3"),
        (("some.json",), "some.json: files are read only with --merge."),
        (("--merge",), "--merge needs the files"),
    ],
)
def test_a_wrong_scope_is_exit_two_with_a_sentence(
    site: Site, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert run(site, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_folder_as_path_means_all_that_is_below_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "--path", f"{site.logs}/", "--json") == 1
    assert json.loads(capsys.readouterr().out)["totals"]["disk_lines"] == 300


def test_another_hosts_files_are_audited_from_a_folder_with_the_index_alone(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tmp_path / "shipper.yml").read_text()
    (tmp_path / "shipper.yml").write_text(
        text.replace(HOST, "office.example.org")
        .replace(f"{tmp_path}/logs", "/var/log/gridftp")
        .replace(f"{tmp_path}/state", f"{tmp_path}/office")
    )
    copied = tmp_path / "copied"
    site.logs.rename(copied)
    arguments = ("--path", str(copied), "--host", HOST, "--input", "gridftp")
    assert run(site, *arguments, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["audited"][0]["host"] == HOST
    assert (document["totals"]["disk_lines"], document["totals"]["missing"]) == (300, 3)
    assert {finding["cause"] for finding in document["findings"]} == {"not in the index"}
    assert run(site, *arguments, "--repair", "--apply") == 2
    assert "Repair there" in capsys.readouterr().err
    assert not (tmp_path / "office").exists()


def test_excluded_files_stay_excluded_in_another_folder(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shipper.yml").write_text(
        f"host: office.example.org\nstate: {tmp_path}/office\n"
        "inputs:\n  - {name: gridftp, paths: ['/var/log/gridftp/*.log'], exclude: ['/var/log/gridftp/hour6*'], "
        f"pipeline: gridftp-transfer}}\noutput: {{sqlite: {{path: {tmp_path}/index.db}}}}\n"
    )
    site.sql("DELETE FROM documents WHERE timestamp / 1000000000 >= ?", int(DAY) + 6 * HOUR)
    assert run(site, "--path", str(site.logs), "--host", HOST, "--json") == 1
    assert json.loads(capsys.readouterr().out)["totals"]["disk_lines"] == 200
    assert run(site, "--path", str(site.logs), "--host", HOST, "--path", "x") == 2
    assert "give one folder with --path; there are 2" in capsys.readouterr().err


def test_the_window_of_an_audit_that_is_closed_is_closed(site: Site) -> None:
    site.repair()
    assert site.audit(window=Window(DAY + 2 * HOUR, DAY + 4 * HOUR)).verdict is Verdict.CLOSED


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 3),
        (("--no-state",), 3),
        (("--since", "2026-11-21T05:00"), 3),
        (("--path", "{root}/logs/closed/a.log"), 3),
        (("--path", "{root}/logs/hour0.log"), 1),
        (("--level", "ledger"), 1),
    ],
)
def test_what_may_lie_in_a_folder_that_nobody_may_look_into_is_never_called_closed_or_gone(
    site: Site, arguments: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = site.root / "shipper.yml"
    configuration.write_text(configuration.read_text().replace("logs/*.log*", "logs/**/*.log*"))
    (site.logs / "closed").mkdir()
    site.write("closed/a.log", [transfer(number) for number in range(200, 210)])
    (site.logs / "closed").chmod(0)
    with file_permissions_hold():
        assert run(site, *(word.format(root=site.root) for word in arguments)) == code
    printed = capsys.readouterr().out
    (site.logs / "closed").chmod(0o700)
    assert (f"unproved, unreadable: {site.logs}/closed on {HOST}\n" in printed) is (code == 3)
    assert f"  {site.logs}/closed: Permission denied\n" in printed or code == 1


def test_a_name_under_which_nothing_was_shipped_is_told_and_is_no_closed_audit(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).timestamp()
    for path in site.logs.iterdir():
        os.utime(path, (now, now))
    assert run(site, "--host", "dtn99.example.org") == 3
    printed = capsys.readouterr().out
    assert "unproved, nothing was ever shipped to this index: dtn99.example.org\n" in printed
    assert "ships under another name (`host`)\n" in printed
    assert run(site, "--host", HOST, "--no-state") == 1


def test_the_next_command_after_an_audit_from_another_host_is_for_the_host_itself(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = site.root / "shipper.yml"
    office = tmp_path / "office.yml"
    office.write_text(configuration.read_text().replace(HOST, "office.example.org"))
    page = tmp_path / "page.html"
    asked = ["audit", "-c", str(office), "--host", HOST, "--input", "gridftp", "--path", str(site.logs)]
    assert cli.execute([*asked, "--html", str(page)]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    command = "shipper audit --input gridftp --repair --apply"
    assert last == f"Next, on {HOST}: {command}"
    assert command in page.read_text()
    assert cli.execute([*asked, "--repair", "--apply"]) == 2
    assert cli.execute([*command.split()[1:], "-c", str(configuration)]) == 0


@pytest.mark.parametrize(("seconds", "pending"), [(-1000, 0), (-800, 1), (800, 1), (1000, 0)])
def test_without_state_a_wrong_clock_keeps_nothing_pending_for_ever(site: Site, seconds: int, pending: int) -> None:
    site.repair()
    site.sql("DELETE FROM documents WHERE timestamp / 1000000000 = ?", int(DAY) + 6 * HOUR + 99)
    modified = (site.logs / "hour6.log").stat().st_mtime
    site.now = modified - seconds
    totals = site.audit(use_state=False).totals
    assert (totals.pending, totals.missing) == (pending, 1 - pending)
