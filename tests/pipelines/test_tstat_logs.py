"""tstat's logs beside those of flows: HTTP, DNS, chats, video, RTP and periodic ones; the traps T9, T15 and T18."""

from __future__ import annotations

import time

import pytest
from support.sample_logs import FILES, SAMPLES, ParsedLog, content, parse_bytes, parse_lines, parse_sample, route
from support.tstat_rows import column_names

MADE = "tstat/made/v3.3.0/2026_11_21_15_20.out"
HTTP = "tstat/v3.2.1_rotation/2026_11_21_15_16.out/log_http_complete"
REQUESTS, RESPONSES = content(SAMPLES / HTTP).decode().split("\n")[:2]


def made(log: str) -> ParsedLog:
    return parse_sample(f"{MADE}/log_{log}", route(f"{MADE}/log_{log}"))


def test_two_kinds_of_rows_have_the_columns_of_their_own_headers_t18() -> None:
    log = parse_sample(HTTP, "tstat-http")
    assert log.filtered_lines("header") == 2
    requests = [document for document in log.documents if "method" in document["tstat"]]
    responses = [document for document in log.documents if "HTTP" in document["tstat"]]
    assert (len(requests), len(responses), len(log.documents)) == (42, 42, 84)
    request = next(document for document in requests if document["source"]["port"] == responses[0]["source"]["port"])
    assert request["http"]["request"]["method"] == "GET"
    assert request["url"] == {"domain": "www.example.org", "path": request["tstat"]["path"]}
    assert request["@timestamp"] < responses[0]["@timestamp"]
    assert responses[0]["http"]["response"] == {
        "status_code": 400,
        "body": {"bytes": responses[0]["tstat"]["content_len"]},
        "mime_type": "text/html;charset=utf-8",
    }
    assert "status_code" not in request["http"].get("response", {})


def test_quotes_and_letters_beyond_ascii_in_a_user_agent_are_kept_t18() -> None:
    request = parse_sample(HTTP, "tstat-http").documents[0]
    assert request["user_agent"]["original"] == 'Mozilla/5.0 (X11; Linux) "quoted" é'
    assert request["tstat"]["cookie"] == 'a=b; c="d e"'


def test_bytes_that_are_no_utf8_stop_nothing_t18() -> None:
    row = b"192.0.2.1\t40000\t192.0.2.2\t80\t1795303208.096312\tGET\t-\t-\t/\xe9\t-\tagent \xff\xfe\t-\t-\n"
    log = parse_bytes(
        f"{REQUESTS}\n{RESPONSES}\n".encode() + row + row.replace(b"GET", b"PUT"), "tstat-http", path="/l"
    )
    assert [document["http"]["request"]["method"] for document in log.documents] == ["GET", "PUT"]
    assert log.documents[0]["url"]["path"] == "/\\xe9"
    assert log.documents[0]["user_agent"]["original"] == "agent \\xff\\xfe"


def test_the_time_of_a_request_is_in_seconds_not_in_milliseconds_t15() -> None:
    request = parse_sample("tstat/versions/v3.2.1/2026_11_21_15_20.out/log_http_complete", "tstat-http").documents[0]
    assert request["tstat"]["time_abs"] == 1795303208.096312
    assert request["@timestamp"] == "2026-11-21T23:20:08.096312Z"


@pytest.mark.parametrize("version", ["v2.4", "v3.1.0", "v3.2.1"])
def test_requests_of_every_version_say_the_same_under_the_same_names_t9(version: str) -> None:
    log = parse_sample(f"tstat/versions/{version}/2026_11_21_15_20.out/log_http_complete", "tstat-http")
    request = log.documents[0]
    assert (request["source"]["port"], request["url"]["path"]) == (35235, "/data/1/file")
    assert request["user_agent"]["original"].startswith("Mozilla/5.0")
    assert request["http"]["request"]["referrer"].startswith("https://ref.example.org/a/b")


def test_a_value_that_looks_like_a_response_makes_no_response_of_a_request() -> None:
    row = "192.0.2.1\t40000\t192.0.2.2\t80\t1795303208.096312\tGET\tHTTP\t-\t/\tRES2\tHTTP\tHTTP\tHTTP"
    (request,) = parse_lines([REQUESTS, RESPONSES, row], "tstat-http").documents
    assert request["http"] == {"request": {"method": "GET", "referrer": "RES2"}}
    assert request["user_agent"]["original"] == "HTTP"


@pytest.mark.parametrize(
    ("hostname", "domain"),
    [
        ("www.example.org", "www.example.org"),
        ("www.example.org:8443", "www.example.org"),
        ("d3d3LmV4YW1wbGUub3Jn", None),
        ("www.example.org/path", None),
        ("[2001:db8::1]:80", None),
        ("localhost", None),
    ],
)
def test_only_a_domain_becomes_the_domain_of_the_url(hostname: str, domain: str | None) -> None:
    row = f"192.0.2.1\t40000\t192.0.2.2\t80\t1795303208.096312\tGET\t{hostname}\t-\t/\t-\t-\t-\t-"
    (request,) = parse_lines([REQUESTS, RESPONSES, row], "tstat-http").documents
    assert request["url"].get("domain") == domain
    assert request["tstat"]["hostname"] == hostname


