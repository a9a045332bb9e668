"""StoRM WebDAV: transfers, figures and stack traces of the server, requests of the access log, of all releases."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.sample_logs import parse_lines, parse_routed

SERVER = "storm/storm-webdav-server.log"
ACCESS = "storm/storm-webdav-server-access.log"
HEAD = "2026-10-25T00:00:04.002Z [46137e70]   INFO 30403 --- [pool-44] o.i.s.w.tpc.TransferFilter      : "
FIGURES = "Bytes transferred: 7, Duration (msec): 9, Throughput: 2 MB/sec, id: 46137e70"


def server(text: str) -> dict[str, Any]:
    (document,) = parse_lines(text.split("\n"), "storm-webdav-server", timezone="Europe/Rome").documents
    return document


def access(line: str) -> dict[str, Any]:
    (document,) = parse_lines([line], "storm-webdav-access").documents
    return document


# --- access --------------------------------------------------------------------------------------------------


def test_every_request_of_the_sample_has_all_its_values_s16() -> None:
    documents = parse_routed(ACCESS).documents
    assert len(documents) == 200
    for document in documents:
        assert document["http"].keys() == {"version", "request", "response"}
        assert document["event"]["duration"] == document["storm"]["duration"] * 1_000_000
        assert document["destination"]["port"] in (8085, 8443)
        assert document["url"]["path"].startswith("/")
        assert document["@timestamp"] == document["storm"]["date"]


def test_an_address_that_is_missing_shifts_nothing_s16() -> None:
    rest = '8085 "anonymous" 2026-10-25T00:00:29.126Z "-" "HEAD /dteam/a HTTP/1.1" 200 - 1'
    for line in (f" {rest}", f"- {rest}"):
        document = access(line)
        assert "source" not in document
        assert document["destination"]["port"] == 8085
        assert (document["user"]["name"], document["storm"]["vo"]) == ("anonymous", "dteam")
    blank = [document for document in parse_routed(ACCESS).documents if document["message"].startswith((" ", "- "))]
    assert len(blank) > 5
    assert not any("source" in document for document in blank)


def test_quotes_in_a_path_belong_to_it_s16() -> None:
    quoted = [d for d in parse_routed(ACCESS).documents if 'quote"in"path' in d["message"]]
    assert len(quoted) > 20
    assert {document["url"]["path"] for document in quoted} == {'/dteam/quote"in"path'}
    assert {document["storm"]["vo"] for document in quoted} == {"dteam"}


def test_bytes_that_are_a_dash_are_no_number_s16() -> None:
    for document in parse_routed(ACCESS).documents:
        has_none = document["message"].split()[-2] == "-"
        assert has_none == ("bytes" not in document["storm"]) == ("body" not in document["http"]["response"])


def test_a_comma_that_is_escaped_in_a_name_stays_so_s16() -> None:
    users = Counter(document["storm"].get("user") for document in parse_routed(ACCESS).documents)
    assert users.keys() == {
        None,
        "anonymous",
        "CN=test0,O=IGI,C=IT",
        r"CN=Robot: Example\, Data,OU=Users,DC=cern,DC=ch",
        "6f1e1a8c-0000-4a5b-9b7e-1234567890ab@https://iam.example.org/",
    }


def test_a_certificate_an_account_and_nobody_are_told_apart_s16() -> None:
    for document in parse_routed(ACCESS).documents:
        storm = document["storm"]
        user = storm.get("user", "")
        assert ("dn" in storm) == user.startswith("CN=")
        assert ("issuer" in storm) == ("@https://" in user)
        assert document.get("user", {}).get("name", "") == user


def test_requests_that_are_accepted_have_no_outcome_yet() -> None:
    outcomes = {(d["storm"]["status_code"], d["event"]["outcome"]) for d in parse_routed(ACCESS).documents}
    assert (202, "unknown") in outcomes
    assert all(outcome == "unknown" for code, outcome in outcomes if code == 202)
    assert all(outcome == "success" for code, outcome in outcomes if code < 400 and code != 202)
    assert all(outcome == "failure" for code, outcome in outcomes if code >= 400)


def test_releases_before_1_4_are_read_with_their_local_time() -> None:
    listing, upload = parse_routed("storm/older/storm-webdav-server-access-1.0.log").documents
    assert (listing["@timestamp"], listing["url"]["path"]) == ("2014-01-28T09:30:00Z", "/dteam/")
    assert "user" not in listing
    assert (upload["user"]["name"], upload["event"]["duration"]) == ("CN=test0,O=IGI,C=IT", 812_000_000)
    twice, nobody = parse_routed("storm/older/storm-webdav-server-access-1.1.log").documents
    assert twice["user"]["name"] == "CN=test 0,O=IGI,C=IT"
    assert twice["storm"]["request_id"] == "0f2a1b3c-0001-4a5b-9b7e-1234567890ab"
    assert (nobody["source"]["ip"], nobody["http"]["response"]["status_code"]) == ("2001:db8::5", 401)


@pytest.mark.parametrize("key", ["access_token", "authz", "X-Amz-Signature"])
def test_tokens_in_addresses_are_not_shipped(key: str) -> None:
    line = f'::1 8085 "-" 2026-10-25T00:00:29.126Z "-" "GET /dteam/a?x=1&{key}=k33p&y=2 HTTP/1.1" 200 - 1'
    document = access(line)
    assert "k33p" not in str(document)
    assert document["url"]["query"] == f"x=1&{key}=[redacted]&y=2"


def test_pages_of_the_server_name_no_organisation() -> None:
    for path in ("/actuator/health", "/.well-known/x", "/", "/favicon.ico", "/Dteam/x"):
        assert "vo" not in access(f'::1 8085 "-" 2026-10-25T00:00:29.126Z "-" "GET {path} HTTP/1.1" 200 - 1')["storm"]


# --- server --------------------------------------------------------------------------------------------------


def test_two_and_three_blanks_before_the_level_are_both_read_s6() -> None:
    documents = parse_routed(SERVER).documents
    assert len(documents) == 172
    for document in documents:
        assert document["log"].keys() == {"offset", "file", "level", "logger"}
        assert document["process"]["pid"] == 30403
    assert sum("job_id" in document["storm"] for document in documents) == 72


def test_a_stack_trace_of_the_server_is_one_event_s4() -> None:
    broken = [document for document in parse_routed(SERVER).documents if "stack_trace" in document.get("error", {})]
    assert len(broken) == 4
    for document in broken:
        assert document["error"]["type"] == "java.io.IOException"
        assert document["error"]["message"] == "Connection reset by peer"
        assert document["error"]["stack_trace"].endswith("33 common frames omitted")


def test_transfers_have_bytes_duration_ends_and_outcome() -> None:
    documents = parse_routed(SERVER).documents
    done = [document for document in documents if document["storm"].get("transfer", {}).get("status") == "DONE"]
    assert len(done) == 63
    first = done[0]
    assert (
        first["storm"]["transfer"].items()
        >= {
            "direction": "Pull",
            "source": "https://src.example.org:443/d/f1?copy_mode=pull",
            "destination": "/atlas/f1.root",
            "bytes": 2_029_344_119,
            "duration": 772_196,
            "id": "46137e70-66ca-4022-a188-eb1a29778bcc",
        }.items()
    )
    assert first["event"].items() >= {"action": "completed", "outcome": "success", "duration": 772_196_000_000}.items()
    assert (first["url"]["domain"], first["file"]["path"]) == ("src.example.org", "/atlas/f1.root")
    assert first["storm"]["vo"] == "atlas"
    failed = [document for document in documents if document["event"].get("outcome") == "failure"]
    assert {document["error"]["type"] for document in failed} == {"org.apache.http.client.HttpResponseException"}


def test_the_throughput_of_a_transfer_is_bits_by_seconds_and_missing_where_no_time_passed() -> None:
    text = f"Push third-party transfer completed: DONE. Source: /dteam/a, Destination: https://b/c, {FIGURES}"
    assert server(HEAD + text)["storm"]["transfer"]["throughput"] == 7 * 8000 / 9
    at_once = server(HEAD + text.replace("(msec): 9", "(msec): 0"))
    assert "throughput" not in at_once["storm"]["transfer"]
    assert at_once["event"]["duration"] == 0


def test_the_ends_of_a_push_are_the_other_way_round() -> None:
    text = f"Push third-party transfer completed: DONE. Source: /dteam/a, Destination: https://b/c, {FIGURES}"
    document = server(HEAD + text)
    assert (document["file"]["path"], document["url"]["full"]) == ("/dteam/a", "https://b/c")


@pytest.mark.parametrize(
    "path", ["/dteam/a, Destination: /b", f"/dteam/x, {FIGURES}", "/dteam/a\nb", "/dteam/é, id: 5", "/dteam/'\"[]"]
)
def test_a_path_may_hold_what_the_message_holds(path: str) -> None:
    done = "Pull third-party transfer completed: DONE. Source: https://b:8443/c"
    document = server(f"{HEAD}{done}, Destination: {path}, {FIGURES}")
    assert document["file"]["path"] == path
    assert (document["storm"]["transfer"]["bytes"], document["storm"]["transfer"]["id"]) == (7, "46137e70")
    push = "Push third-party transfer completed: DONE. Source: "
    document = server(f"{HEAD}{push}{path}, Destination: https://b/c, {FIGURES}")
    assert document["file"]["path"] == path


def test_a_failed_pull_has_its_message_and_no_bytes() -> None:
    document = server(
        f"{HEAD}Pull third-party transfer completed: ERROR : no. Source: https://b/c, Destination: /dteam/a"
    )
    assert (document["error"]["message"], document["event"]["outcome"]) == ("no", "failure")
    assert "bytes" not in document["storm"]["transfer"]
    assert "duration" not in document["event"]


def test_figures_have_the_unit_of_their_rates() -> None:
    figures = [document for document in parse_routed(SERVER).documents if "requests" in document["storm"]]
    assert len(figures) == 8
    for document in figures:
        assert document["storm"]["rate_units"] == "events/second"
        assert document["storm"]["requests"].keys() >= {"m1_count", "count", "mean", "m15_rate"}
        assert isinstance(document["storm"]["heap"]["used"], int)


def test_releases_before_1_1_have_local_time_and_their_own_order() -> None:
    started, broken, figures = parse_routed("storm/older/storm-webdav-server-1.0.log").documents
    assert (started["@timestamp"], started["log"]["level"]) == ("2015-03-01T09:11:12.123Z", "INFO")
    assert (broken["error"]["type"], broken["shipper"]["lines"]) == ("java.io.IOException", 3)
    assert figures["storm"]["heap"] == {"usage": 0.12, "used_rounded": "891 MB"}
    assert figures["storm"]["requests"]["m1_rate"] == 0.0001
    assert "m1_count" not in figures["storm"]["requests"]


def test_passwords_and_tokens_are_not_shipped() -> None:
    for secret in ("https://me:k33p@b/c", "https://b/c?authz=k33p", "Authorization: Bearer k33p"):
        assert "k33p" not in str(server(f"{HEAD}Fetching {secret} now"))
    assert server(f"{HEAD}Fetching https://b:8443/c now")["message"].endswith("https://b:8443/c now")
