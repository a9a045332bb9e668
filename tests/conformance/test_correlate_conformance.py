"""The public case of an index that lost half of its flows: the golden answers, from logs made of its tables."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from support.transcript import differs

from shipper.cli import execute
from shipper.errors import Exit

GOLDEN = Path(__file__).parents[3] / "shared" / "conformance" / "correlate"
DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
CAUSES = {
    "whole_transfer_at_30": "whole_transfers_at_minute",
    "host_absent": "silent_host",
    "small_stream": "small_stream",
    "unexplained": "unexplained",
}
"""The names of the golden data, and ours."""
DTN01 = "dtn01.nersc.gov"


@pytest.fixture(autouse=True)
def _golden():
    if not GOLDEN.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"NOT TESTED against the golden data, which are not at {GOLDEN}")


@pytest.fixture(scope="module", params=["15", "9"])
def case(request, tmp_path_factory):
    """The folder of the logs and documents, in a layout of tstat's columns, without noise."""
    return built(tmp_path_factory.mktemp("case"), "--layout", request.param)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    return built(tmp_path_factory.mktemp("noisy"), "--noise")


def built(folder, *options):
    if not GOLDEN.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"NOT TESTED against the golden data, which are not at {GOLDEN}")
    subprocess.run([sys.executable, GOLDEN / "build.py", folder, *options], check=True, capture_output=True)
    return folder


@cache
def expected():
    return json.loads((GOLDEN / "expected.json").read_text())


@pytest.fixture
def correlate(capsys):
    def correlate(case, *words, code):
        hosts = ["--hosts", str(GOLDEN / "hosts.csv")]
        words = ["correlate", "--gridftp", f"{case}/gridftp-transfer.log", *map(str, words), *hosts, "--json"]
        assert execute(words) == code
        return json.loads(capsys.readouterr().out)

    return correlate


@pytest.fixture
def audit(capsys):
    def audit(case, *words):
        words = [
            "--against",
            f"{case}/index.ndjson",
            "--key",
            "tstat_send",
            "--pipeline",
            "tstat-tcp",
            *map(str, words),
        ]
        assert execute(["audit", *words, "--json"]) == Exit.FINDINGS
        return json.loads(capsys.readouterr().out)

    return audit


def name(result):
    return Path(result["file"]).name


def told(result):
    """A result as the golden data tell it, but for the names of flows."""
    return {
        "transfer": name(result),
        "host": result["host"],
        "start": result["start"],
        "expected": result["expected"],
        "indexed": result["found"],
        "missing": result["missing"],
        "in_local_log": result["in_local_log"],
        "missing_flows": len(result["missing_flows"]) if result["in_local_log"] is not None else None,
        "cause": result["cause"],
    }


def golden(incomplete):
    flows = incomplete["missing_flows"]
    return {
        **incomplete,
        "missing_flows": None if flows is None else len(flows),
        "cause": CAUSES[incomplete["cause"]],
    }


def check_against_golden(report):
    answers = expected()
    assert {key: report["transfers"][key] for key in answers["transfers"]} == answers["transfers"]
    streams = report["streams"]
    assert {"expected": streams["expected"], "indexed": streams["found"], "missing": streams["missing"]} == answers[
        "streams"
    ]
    by_status = {"complete": [], "incomplete": [], "not_checked": []}
    for result in report["results"]:
        by_status[result["status"]].append(result)
    assert [name(result) for result in by_status["complete"]] == answers["complete"]
    assert [told(result) for result in by_status["incomplete"]] == [golden(one) for one in answers["incomplete"]]
    assert report["by_host_and_start_minute"] == answers["by_host_and_start_minute"]
    causes = {cause["cause"]: cause for cause in report["causes"]}
    assert set(causes) == set(CAUSES.values())
    for theirs, ours in CAUSES.items():
        wanted = answers["causes"][theirs]
        assert [Path(file).name for file in causes[ours]["files"]] == wanted["ids"]
        assert (causes[ours]["transfers"], causes[ours]["streams"]) == (wanted["transfers"], wanted["streams"])


def test_the_index_lacks_streams_of_25_of_48_transfers(case, correlate):
    report = correlate(case, "--index", case / "index.ndjson", "--tstat", case / "tstat", code=Exit.FINDINGS)
    check_against_golden(report)
    local = expected()["local_logs"]
    assert report["streams"]["missing_in_local_logs"] == local["missing_streams_found"]
    assert report["streams"]["missing_without_local_logs"] == local["missing_streams_unchecked"]
    assert report["local_logs"]["incomplete_transfers_unchecked"] == local["incomplete_transfers_unchecked"]
    found = [name(result) for result in report["results"] if result["missing_flows"]]
    assert found == local["incomplete_transfers_found"]
    assert list(report["local_logs"]["hosts"]) == local["hosts"]
    assert report["flows_without_transfer"] == expected()["runs"]["correlate_index"]["flows_without_transfer"]