def test_questions_records_and_errors_of_the_dns_have_fields_of_their_own() -> None:
    question, record, _, exchange, _, error = made("dns_complete").documents
    assert question["dns"] == {
        "id": "0x1a2b",
        "type": "query",
        "question": {"name": "www.example.org", "class": "IN", "type": "A"},
    }
    assert question["@timestamp"] == "2026-11-21T23:20:08.096235107Z"
    assert record["dns"]["answers"] == {
        "name": "www.example.org",
        "data": "192.0.2.10",
        "class": "IN",
        "type": "A",
        "ttl": 300,
    }
    assert exchange["dns"]["answers"]["data"] == "10\tmail.example.org"
    assert (error["dns"]["response_code"], error["dns"]["question"]["name"]) == ("NXDOMAIN", "no.example.org")
    assert {document["network"]["transport"] for document in (question, record, error)} == {"udp"}


def test_the_durations_of_chats_are_in_seconds_t15() -> None:
    session = made("chat_complete").documents[0]
    assert session["event"] == {
        **session["event"],
        "start": "2026-11-21T23:20:08.096236Z",
        "duration": 61_250_000_000,
        "end": "2026-11-21T23:21:09.346236Z",
    }
    assert session["tstat"]["s_iscrypto"] == 1


def test_messages_have_the_length_that_the_header_does_not_name() -> None:
    known, unknown, short = made("chat_messages").documents
    assert (known["tstat"]["msglen"], known["tstat"]["paylen"]) == (87, 120)
    assert known["event"]["end"] == "2026-11-21T23:20:20.596236Z"
    assert "msglen" not in unknown["tstat"]
    assert "msglen" not in short["tstat"]
    assert {document["tstat"]["paylen"] for document in (known, unknown, short)} == {120}


def test_a_second_of_a_long_transfer_has_its_own_throughput() -> None:
    first, second = made("tcp_periodic").documents
    assert first["event"]["start"] == "2026-11-21T23:20:08.273694092Z"
    assert first["event"]["end"] == "2026-11-21T23:20:09.273781092Z"
    assert first["tstat"]["c_throughput"] == pytest.approx(8 * 20_000_002 / 1.000087)
    assert first["tstat"]["c_retransmission_rate"] == pytest.approx(1448 / 20_001_450)
    assert second["tstat"]["c_throughput"] < first["tstat"]["c_throughput"]
    assert second["event"]["start"] > first["event"]["end"]


def test_an_interval_without_length_has_no_throughput() -> None:
    assert "c_throughput" not in made("udp_periodic").documents[1]["tstat"]
    assert made("udp_periodic").documents[0]["tstat"]["c_throughput"] == 8 * 590 / 0.5


def test_streams_of_rtp_begin_at_seconds_and_have_no_duration_that_could_be_wrong() -> None:
    stream, answer, report = made("mm_complete").documents
    assert (stream["network"]["protocol"], report["network"]["protocol"]) == ("rtp", "rtcp")
    assert stream["event"]["start"] == "2026-11-21T23:20:08.096236Z"
    assert "duration" not in report["event"]
    assert (stream["tstat"]["direction"], answer["tstat"]["direction"]) == ("C", "S")
    assert stream["tstat"]["SSRC"] == "0x1a2b3c4d"


def test_a_pair_of_rtp_flows_without_header_is_read_by_its_layout() -> None:
    (pair,) = parse_sample("tstat/made/v3.1.0/2026_11_21_15_20.out/log_mm_complete", "tstat-mm").documents
    assert pair["event"]["start"] == "2026-11-21T23:20:08.096236Z"
    assert (pair["source"]["port"], pair["destination"]["port"]) == (40000, 40002)
    assert pair["tstat"]["s_databytes"] == 40000


@pytest.mark.parametrize("name", [name for name in FILES if "log_video" in name or "log_streaming" in name])
def test_flows_of_video_are_flows_with_more_columns(name: str) -> None:
    for flow in parse_sample(name, route(name)).documents:
        assert flow["event"]["end"] > flow["event"]["start"]
        assert flow["tstat"]["c_throughput"] > 0
        assert flow["network"]["bytes"] == flow["tstat"]["c_bytes_all"] + flow["tstat"]["s_bytes_all"]
        assert isinstance(flow["tstat"]["vd_type_cont"], str)


@pytest.mark.parametrize("repeated", ["a.", "a", ".", "-.", "a:", "/?", "1"])
@pytest.mark.parametrize("column", ["method", "hostname", "fqdn", "path", "user_agent"])
def test_a_long_name_takes_no_time(column: str, repeated: str) -> None:
    values = dict.fromkeys(column_names(REQUESTS), "-")
    values |= {"c_ip": "192.0.2.1", "s_ip": "192.0.2.2", "time_abs": "1795303208.096312", "method": "GET"}
    row = "\t".join({**values, column: repeated * 20_000 + "!"}.values())
    parse_lines([REQUESTS, RESPONSES], "tstat-http")
    started = time.process_time()
    (request,) = parse_lines([REQUESTS, RESPONSES, row], "tstat-http").documents
    assert time.process_time() - started < 0.5
    assert request["tags"] == []
    assert request["tstat"][column].endswith("!")


@pytest.mark.parametrize("repeated", ["a.", "a", "."])
def test_a_long_name_in_the_dns_takes_no_time(repeated: str) -> None:
    row = content(SAMPLES / MADE / "log_dns_complete").decode().split("\n")[1]
    parse_lines([row], "tstat-dns")
    started = time.process_time()
    (record,) = parse_lines([row.replace("www.example.org.", repeated * 20_000)], "tstat-dns").documents
    assert time.process_time() - started < 0.5
    assert record["dns"]["answers"]["name"] == (repeated * 20_000).removesuffix(".")


def test_a_file_without_any_row_is_no_damage() -> None:
    empty = [name for name in FILES if name.startswith("tstat/versions/v2.3") and not content(SAMPLES / name)]
    assert len(empty) == 5
    assert all(parse_sample(name, route(name)).lines == 0 for name in empty)
