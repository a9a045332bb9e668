"""GridFTP logs of other log modules, releases and programs: session messages, stdio_ng, audit and usage records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.gridftp_records import CUT, record
from support.sample_logs import ParsedLog, parse_lines, parse_sample

from shipper.parse.definition import load_pipeline
from shipper.settings import InputSettings

ROME = "Europe/Rome"
NG = "ts=2026-11-21T23:13:05.053776Z id=29749 event=globus-gridftp-server."


def variant(name: str) -> ParsedLog:
    return parse_sample(f"gridftp/variants/gridftp-{name}.log", f"gridftp-{name}", timezone=ROME)


def events(name: str = "ng/gridftp.log") -> ParsedLog:
    return parse_sample(f"gridftp/{name}", "gridftp-session-ng")


def event(text: str) -> dict[str, Any]:
    """The document of one event of stdio_ng."""
    (document,) = parse_lines([NG + text], "gridftp-session-ng").documents
    return document


def test_times_of_a_session_in_rome_are_local_before_and_after_the_clocks_change() -> None:
    log = variant("session")
    (winter,) = log.with_text("Sat Mar 30 23:59:59 2024")
    (summer,) = log.with_text("Closed connection from [2001:db8::9]:50000")
    (failure,) = log.with_text("Failure attempting to transfer")
    assert winter["@timestamp"] == "2024-03-30T22:59:59.250417Z"
    assert summer["@timestamp"] == "2024-03-31T01:00:01Z"
    assert failure["@timestamp"] == "2024-03-31T01:00:02Z"


def test_a_record_that_another_process_interrupted_says_what_it_holds_and_is_tagged() -> None:
    (record,) = variant("session").with_text("Transfer stats: DATE=20240331010001")
    assert record["tags"] == ["_line_split"]
    assert record["gridftp"]["truncated"] == " BLOCK=26"
    assert "block" not in record["gridftp"]
    assert record["gridftp"]["buffer"] == 4194304


def test_a_message_that_came_too_early_to_its_end_does_not_swallow_the_next() -> None:
    log = variant("session")
    (first,) = log.with_text("globus_l_gfs_default_brain_select_nodes")
    (second,) = log.with_text("Node released with error")
    assert first["message"].endswith("\n] enter")
    assert (second["event"]["outcome"], second["process"]["pid"]) == ("failure", 7101)
    assert second["gridftp"]["node"] == "[default] node2.example.org:20001"


def test_a_message_cut_by_its_buffer_tells_how_much_is_missing() -> None:
    reply, record = variant("session").with_text("*** TRUNCATED")
    assert (reply["gridftp"]["truncated_bytes"], reply["gridftp"]["reply"]) == (1302, 500)
    assert (record["gridftp"]["truncated_bytes"], record["gridftp"]["user"]) == (310, "alice")
    assert not {"file", "nbytes"} & record["gridftp"].keys()


def test_what_libraries_say_of_an_error_is_its_message() -> None:
    (error,) = variant("session").with_text("could not get intially requested node")
    assert error["error"]["message"].splitlines() == [
        "globus_gss_assist: A GSSAPI returned an error",
        "globus_gsi_gssapi: Bad argument: Invalid context parameter passed to function",
    ]


@pytest.mark.parametrize("secret", ["tok3n-of-alice", "a2V5LW9mLWFsaWNl"])
def test_no_secret_of_a_session_is_shipped_g17(secret: str) -> None:
    assert secret not in json.dumps(variant("session").documents)


def test_every_event_of_stdio_ng_has_time_process_and_action() -> None:
    log = events()
    assert (len(log.documents), log.unparsed) == (615, 0)
    assert {document["gridftp"]["event"] for document in log.documents} == {
        f"globus-gridftp-server.{document['event']['action']}" for document in log.documents
    }
    assert all(document["@timestamp"] == document["gridftp"]["ts"] for document in log.documents)


def test_every_key_of_stdio_ng_that_the_server_wrote_has_a_type() -> None:
    ended = [document for document in events().documents if document["event"]["action"] == "child.end"]
    assert [document["gridftp"]["exitcode"] for document in ended] == [0, 0, 0, 0]
    known = load_pipeline("gridftp-session-ng", InputSettings("i", ("/l",), "gridftp-session-ng")).field_types
    keys = {key for document in events().documents for key in document["gridftp"]} - {"c"}
    assert sorted(keys - {name.removeprefix("gridftp.") for name in known}) == []


def test_a_transfer_of_stdio_ng_says_the_same_as_the_transfer_log() -> None:
    records = parse_sample("gridftp/ng/gridftp-transfer.log", "gridftp-transfer").documents
    ends = [document for document in events().documents if document["event"]["action"] == "transfer.end"]
    told = [("nbytes", "bytes"), ("file", "file"), ("streams", "streams"), ("dest", "remoteIP"), ("taskid", "taskid")]
    assert len(ends) == len(records) == 50
    assert sorted([str(end["gridftp"][ng]) for _, ng in told] for end in ends) == sorted(
        [str(record["gridftp"][name]) for name, _ in told] for record in records
    )
    assert {end["event"]["outcome"] for end in ends} == {"success"}


def test_a_failure_of_stdio_ng_has_file_and_reason() -> None:
    failures = [document for document in events().documents if document["event"]["action"] == "transfer.error"]
    assert len(failures) == 10
    assert {failure["file"]["path"] for failure in failures} == {"/srv/gf/data/nonexistent file.dat"}
    assert {failure["event"]["outcome"] for failure in failures} == {"failure"}
    assert failures[0]["error"]["message"].endswith("A system call failed: No such file or directory")


def test_passwords_in_stdio_ng_are_redacted_g17() -> None:
    log = events()
    asked = [document for document in log.documents if document["gridftp"].get("command") == "PASS"]
    assert {document["gridftp"]["argument"] for document in asked} == {"[redacted]"}
    assert len(asked) == 8
    assert "user0@" not in json.dumps(log.documents)


@pytest.mark.parametrize(
    "text",
    [
        'session.message sender=client msg="pass s3cret "x" y  "',
        'session.message sender=client msg="ADAT s3cret=  "',
        'session.message sender=client msg="DCSC P s3cret=  "',
        'session.message sender=server msg="335 ADAT=s3cret=  "',
    ],
)
def test_secrets_of_stdio_ng_in_other_spellings_are_redacted_g17(text: str) -> None:
    document = event(text)
    assert "s3cret" not in json.dumps(document)
    assert document["gridftp"]["sender"] in text


def test_keys_that_only_some_events_have_are_fields() -> None:
    assert event("start mode=inetd contact=[::ffff:127.0.0.1]:52811")["gridftp"]["mode"] == "inetd"
    assert event("child.start c.id=29749")["gridftp"]["c"] == {"id": 29749}
    assert event('some.thing color="light blue"')["gridftp"]["color"] == "light blue"


def test_a_login_of_the_audit_log_names_client_user_task_and_collection() -> None:
    login, guest = variant("audit").documents[:2]
    assert login["@timestamp"] == "2024-03-05T08:15:53Z"
    assert login["source"] == {"ip": "192.0.2.44", "port": 43536}
    assert (login["user"]["name"], login["event"]["action"]) == ("alice", "login")
    assert login["gridftp"]["g_tid"] == "9f767c45-2020-11ee-9835-0262a1f2f698"
    assert guest["source"] == {"ip": "2001:db8::44", "port": 443}
    assert guest["gridftp"]["r"] == "/a b"


def test_an_operation_of_the_audit_log_has_path_peer_size_and_result() -> None:
    operation, end = variant("audit").documents[2:]
    assert operation["file"]["path"] == "/data/run 7/raw=1.dat"
    assert operation["destination"]["ip"] == "198.51.100.7"
    assert end["file"]["path"] == "/data/caf%C3%A9%20%22x%22"
    assert (end["network"]["bytes"], end["event"]["outcome"]) == (34359738368, "success")
    assert operation["gridftp"]["ref"] == end["gridftp"]["ref"]


def test_a_usage_record_has_version_person_and_addresses() -> None:
    full, short, unquoted = variant("usage").documents
    assert full["gridftp"]["ver"] == "3.23 (gcc64dbg, 1258583118-1) [Globus Toolkit 5.0.2]"
    assert full["gridftp"]["userdn"] == "/O=Grid/OU=example.org/CN=A Person"
    assert (full["source"]["ip"], full["destination"]["ip"]) == ("192.0.2.9", "192.0.2.10")
    assert full["event"]["duration"] == 2_001_552_000
    assert (short["gridftp"]["operation"], "throughput" in short["gridftp"]) == ("listing", False)
    assert unquoted["gridftp"]["userdn"] == "/O=Grid/CN=A Person"
    assert (unquoted["file"]["path"], unquoted["gridftp"]["sessid"]) == ("/data/run 7/x", "28f")


@pytest.mark.parametrize("pipeline", ["gridftp-transfer", "gridftp-session-ng", "gridftp-audit", "gridftp-usage"])
@pytest.mark.parametrize("line", ["", "x", "DATE=", "t=S", "HOSTNAME=", "ts=now id=1 event=x", "FILE= BUFFER=1"])
def test_a_line_of_no_record_is_text_with_a_tag(pipeline: str, line: str) -> None:
    log = parse_lines([f".{line}", line], pipeline)
    assert {document["tags"][0] for document in log.documents} == {"_grokparsefailure"}
    assert not [document for document in log.documents if "gridftp" in document]


def test_a_line_of_syslog_is_as_long_as_it_likes() -> None:
    prefix = "Aug  7 14:31:21 se01 globus-gridftp-server[14395]: Transfer stats: "
    whole = prefix + record(b"/data/" + b"x" * (CUT - len(prefix) - len(record(b"/data/")))).decode()
    (transfer,) = parse_lines([whole], "gridftp-transfer").documents
    assert len(whole) == CUT
    assert "truncated" not in transfer["gridftp"]
    assert transfer["gridftp"]["taskid"] == "9f767c45-2020-11ee-9835-0262a1f2f698"