def test_other_connections_and_listings_change_nothing(noisy, correlate):
    report = correlate(noisy, "--index", noisy / "index.ndjson", "--tstat", noisy / "tstat", code=Exit.FINDINGS)
    check_against_golden(report)
    assert report["skipped"]["other_operations"] == 48


@pytest.mark.parametrize("window", ["1001ms", "10s", "890s"])
def test_any_window_up_to_the_next_transfer_gives_the_same_answer(case, correlate, window):
    words = ["--index", case / "index.ndjson", "--tstat", case / "tstat", "--window", window]
    check_against_golden(correlate(case, *words, code=Exit.FINDINGS))


def test_the_missing_flows_are_those_that_are_printed(case, correlate):
    report = correlate(case, "--index", case / "index.ndjson", "--tstat", case / "tstat", code=Exit.FINDINGS)
    rows = [line.split(",") for line in (GOLDEN / "local_flows.csv").read_text().splitlines()[1:]]
    starts = {row[0]: int(row[5]) for row in rows}
    for wanted in expected()["incomplete"]:
        if wanted["missing_flows"]:
            result = next(one for one in report["results"] if name(one) == wanted["transfer"])
            got = sorted(flow["start"][17:26] for flow in result["missing_flows"])
            assert got == sorted(
                f"{starts[flow] // 10**6 % 60:02d}.{starts[flow] % 10**6:06d}" for flow in wanted["missing_flows"]
            )


def test_the_duplicates_of_the_index_are_named(case, correlate):
    report = correlate(case, "--index", case / "index.ndjson", code=Exit.FINDINGS)
    (group,) = report["index"]["duplicates"]
    wanted = expected()["index"]["duplicates"]
    assert {key: group[key] for key in ("host", "start", "documents", "distinct")} == {
        key: wanted[key] for key in ("host", "start", "documents", "distinct")
    }
    assert sorted(map(len, group["sets"])) == sorted(map(len, wanted["sets"]))


@pytest.mark.parametrize("trees", [["tstat"], ["tstat", "tstat_assumed"]], ids=["printed", "assumed"])
def test_the_logs_alone_prove_what_they_cover_and_no_more(case, correlate, trees):
    code = Exit.UNFINISHED if trees == ["tstat"] else Exit.CLEAN
    report = correlate(case, "--tstat", *(case / tree for tree in trees), code=code)
    wanted = expected()["runs"]["correlate_files" if len(trees) == 1 else "correlate_files_assumed"]
    assert report["transfers"]["complete"] == wanted["complete"]
    assert report["transfers"]["incomplete"] == 0
    assert report["transfers"]["not_checked"] == wanted.get("without_logs", 0)
    assert report["streams"]["found"] == wanted["streams_found"]
    assert report["flows_without_transfer"]["distinct"] == wanted["flows_without_transfer"]


@pytest.mark.parametrize("run", ["audit_printed", "audit_assumed"])
def test_the_audit_of_disk_against_that_index_finds_the_same(case, audit, run):
    words = ["--path", case / "tstat"]
    words += ["--path", case / "tstat_assumed"] if run == "audit_assumed" else ["--where", f"meta.sensor_id={DTN01}"]
    report = audit(case, *words)
    totals, wanted = report["totals"], expected()["runs"][run]
    assert {key: totals[key] for key in ("disk", "documents", "matched", "missing")} == {
        key: wanted[key] for key in ("disk", "documents", "matched", "missing")
    }
    assert {"documents": totals["unexpected"], "distinct": totals["unexpected_distinct"]} == wanted["unexpected"]
    assert totals["duplicate"] == wanted["duplicate_documents"]
    duplicates = [finding for finding in report["findings"] if finding["kind"] == "duplicate"]
    assert all(
        "equal but for the time of arrival 2018-02-15T22:45:44Z" in finding["evidence"] for finding in duplicates
    )


def test_the_small_streams_are_no_loss_where_the_senders_threshold_is_known(case, audit):
    words = ["--path", case / "tstat", "--where", f"meta.sensor_id={DTN01}", "--sender-skips"]
    totals = audit(case, *words, "tstat.c_bytes_uniq<100MB")["totals"]
    small = sum(
        int(line.split(",")[10]) < 100_000_000 for line in (GOLDEN / "local_flows.csv").read_text().splitlines()[1:]
    )
    assert totals["filtered"] >= small >= 2
    assert totals["missing"] + totals["filtered"] == 42


def shown(command):
    """The lines that the documentation shows as the output of a command."""
    blocks = re.findall(r"^```text\n\$ (.*?)\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return next((words, output.splitlines()) for words, output in blocks if words.startswith(command))


@pytest.mark.parametrize("command", ["shipper correlate", "shipper audit --against"])
def test_the_documentation_shows_what_is_printed(case, monkeypatch, capsys, command):
    words, expected_lines = shown(command)
    shutil.copy(GOLDEN / "hosts.csv", case)
    monkeypatch.chdir(case)
    assert execute(words.split()[1:]) == Exit.FINDINGS
    assert not differs(expected_lines, capsys.readouterr().out)
