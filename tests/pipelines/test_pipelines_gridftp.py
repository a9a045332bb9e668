"""The GridFTP server's two logs: values against lines of the samples, and the traps G1 to G17."""

from __future__ import annotations

import json

import pytest
from support.sample_logs import ParsedLog, parse_lines, parse_sample

PACIFIC = "America/Los_Angeles"
RECORD = (
    "DATE=20261121231203.659366 HOST=vm PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=20261121231203.659069 "
    "USER=anonymous FILE={} BUFFER=131072 BLOCK=262144 NBYTES=5000 VOLUME=/ STREAMS=1 STRIPES=1 DEST=[{}] TYPE=RETR "
    "CODE=226 TASKID=none"
)


def transfers(name: str = "pst_all") -> ParsedLog:
    return parse_sample(f"gridftp/{name}/gridftp-transfer.log", "gridftp-transfer")


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


@pytest.mark.parametrize("address", ["192.0.2.7", "0.0.0.0", "2001:db8::7"])
def test_the_other_side_is_an_address_g4(address: str) -> None:
    (transfer,) = parse_lines([RECORD.format("/f", address)], "gridftp-transfer").documents
    assert transfer["destination"]["ip"] == address


def test_a_redacted_address_is_no_address_and_spoils_nothing_g4() -> None:
    (transfer,) = parse_lines([RECORD.format("/f", "<IPv4address>")], "gridftp-transfer").documents
    assert "_type_failure" in transfer["tags"]
    assert transfer["gridftp"]["dest_text"] == "<IPv4address>"
    assert "destination" not in transfer


def test_two_records_in_one_line_that_was_not_split_give_no_value_of_the_second_g2() -> None:
    cut = RECORD.format("/f", "192.0.2.7").removesuffix("=none")
    (document,) = parse_lines([cut + RECORD.format("/g", "192.0.2.7")], "gridftp-transfer").documents
    assert document["gridftp"].keys() == {"date", "host", "prog", "start", "user", "truncated"}
    assert document["gridftp"]["truncated"].startswith(" FILE=/f BUFFER=131072 ")


def test_fractions_that_are_not_padded_are_microseconds_g6() -> None:
    line = RECORD.format("/f", "192.0.2.7").replace(".659366", ".2102")
    (transfer,) = parse_lines([line], "gridftp-transfer").documents
    assert transfer["@timestamp"] == "2026-11-21T23:12:03.002102Z"


def test_a_head_within_a_line_begins_an_event_g13() -> None:
    lines = [
        "[1] Thu May 19 10:00:00 2016 :: [brain_select_nodes",
        "] enter[7101] Thu May 19 10:00:01 2016 :: released",
    ]
    first, second = parse_lines(lines, "gridftp-session", timezone="UTC").documents
    assert (first["message"], first["process"]["pid"]) == ("[1] Thu May 19 10:00:00 2016 :: [brain_select_nodes\n] enter", 1)
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
