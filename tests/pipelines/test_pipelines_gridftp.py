"""The GridFTP server's two logs: values against lines of the samples, and the traps G1 to G21."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from support.agents import Site
from support.gridftp_records import CUT, record
from support.sample_logs import ParsedLog, parse_bytes, parse_lines, parse_sample

from shipper.operate.status import FileState
from shipper.overview import overview
from shipper.settings import InputSettings

PACIFIC = "America/Los_Angeles"
RECORD = (
    "DATE=20261121231203.659366 HOST=vm PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=20261121231203.659069 "
    "USER=anonymous FILE={} BUFFER=131072 BLOCK=262144 NBYTES=5000 VOLUME=/ STREAMS=1 STRIPES=1 DEST=[{}] TYPE=RETR "
    "CODE=226 TASKID=none"
)


def transfers(name: str = "pst_all") -> ParsedLog:
    path = name if name.endswith(".log") else f"{name}/gridftp-transfer.log"
    return parse_sample(f"gridftp/{path}", "gridftp-transfer")


def session(name: str = "pst_all/gridftp.log") -> ParsedLog:
    return parse_sample(f"gridftp/{name}", "gridftp-session", timezone=PACIFIC)


def said(text: str) -> dict[str, object]:
    """The document of one message of a session."""
    (document,) = parse_lines(
        [f"[7101] Sat Nov 21 15:12:03 2026 :: {text}"], "gridftp-session", timezone=PACIFIC
    ).documents
    return document


def test_a_transfer_has_the_values_of_its_record() -> None:
    transfer = transfers("conc_info").documents[3]
    assert transfer["@timestamp"] == "2026-11-21T23:12:37.966617Z"
    gridftp = transfer["gridftp"]
    assert (gridftp["nbytes"], gridftp["buffer"], gridftp["block"], gridftp["streams"]) == (129876, 3939840, 262144, 1)
    assert (gridftp["type"], gridftp["taskid"]) == ("STOR", "2265b1f5-2020-11e9-9835-0262a1f2f698")
    assert transfer["user"]["name"] == "anonymous"
    assert transfer["file"]["path"] == "/srv/gf/data/up_1_0.dat"
    assert transfer["destination"]["ip"] == "127.0.0.1"


def test_of_a_transfer_duration_throughput_operation_and_outcome_are_derived() -> None:
    transfer = transfers("conc_info").documents[3]
    assert transfer["event"]["start"] == "2026-11-21T23:12:37.960640Z"
    assert transfer["event"]["duration"] == 5_977_000
    assert transfer["gridftp"]["throughput"] == pytest.approx(8 * 129876 / 0.005977)
    assert transfer["gridftp"]["operation"] == "upload"
    assert transfer["event"]["outcome"] == "success"


def test_a_file_name_that_forges_keys_is_only_a_file_name_g1() -> None:
    forged = "/srv/gf/data/FILE=x BUFFER=1 NBYTES=9 DEST=[1.2.3.4] TYPE=STOR CODE=226"
    transfer = transfers().documents[0]
    assert transfer["gridftp"]["file"] == forged
    assert transfer["gridftp"]["nbytes"] == 5000
    assert transfer["gridftp"]["type"] == "RETR"
    assert transfer["destination"]["ip"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["tab\there.dat", "quote'\"s.dat", "up with space.dat", "key=value pair.dat"])
def test_file_names_are_kept_as_they_are_g1(name: str) -> None:
    assert f"/srv/gf/data/{name}" in {transfer["gridftp"]["file"] for transfer in transfers().documents}


def test_keys_that_are_not_there_are_no_fields_g3() -> None:
    first, bare = transfers("variants").documents[:2]
    assert first["gridftp"]["retrans"] == [0, 17, 3, 0]
    assert not {"host", "taskid", "retrans"} & bare["gridftp"].keys()
    assert bare["gridftp"]["nbytes"] == first["gridftp"]["nbytes"]


def test_keys_of_a_later_version_are_kept_g3() -> None:
    (later,) = transfers("variants").with_text("PACE=on")
    assert later["gridftp"]["more"]["PACE"] == "on"
    assert later["gridftp"]["retrans"] == [0, 1, 0, 0]


def test_an_address_in_the_form_of_wuftpd_is_an_address_g4() -> None:
    (transfer,) = transfers("variants").with_text("DEST=1[192.0.2.10]")
    assert (transfer["gridftp"]["dest"], transfer["gridftp"]["dest_number"]) == ("192.0.2.10", "1")


@pytest.mark.parametrize("address", ["192.0.2.7", "0.0.0.0", "2001:db8::7"])
def test_the_other_side_is_an_address_g4(address: str) -> None:
    (transfer,) = parse_lines([RECORD.format("/f", address)], "gridftp-transfer").documents
    assert transfer["destination"]["ip"] == address


def test_a_redacted_address_is_no_address_and_spoils_nothing_g4() -> None:
    (transfer,) = parse_lines([RECORD.format("/f", "<IPv4address>")], "gridftp-transfer").documents
    assert "_type_failure" in transfer["tags"]
    assert transfer["gridftp"]["dest_text"] == "<IPv4address>"
    assert "destination" not in transfer


def test_a_record_that_was_cut_and_the_one_glued_to_it_are_two_events_g2() -> None:
    log = transfers("variants/gridftp-transfer-cut.log")
    cut, second = log.documents[:2]
    assert [document["tags"] for document in (cut, second)] == [["_line_split"], ["_line_split"]]
    assert (cut["log"]["offset"], second["log"]["offset"]) == (0, CUT)
    assert cut["gridftp"]["truncated"] == " TASKID"
    assert (cut["gridftp"]["nbytes"], second["gridftp"]["nbytes"]) == (1073741824, 2048)
    assert (cut["gridftp"]["start"], second["gridftp"]["start"]) == (
        "2024-03-05T08:15:53.000120Z",
        "2024-03-05T08:16:00.000001Z",
    )
    assert cut["shipper"]["lines"] + second["shipper"]["lines"] == 1


def test_numbers_that_were_cut_are_not_believed_g2() -> None:
    documents = transfers("variants/gridftp-transfer-cut.log").documents
    assert [document["gridftp"].get("truncated") for document in documents] == [
        " TASKID",
        None,
        " NBYTES=10737",
        None,
        " BL",
        None,
        " ",
        " TYPE=RE",
        None,
        " TASKID=9f767c45-20",
        None,
    ]
    number = documents[2]
    assert "nbytes" not in number["gridftp"]
    assert number["gridftp"]["block"] == 262144
    assert "throughput" not in number["gridftp"]
    assert "taskid" not in documents[9]["gridftp"]


def test_two_records_in_one_line_that_was_not_split_give_no_value_of_the_second_g2() -> None:
    cut = RECORD.format("/f", "192.0.2.7").removesuffix("=none")
    (document,) = parse_lines([cut + RECORD.format("/g", "192.0.2.7")], "gridftp-transfer").documents
    assert document["gridftp"].keys() == {"date", "host", "prog", "start", "user", "truncated"}
    assert document["gridftp"]["truncated"].startswith(" FILE=/f BUFFER=131072 ")


def test_fractions_that_are_not_padded_are_microseconds_g6() -> None:
    line = RECORD.format("/f", "192.0.2.7").replace(".659366", ".2102")
    (transfer,) = parse_lines([line], "gridftp-transfer").documents
    assert transfer["@timestamp"] == "2026-11-21T23:12:03.002102Z"


def test_no_digit_of_a_time_is_lost_g7() -> None:
    line = RECORD.format("/f", "192.0.2.7").replace("DATE=20261121231203.659366", "DATE=20261121231259.999999")
    (transfer,) = parse_lines([line], "gridftp-transfer").documents
    assert transfer["@timestamp"] == "2026-11-21T23:12:59.999999Z"
    assert transfer["gridftp"]["date"] == "2026-11-21T23:12:59.999999Z"
    assert transfer["event"]["duration"] == 56_340_930_000


def test_a_failed_transfer_is_in_the_session_log_only_g8() -> None:
    missing = "nonexistent file.dat"
    assert transfers("conc_info").with_text(missing) == []
    failures = session("conc_info/gridftp.log").with_text(f'Failure attempting to transfer "/srv/gf/data/{missing}"')
    assert len(failures) == 42
    assert {document["event"]["outcome"] for document in failures} == {"failure"}
    assert {document["event"]["outcome"] for document in transfers("conc_info").documents} == {"success"}


def test_a_listing_is_told_and_has_no_throughput_g9() -> None:
    documents = transfers().documents
    listings = [document for document in documents if document["gridftp"]["operation"] == "listing"]
    assert sorted(document["gridftp"]["type"] for document in listings) == ["LIST", "MLSD", "NLST"]
    assert all(document["gridftp"]["nbytes"] > 0 for document in listings)
    assert not [d for d in listings if "throughput" in d["gridftp"] or "network" in d]
    others = [document for document in documents if document not in listings]
    assert all("throughput" in d["gridftp"] for d in others)


def test_a_head_within_a_line_begins_an_event_g13() -> None:
    lines = [
        "[1] Thu May 19 10:00:00 2016 :: [brain_select_nodes",
        "] enter[7101] Thu May 19 10:00:01 2016 :: released",
    ]
    first, second = parse_lines(lines, "gridftp-session", timezone="UTC").documents
    assert (first["message"], first["process"]["pid"]) == (
        "[1] Thu May 19 10:00:00 2016 :: [brain_select_nodes\n] enter",
        1,
    )
    assert second["message"] == "[7101] Thu May 19 10:00:01 2016 :: released"
    assert (second["@timestamp"], second["process"]["pid"]) == ("2016-05-19T10:00:01Z", 7101)
    assert first["tags"] == second["tags"] == ["_line_split"]


def test_the_session_log_is_local_and_the_record_in_it_is_utc_g5() -> None:
    log = session()
    greeting = log.with_text("New connection from: localhost:34262")[0]
    assert greeting["@timestamp"] == "2026-11-21T23:12:03Z"
    record = log.with_text("Transfer stats: DATE=20261121231203.659366")[0]
    assert record["@timestamp"] == "2026-11-21T23:12:03.659366Z"


def test_a_record_in_the_session_log_has_the_fields_of_the_transfer_log_g10() -> None:
    record = session().with_text("Transfer stats: DATE=20261121231203.659366")[0]
    transfer = transfers().documents[0]
    extra = {"logged": "Sat Nov 21 15:12:03 2026", "event": "Transfer stats"}
    assert record["gridftp"] == transfer["gridftp"] | extra
    assert record["@timestamp"] == transfer["@timestamp"]
    assert record["event"]["dataset"] != transfer["event"]["dataset"]
    assert (record["event"]["start"], record["event"]["outcome"]) == ("2026-11-21T23:12:03.659069Z", "success")


def test_a_failure_is_one_event_with_all_its_lines_g11() -> None:
    failure = session("conc_info/gridftp.log").with_text("Transfer failure:")[0]
    assert failure["shipper"]["lines"] == 6
    assert failure["error"]["message"] == (
        "globus_l_gfs_file_open failed.\n"
        "globus_xio: Unable to open file /srv/gf/data/nonexistent file.dat\n"
        "globus_xio: System error in open: No such file or directory\n"
        "globus_xio: A system call failed: No such file or directory"
    )
    assert failure["event"]["outcome"] == "failure"


def test_a_reply_of_many_lines_is_one_event_g11() -> None:
    (reply,) = session().with_text("The following commands are recognized")
    assert (reply["gridftp"]["reply"], reply["shipper"]["lines"]) == (214, 9)
    assert reply["gridftp"]["reply_text"].endswith("214 End")


def test_no_carriage_return_reaches_a_document_g12() -> None:
    log = session()
    assert len(log.documents) == 394
    assert not [document for document in log.documents if "\\r" in json.dumps(document)]
    assert log.with_text("[CLIENT]: USER anonymous")[0]["gridftp"]["argument"] == "anonymous"


def test_passwords_are_redacted_everywhere_g17() -> None:
    log = session()
    asked = log.with_text("[CLIENT]: PASS")
    assert len(asked) == 8
    assert {document["gridftp"]["argument"] for document in asked} == {"[redacted]"}
    assert "mozilla@" not in json.dumps(log.documents)


@pytest.mark.parametrize(
    "text",
    ["h:1: [CLIENT]: pass s3cret", "h:1: [CLIENT]: ADAT s3cret=", "h:1: [SERVER]: 335 ADAT=s3cret="],
)
def test_secrets_of_other_spellings_are_redacted_g17(text: str) -> None:
    assert "s3cret" not in json.dumps(said(text))


def test_the_day_may_be_padded_with_a_blank_g16() -> None:
    log = parse_lines(
        ["[15] Thu Apr  9 01:02:03 2026 :: Server started in daemon mode."], "gridftp-session", timezone="UTC"
    )
    assert log.documents[0]["@timestamp"] == "2026-04-09T01:02:03Z"


def test_lines_of_a_forked_child_are_events_of_their_own_g15() -> None:
    log = session("gridftp-execfail.log")
    twice = log.with_text("GFork functionality not enabled")
    assert [document["log"]["offset"] for document in twice] == [0, 554]
    assert twice[0]["message"] == twice[1]["message"]


def test_a_connection_names_its_client() -> None:
    document = session("conc_info/gridftp.log").with_text("New connection from")[0]
    assert document["source"] == {"ip": "127.0.0.1", "port": 51674}
    assert document["process"]["pid"] == 28598
    assert document["event"]["action"] == "New connection from"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("New connection from: 192.0.2.9:2811", {"ip": "192.0.2.9", "port": 2811}),
        ("New connection from: [2001:db8::9]:2811", {"ip": "2001:db8::9", "port": 2811}),
        ("New connection from: cli.example.org:43850", {"domain": "cli.example.org", "port": 43850}),
    ],
)
def test_a_client_is_an_address_or_a_name(text: str, source: dict[str, object]) -> None:
    assert said(text)["source"] == source


def test_a_login_by_certificate_names_the_person() -> None:
    document = said("DN /O=Grid/CN=host/x=y successfully authorized.")
    assert document["gridftp"] == {
        "logged": "Sat Nov 21 15:12:03 2026",
        "event": "successfully authorized",
        "dn": "/O=Grid/CN=host/x=y",
    }


def test_a_message_that_no_pattern_knows_is_text_and_no_failure() -> None:
    document = said("No configuration file found.")
    assert (document["tags"], document["process"]) == ([], {"pid": 7101})


def test_replies_say_how_a_command_ended_and_why() -> None:
    log = session()
    (refusal,) = log.with_text("500-globus_xio: Unable to open file /srv/gf/data/nonexistent.dat")
    assert refusal["event"]["outcome"] == "failure"
    assert refusal["error"]["message"].startswith("Command failed. : globus_l_gfs_file_open failed.")
    assert log.with_text("226 Transfer Complete.")[0]["event"]["outcome"] == "success"
    assert "outcome" not in log.with_text("150 Beginning transfer.")[0]["event"]


def test_events_of_many_processes_keep_their_order_process_and_lines_g14() -> None:
    log = session("conc_info/gridftp.log")
    times = [
        document["@timestamp"] for document in log.documents if document["gridftp"].get("event") != "Transfer stats"
    ]
    assert [document["log"]["offset"] for document in log.documents] == sorted(
        document["log"]["offset"] for document in log.documents
    )
    assert sum(later < earlier for earlier, later in pairwise(times)) > 20
    assert len(log.documents) == 1610
    assert len({document["process"]["pid"] for document in log.documents}) == 26
    failures = [document for document in log.documents if document["gridftp"].get("event") == "Transfer failure"]
    assert {document["shipper"]["lines"] for document in failures} == {6}


def test_behind_a_syslog_prefix_the_time_inside_counts_g18() -> None:
    (transfer,) = transfers("variants").with_text("Aug  7 14:31:21 se01")
    assert transfer["@timestamp"] == "2014-08-07T19:31:21.300000Z"
    assert transfer["gridftp"]["logged"] == "Aug  7 14:31:21"
    assert transfer["log"]["syslog"]["hostname"] == "se01"
    assert transfer["process"] == {"name": "globus-gridftp-server", "pid": 14395}
    assert (transfer["gridftp"]["code"], transfer["tags"]) == (226, [])


def test_names_in_latin_1_stop_nothing_and_their_bytes_can_be_told_g19() -> None:
    data = record("/data/caf\u00e9".encode("latin-1")) + b"\n" + record(b"/data/next") + b"\n"
    first, second = parse_bytes(data, "gridftp-transfer", path="/l/log").documents
    assert first["file"]["path"] == "/data/caf\\xe9"
    assert second["file"]["path"] == "/data/next"
    assert first["gridftp"]["nbytes"] == 1073741824


@pytest.fixture
def sessions(tmp_path: Path) -> Site:
    paths = (str(tmp_path / "logs" / "*.log"),)
    site = Site(tmp_path, InputSettings("sessions", paths, "gridftp-session", timezone="UTC"))
    for pid in range(300, 340):
        (site.logs / f"gridftp.{pid}.log").write_text(message(pid, "Server started in inetd mode."))
    return site


def message(pid: int, text: str) -> str:
    return f"[{pid}] Sat Nov 21 15:12:03 2026 :: {text}\n"


def test_a_file_for_each_process_is_shipped_and_a_later_process_goes_on_in_it_g20(sessions: Site) -> None:
    sessions.once()
    assert sessions.lines_stored() == 40
    with (sessions.logs / "gridftp.317.log").open("a") as log:
        log.write(message(317, "New connection from: 192.0.2.9:2811"))
    sessions.once()
    assert sessions.lines_stored() == 41
    assert set(sessions.messages().values()) == {1}


def test_a_transfer_log_that_stays_empty_is_shown_as_empty_g21(tmp_path: Path) -> None:
    paths = (str(tmp_path / "logs" / "gridftp-transfer.log"),)
    site = Site(tmp_path, InputSettings("gridftp", paths, "gridftp-transfer"))
    (site.logs / "gridftp-transfer.log").touch()
    site.once()
    (file,) = overview(site.settings).files
    assert (file.state, file.lines) == (FileState.EMPTY, {})
