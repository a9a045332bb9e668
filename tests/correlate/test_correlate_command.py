"""`shipper correlate` on small logs and indices, as a user runs it."""

import csv
import gzip
import io
import json

import pytest
from support.site import Site
from support.transfers_and_flows import (
    CLIENT,
    CLIENT_ADDRESS,
    HOSTS_CSV,
    NOON,
    SERVER,
    flow,
    flows,
    sent_document,
    transfer,
    write_gridftp,
    write_index,
    write_tstat,
)

from shipper.cli import execute
from shipper.correlate.flows import End
from shipper.errors import Exit
from shipper.settings import InputSettings

HOUR = 3600.0


@pytest.fixture
def place(tmp_path):
    (tmp_path / "hosts.csv").write_text(HOSTS_CSV)
    return tmp_path


@pytest.fixture
def run(place, capsys):
    def run(*words, json_wanted=True, code=None, hosts=True):
        table = ["--hosts", str(place / "hosts.csv")] if hosts else []
        got = execute(["correlate", *map(str, words), *table, *(["--json"] if json_wanted else [])])
        answer = capsys.readouterr()
        assert code is None or got == code, answer.out + answer.err
        return json.loads(answer.out) if json_wanted and answer.out else answer

    return run


def test_a_transfer_with_all_its_streams_is_complete(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    write_tstat(place / "tstat/2018_02_28_12_00.out/log_tcp_complete", flows(NOON + 0.4))
    report = run("--gridftp", log, "--tstat", place / "tstat", code=Exit.CLEAN)
    assert report["verdict"] == "complete"
    assert report["transfers"]["complete"] == 1
    assert report["streams"]["found"] == 4


def test_streams_that_arrive_in_several_directories_are_one_transfers(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(seconds=HOUR)])
    for number, one in enumerate(flows(NOON + 0.4, seconds=HOUR - 1)):
        write_tstat(place / f"tstat/2018_02_28_13_0{number}.out/log_tcp_complete", [one])
    assert run("--gridftp", log, "--tstat", place / "tstat", code=Exit.CLEAN)["transfers"]["complete"] == 1


def test_a_stream_that_ended_by_time_out_is_found_too(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(streams=2)])
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON, 1))
    write_tstat(place / "tstat/a.out/log_tcp_nocomplete", flows(NOON, 1, first_port=20_002))
    index = write_index(place / "index.ndjson", [sent_document(flow(NOON, 20_001))])
    report = run("--gridftp", log, "--tstat", place / "tstat", "--index", index, code=Exit.FINDINGS)
    (result,) = report["results"]
    assert (result["found"], result["in_local_log"], result["cause"]) == (1, 2, "not_closed")
    assert result["missing_flows"][0]["timed_out"]


def test_ipv4_and_ipv6_of_a_host_are_one_host(place, run):
    (place / "hosts.csv").write_text(HOSTS_CSV + f"{SERVER},2001:db8::101\n{CLIENT},2001:db8::10\n")
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(streams=2, peer="2001:0db8::0010")])
    ends = [(CLIENT_ADDRESS, "192.0.2.101"), ("2001:db8::10", "2001:db8::101")]
    found = [
        flow(
            NOON,
            20_001 + number,
            sender=End(frozenset({there}), 20_001 + number),
            receiver=End(frozenset({here}), 50_000),
        )
        for number, (there, here) in enumerate(ends)
    ]
    write_tstat(place / "tstat/a.out/log_tcp_complete", found)
    assert run("--gridftp", log, "--tstat", place / "tstat", code=Exit.CLEAN)["streams"]["found"] == 2


def test_an_address_that_moved_is_the_host_that_had_it_then(place, run):
    (place / "hosts.csv").write_text(
        "host,address,since,until\n"
        f"{SERVER},192.0.2.101,,2018-02-28T13:00Z\n"
        f"dtn02.example.org,192.0.2.101,2018-02-28T13:00Z,\n{CLIENT},{CLIENT_ADDRESS},,\n"
    )
    both = [transfer(streams=1), transfer(NOON + 2 * HOUR, streams=1, host="dtn02.example.org")]
    log = write_gridftp(place / "gridftp-transfer.log", both)
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON, 1) + flows(NOON + 2 * HOUR, 1))
    assert run("--gridftp", log, "--tstat", place / "tstat", code=Exit.CLEAN)["transfers"]["complete"] == 2


