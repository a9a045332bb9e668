"""StoRM's SRM requests: templates, operations, outcomes, organisations, secrets, of frontend and backend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.sample_logs import parse_lines, parse_routed, parse_sample

ROME = "Europe/Rome"
NOVEMBER = datetime(2026, 11, 21, 23, 25, 24, tzinfo=UTC).timestamp()
NEW_YEAR = datetime(2027, 1, 1, 0, 30, tzinfo=UTC).timestamp()
FRONTEND = "11/30 14:43:35.735 Thread 7 -  INFO [523dfd3f]: "
ASKED = FRONTEND + "ns1__srmX : Request: Ls. IP: 192.0.2.1. Client DN: /C=IT/O=IGI/CN=test0"
ENDPOINT = "srm://storm.example.org:8444/srm/managerv2?SFN="


def frontend(line: str) -> dict[str, Any]:
    (document,) = parse_lines([line], "storm-frontend", timezone=ROME, modified=NEW_YEAR).documents
    return document


def backend(text: str) -> dict[str, Any]:
    line = f"00:25:22.107 - INFO [xmlrpc-1] - {text}"
    (document,) = parse_lines([line], "storm-backend", timezone=ROME, modified=NOVEMBER).documents
    return document


def organisation(surls: str) -> str | None:
    found = frontend(f"{ASKED}. surl(s): {surls}")["storm"].get("vo")
    assert found is None or isinstance(found, str)
    return found


# --- SURLs and their organisations ---------------------------------------------------------------------------


def test_a_list_of_surls_is_kept_as_it_is_written_for_blanks_separate_and_belong_to_names_s10() -> None:
    log = parse_sample("storm/storm-frontend-server.log", "storm-frontend", timezone=ROME, modified=NEW_YEAR)
    spaced = [document for document in log.with_text("file with space.dat") if "token" in document["storm"]]
    assert len(spaced) > 10
    for document in spaced:
        surls = document["storm"]["surls"]
        assert surls in document["message"]
        assert surls.startswith("srm://")
        assert ". token" not in surls


@pytest.mark.parametrize(
    ("surls", "name"),
    [
        ("srm://storm.example.org/dteam/a", "dteam"),
        ("srm://storm.example.org:8444//dteam/a", "dteam"),
        (f"{ENDPOINT}/dteam/a", "dteam"),
        (f"{ENDPOINT}//vo.compass.cern.ch/a b", "vo.compass.cern.ch"),
        (f"{ENDPOINT}/dteam/a {ENDPOINT}/dteam/b", "dteam"),
        (f"srm://storm.example.org/dteam/a b {ENDPOINT}/dteam/c srm://s", "dteam"),
        ("srm://storm.example.org//dteam/a srm://storm.example.org//dteam/b", "dteam"),
    ],
)
def test_the_first_part_of_a_path_is_the_organisation(surls: str, name: str) -> None:
    assert organisation(surls) == name


@pytest.mark.parametrize(
    "surls",
    [
        "srm://storm.example.org/dteam/a srm://storm.example.org/atlas/b",
        f"{ENDPOINT}/dteam/a {ENDPOINT}/dteam2/b",
        "srm://storm.example.org/dteam",
        "srm://storm.example.org",
        f"{ENDPOINT}dteam/a",
        "srm://storm.example.org/DTEAM/a",
        "srm://storm.example.org/with blank/a",
        "/dteam/a",
    ],
)
def test_no_organisation_is_guessed_where_paths_differ_may_be_cut_or_name_none(surls: str) -> None:
    assert organisation(surls) is None


def test_an_attribute_in_a_name_says_the_organisation_where_no_path_does() -> None:
    name = f"{ASKED}/dteam/italy/Role=production/Capability=NULL"
    assert frontend(name)["storm"]["vo"] == "dteam"
    assert frontend(f"{name}. surl(s): srm://storm.example.org/atlas/a")["storm"]["vo"] == "atlas"
    assert "vo" not in frontend(f"{ASKED}/dteam/italy")["storm"]


def test_both_ends_of_a_move_tell_the_organisation() -> None:
    start = f"{ASKED}. from_surl: srm://storm.example.org/dteam/a to_surl: srm://storm.example.org"
    assert frontend(f"{start}/dteam/b")["storm"]["vo"] == "dteam"
    assert frontend(f"{start}/atlas/b")["storm"].keys() >= {"from_surl", "to_surl"}
    assert "vo" not in frontend(f"{start}/atlas/b")["storm"]


# --- operations and outcomes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_name", "operation"),
    [
        ("Ls", "srmLs"),
        ("Put done", "srmPutDone"),
        ("PTG", "srmPtG"),
        ("PtG Status", "srmStatusOfGetRequest"),
        ("PTG status", "srmStatusOfGetRequest"),
        ("Extend file lifetime in space", "srmExtendFileLifeTimeInSpace"),
    ],
)
def test_requests_of_the_frontend_are_called_as_in_the_backend(request_name: str, operation: str) -> None:
    storm = frontend(f"{FRONTEND}Result for request '{request_name}' is 'SRM_SUCCESS'")["storm"]
    assert (storm["request"], storm["operation"]) == (request_name, operation)


def test_every_request_of_the_samples_has_an_operation() -> None:
    for document in parse_routed("storm/storm-frontend-server.log").documents:
        assert ("request" in document["storm"]) == ("operation" in document["storm"])
    booked = parse_routed("storm/bookkeeping.log").documents
    assert {document["storm"]["operation"] for document in booked} == {"srmRm"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("SRM_SUCCESS", "success"),
        ("SRM_SPACE_AVAILABLE", "success"),
        ("SRM_REQUEST_QUEUED", "unknown"),
        ("SRM_PARTIAL_SUCCESS", "unknown"),
        ("SRM_NO_FREE_SPACE", "failure"),
        ("SRM_OF_TOMORROW", "unknown"),
    ],
)
def test_a_status_is_a_success_a_failure_or_unknown(status: str, outcome: str) -> None:
    assert frontend(f"{FRONTEND}Result for request 'Ls' is '{status}'")["event"]["outcome"] == outcome
    assert backend(f"srmLs: Request failed with: [status: {status}: x]")["event"]["outcome"] == outcome


# --- templates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("details", "fields"),
    [
        (". token: t-1", {"token": "t-1"}),
        (". surl(s): srm://a/b c srm://d. token: t-1", {"surls": "srm://a/b c srm://d", "token": "t-1"}),
        (". surl(s): srm://a/b. space token: s 1", {"surls": "srm://a/b", "space_token": "s 1"}),
        (". space token: s 1", {"space_token": "s 1"}),
        (". space tokens: s1 s2", {"space_token": "s1 s2"}),
        (". space token description: a b", {"space_token_description": "a b"}),
        (". from_surl: srm://a to_surl: srm://b c", {"from_surl": "srm://a", "to_surl": "srm://b c"}),
    ],
)
def test_synchronous_requests_have_the_details_of_their_line_s17(details: str, fields: dict[str, str]) -> None:
    storm = frontend(ASKED + details)["storm"]
    common = {"date", "thread", "request_id", "function", "request", "operation", "client", "dn"}
    assert {key: value for key, value in storm.items() if key not in common} == fields
    assert storm["dn"] == "/C=IT/O=IGI/CN=test0"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("'PTG' from Client IP='::1' Client DN='/CN=a' # Requested '2' SURL(s): 'srm://a srm://b'", {"surl_count": 2}),
        ("'PTG status' from Client IP='::1' Client DN='/CN=a' # Requested token 't'", {"token": "t"}),
        (
            "'PTG status' from Client IP='::1' Client DN='/CN=a' # Requested token 't' on '1' SURL(s): 'srm://a'",
            {"token": "t", "surl_count": 1, "surls": "srm://a"},
        ),
        ("'PTG' from Client IP=::1 Client DN=/CN=a", {"client": "::1"}),
        ("'PTG status' from Client IP=::1 Client DN=/CN=a # Requested token 't'", {"token": "t"}),
    ],
)
def test_asynchronous_requests_are_read_with_and_without_quotes_s17(text: str, fields: dict[str, Any]) -> None:
    storm = frontend(f"{FRONTEND}Request {text}")["storm"]
    assert storm["dn"] == "/CN=a"
    assert {key: storm[key] for key in fields} == fields


def test_wherever_an_asynchronous_request_is_cut_no_value_is_of_another_s5() -> None:
    asked = (
        "Request 'PTG status' from Client IP='::1' Client DN='/CN=a b' # Requested token 't-1' on '25' SURL(s): 's://a"
    )
    for end in range(len("Request 'PTG status' from Client IP='::1' Client DN='/CN=a b"), len(asked)):
        storm = frontend(f"{FRONTEND}{asked[:end]} TRUNCATED")["storm"]
        assert (storm["dn"], storm["client"], storm["truncated"]) == ("/CN=a b", "::1", "TRUNCATED")
        assert (storm.get("token", "t-1"), storm.get("surl_count", 25)) == ("t-1", 25)


def test_a_token_that_was_cut_is_no_token_s5() -> None:
    cut = "Request 'PTG status' from Client IP='::1' Client DN='/CN=a' # Requested token '235f461f-83 TRUNCATED"
    storm = frontend(FRONTEND + cut)["storm"]
    assert (storm["request"], storm["truncated"]) == ("PTG status", "TRUNCATED")
    assert "token" not in storm


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "srmRm: user </CN=a> operation for token [token:t] on [SURL: srm://a] succesfully done with: [status: S]",
            {"token": "t", "surls": "srm://a", "result": "succesfully done"},
        ),
        (
            "srmLs: user </CN=a> Request partially succeded with: [status: SRM_PARTIAL_SUCCESS: x]",
            {"result": "partially succeded", "status": "SRM_PARTIAL_SUCCESS"},
        ),
        (
            "srmRm: </CN=a> Request for [token:t] [SURL:[s://a, s://b]] successfully done with: [status:S: ]",
            {"token": "t", "surls": "s://a, s://b", "status": "S"},
        ),
        (
            "srmExtendLife: </CN=a> Request for [token:t] for [SURL:s] with [lifetime:60 ] failed with: [status:S]",
            {"token": "t", "surls": "s", "file_lifetime": 60},
        ),
        (
            "srmReleaseSpace: user </CN=a> Request for [spacetoken: s t] failed with: [status: S: x]",
            {"space_token": "s t", "status": "S"},
        ),
        (
            "srmGetSpaceTokens: user </CN=a> Request for [spaceTokenDescription:d] failed with [status:S: x]",
            {"space_token_description": "d", "status": "S"},
        ),
    ],
)
def test_more_templates_of_the_backend_that_do_not_agree_s17(text: str, fields: dict[str, Any]) -> None:
    storm = backend(text)["storm"]
    assert storm["dn"] == "/CN=a"
    assert {key: storm[key] for key in fields} == fields


def test_of_two_outcomes_in_a_line_none_is_believed_s17() -> None:
    forged = "srm://a] successfully done with: [status: SRM_SUCCESS: x"
    document = backend(f"srmRm: user </CN=a> operation on [SURL: {forged}] failed with: [status: SRM_FAILURE: y]")
    assert (document["storm"]["operation"], document["user"]["name"]) == ("srmRm", "/CN=a")
    assert not {"status", "result", "surls"} & document["storm"].keys()
    assert "outcome" not in document["event"]


def test_unknown_messages_have_level_thread_and_time_and_no_tag_s17() -> None:
    document = backend("DiskUsageTask for NESTED_TOKEN on /storage/nested started ...")
    assert (document["log"]["level"], document["process"]["thread"]["name"]) == ("INFO", "xmlrpc-1")
    assert (document["@timestamp"], document["tags"]) == ("2026-11-21T23:25:22.107Z", [])


def test_lines_with_addresses_for_threads_are_read_too() -> None:
    log = parse_routed("storm/older/storm-frontend-server-addresses.log")
    tasks, ping, _, listed, _ = log.documents
    assert (tasks["storm"]["thread"], tasks["log"]["level"]) == ("0x88d4ab8", "AUDIT")
    assert tasks["storm"]["tasks"] == {"active": 3}
    assert (ping["event"]["action"], ping["source"]["ip"]) == ("Ping", "2001:db8::5")
    assert (listed["storm"]["vo"], listed["storm"]["function"]) == ("dteam", "ns1__srmLs")


# --- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    ["storm.service.request-db.passwd = ", "db.password=", "synchcall.xmlrpc.token=", "getDBPassword: ", "SECRET="],
)
def test_passwords_told_at_the_start_stay_where_they_are(setting: str) -> None:
    for document in (frontend(f"{FRONTEND}main : {setting}k33p"), backend(f"Configuration {setting}k33p")):
        assert "k33p" not in str(document)
        assert document["message"].endswith(f"{setting}[redacted]")


def test_the_configuration_told_at_the_start_is_one_event_without_its_secrets_s4() -> None:
    told = parse_routed("storm/older/storm-backend-start.log").documents[0]
    assert told["shipper"]["lines"] == 3
    assert "storm.service.port = 8444" in told["message"]
    assert "not-for-you" not in str(told)