def test_without_a_table_a_host_is_not_checked_rather_than_called_lossy(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON))
    report = run("--gridftp", log, "--tstat", place / "tstat", hosts=False, code=Exit.UNFINISHED)
    assert report["transfers"]["not_checked"] == 1
    assert report["streams"]["missing"] == 0
    assert "no address of it is known" in report["results"][0]["why"]


def test_a_copy_of_a_log_adds_no_flow_and_no_transfer(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    write_gridftp(place / "gridftp-transfer.log.1", [transfer()])
    tstat = write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON))
    tstat.with_name("log_tcp_complete.gz").write_bytes(gzip.compress(tstat.read_bytes()))
    report = run("--gridftp", log, f"{log}.1", "--tstat", place / "tstat", code=Exit.CLEAN)
    assert (
        report["transfers"]["total"],
        report["skipped"]["copies"],
        report["flows_without_transfer"]["distinct"],
    ) == (
        1,
        1,
        0,
    )


def test_listings_and_what_a_server_did_with_itself_are_no_transfers(place, run):
    lines = [transfer(), transfer(NOON - 1, kind="MLSD", streams=1), transfer(NOON + 9, peer="127.0.0.1", kind="RETR")]
    log = write_gridftp(place / "gridftp-transfer.log", lines)
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON))
    report = run("--gridftp", log, "--tstat", place / "tstat", code=Exit.CLEAN)
    assert (report["transfers"]["total"], report["skipped"]["other_operations"]) == (1, 2)


def test_a_record_that_is_cut_is_named(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    log.write_bytes(log.read_bytes() + b"DATE=20180228120010.000000 HOST=dtn01.example.org PROG=globus\n")
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON))
    report = run("--gridftp", log, "--tstat", place / "tstat", code=Exit.FINDINGS)
    assert report["skipped"]["damaged"] == [f"{log}:2"]


def test_a_log_that_cannot_be_read_whole_ends_with_3(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    whole = write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON))
    packed = gzip.compress(b"".join(b"%d" % number for number in range(100_000)))
    whole.with_name("log_tcp_complete.gz").write_bytes(packed[: len(packed) // 2])
    report = run("--gridftp", log, "--tstat", place / "tstat", code=Exit.UNFINISHED)
    assert len(report["problems"]) == 1
    assert "log_tcp_complete.gz" in report["problems"][0]


def test_the_time_between_since_and_until_is_looked_at(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(NOON + hour * HOUR) for hour in range(4)])
    write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON + HOUR))
    words = [
        "--gridftp",
        log,
        "--tstat",
        place / "tstat",
        "--since",
        "2018-02-28T13:00",
        "--until",
        "2018-02-28T14:00Z",
    ]
    assert run(*words, code=Exit.CLEAN)["transfers"]["total"] == 1


def test_documents_of_shipper_itself_serve_as_index_and_as_transfers(place, run):
    (place / "logs").mkdir()
    both = [transfer(), transfer(NOON + HOUR)]
    write_gridftp(place / "logs" / "gridftp-transfer.log", both)
    write_tstat(place / "logs/tstat/a.out/log_tcp_complete", flows(NOON + 0.4) + flows(NOON + HOUR, 3))
    inputs = (
        InputSettings("gridftp", (f"{place}/logs/*.log",), "gridftp-transfer"),
        InputSettings("tstat", (f"{place}/logs/tstat/*/*",), "tstat-tcp"),
    )
    site = Site(place, inputs=inputs)
    site.ship()
    report = run("--gridftp", site.index, "--index", site.index, code=Exit.FINDINGS)
    assert [(result["found"], result["missing"]) for result in report["results"]] == [(4, 0), (3, 1)]


def test_documents_with_other_names_are_understood_with_a_map(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(streams=1)])
    other = {"src": CLIENT_ADDRESS, "sp": 20_001, "dst": "192.0.2.101", "dp": 50_000, "t": (NOON + 0.5) * 1000}
    index = write_index(place / "index.json", [other])
    fields = "client=src,client_port=sp,server=dst,server_port=dp,start=t:ms"
    assert run("--gridftp", log, "--index", index, "--fields", fields, code=Exit.CLEAN)["streams"]["found"] == 1
    assert "they lack the fields" in run("--gridftp", log, "--index", index, code=Exit.USAGE).err


def test_an_empty_index_has_lost_everything(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(), transfer(NOON + HOUR)])
    index = write_index(place / "index.ndjson", [])
    assert run("--gridftp", log, "--index", index, code=Exit.FINDINGS)["streams"]["missing"] == 8


def test_a_table_for_other_programs_has_a_row_for_each_transfer(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(), transfer(NOON + HOUR, streams=2)])
    index = write_index(place / "index.ndjson", [sent_document(one) for one in flows(NOON)])
    answer = run("--gridftp", log, "--index", index, "--csv", json_wanted=False, code=Exit.FINDINGS)
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [(row["status"], row["expected"], row["missing"], row["host"]) for row in rows] == [
        ("complete", "4", "0", SERVER),
        ("incomplete", "2", "2", SERVER),
    ]


def test_the_text_says_what_is_missing_and_where_it_lies(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer(file="/data/x\x1b[31m")])
    tstat = write_tstat(place / "tstat/a.out/log_tcp_complete", flows(NOON + 0.4))
    index = write_index(place / "index.ndjson", [sent_document(one) for one in flows(NOON, 3)])
    answer = run("--gridftp", log, "--tstat", tstat, "--index", index, json_wanted=False, code=Exit.FINDINGS)
    assert "1 transfer: 0 complete in the index, 1 incomplete, 0 not checked." in answer.out
    assert f"missing: 2018-02-28T12:00:00.400000Z, 100.0 MB, {tstat}:5" in answer.out
    assert "\x1b" not in answer.out


def test_the_same_flow_in_two_documents_is_told_as_duplicate(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    documents = [sent_document(one) for one in flows(NOON)]
    again = sent_document(flow(NOON), ingested="2018-02-28T14:00:00Z")
    report = run(
        "--gridftp", log, "--index", write_index(place / "index.ndjson", [*documents, again]), code=Exit.FINDINGS
    )
    (group,) = report["index"]["duplicates"]
    assert (group["documents"], group["distinct"], group["differ_in"]) == (2, 1, ["@timestamp"])
    assert report["streams"]["missing"] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give --tstat, --index or both"),
        (["--tstat", "nowhere"], "nowhere: there is no such file or folder"),
        (["--index", "nowhere.ndjson"], "there is no such file. An index of a cluster is written"),
        (["--tstat", "{log}", "--window", "long"], "--window long: "),
        (["--tstat", "{log}", "--timezone", "Mars/Olympus"], "there is no such time zone"),
        (["--tstat", "{log}", "--since", "soon"], "--since soon: this is no time"),
        (["--tstat", "{log}", "--control-ports", "22,ssh"], "'ssh' is no port"),
        (["--tstat", "{log}", "--fields", "client=src"], "--fields needs client_port"),
        (["--tstat", "{log}", "--since", "2030-01-01"], "There is no transfer"),
        (["--index", "https://es1.example.org:9200"], "the name of an index must follow the host"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(place, run, words, complaint):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    answer = run("--gridftp", log, *(word.format(log=log) for word in words), code=Exit.USAGE)
    assert complaint in answer.err


def test_an_export_that_breaks_off_is_no_answer(place, run):
    log = write_gridftp(place / "gridftp-transfer.log", [transfer()])
    index = write_index(place / "index.ndjson", [sent_document(one) for one in flows(NOON)])
    index.write_bytes(index.read_bytes()[:-20])
    assert f"{index}:4: no JSON document" in run("--gridftp", log, "--index", index, code=Exit.UNFINISHED).err
