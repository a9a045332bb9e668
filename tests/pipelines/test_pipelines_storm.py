"""StoRM's logs: values against lines of the samples, and the traps S1 to S15."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.sample_logs import ParsedLog, parse_bytes, parse_lines, parse_sample

ROME = "Europe/Rome"
NEW_YEAR = datetime(2027, 1, 1, 0, 30, tzinfo=UTC).timestamp()
NOVEMBER = datetime(2026, 11, 21, 23, 25, 24, tzinfo=UTC).timestamp()
SURL = "srm://storm-fe.example.org:8444/srm/managerv2?SFN=/atlas/disk/rucio/"


def frontend() -> ParsedLog:
    return parse_sample("storm/storm-frontend-server.log", "storm-frontend", timezone=ROME, modified=NEW_YEAR)


def monitoring() -> ParsedLog:
    return parse_sample("storm/monitoring.log", "storm-monitoring", timezone=ROME, modified=NEW_YEAR)


def backend() -> ParsedLog:
    return parse_sample("storm/storm-backend.log", "storm-backend", timezone=ROME, modified=NOVEMBER)


def backend_lines(*lines: str, path: str = "/l/storm-backend.log") -> list[dict[str, Any]]:
    return parse_lines(lines, "storm-backend", timezone=ROME, modified=NOVEMBER, path=path).documents


def metric(line: str) -> dict[str, Any]:
    (document,) = parse_lines([line], "storm-metrics", timezone=ROME, modified=NOVEMBER).documents
    return document


def test_a_day_without_date_is_that_of_the_last_modification_s1() -> None:
    documents = backend().documents
    assert documents[0]["@timestamp"] == "2026-11-21T23:25:22.107Z"
    assert documents[-1]["@timestamp"] == "2026-11-21T23:25:24.037Z"
    assert documents[0]["shipper"]["date"] == "2026-11-22"


def test_a_rotated_file_is_dated_by_its_name_s1() -> None:
    (document,) = backend_lines("00:25:22.107 - INFO [main] - x", path="/l/storm-backend-2025-07-01.log")
    assert document["@timestamp"] == "2025-06-30T22:25:22.107Z"


def test_a_file_that_runs_past_midnight_begins_a_day_earlier_s1() -> None:
    before, after = backend_lines("23:59:59.000 - INFO [main] - x", "00:25:23.000 - INFO [main] - y")
    assert before["@timestamp"] == "2026-11-21T22:59:59.000Z"
    assert after["@timestamp"] == "2026-11-21T23:25:23.000Z"


def test_a_year_that_is_missing_turns_at_new_year_s2() -> None:
    documents = frontend().documents
    assert documents[0]["@timestamp"] == "2026-12-31T22:50:00.023Z"
    assert documents[-1]["@timestamp"] == "2026-12-31T23:01:43.677Z"
    years = [document["storm"]["date"][:5] for document in documents]
    assert years.count("12/31") == 387
    assert sorted(documents, key=lambda document: str(document["@timestamp"])) == documents


def test_metrics_with_and_without_date_are_both_dated_s3() -> None:
    figures = "synch.ls [(count=1, m1_rate=0.5)] duration_units=milliseconds, rate_units=events/minute"
    assert metric(f"2026-11-20 00:25:22,085 - {figures}")["@timestamp"] == "2026-11-19T23:25:22.085Z"
    assert metric(f"00:25:22.085 - {figures}")["@timestamp"] == "2026-11-21T23:25:22.085Z"


@pytest.mark.parametrize("unit", ["second", "minute"])
def test_the_unit_of_rates_is_a_field_of_every_line_s3(unit: str) -> None:
    old = (
        "16:57:03.109 - synch.ls [(m1_count=286, count=21136) (max=123.98375399999999, min=4.299131, "
        "mean=9.130859862802883, p95=20.736006, p99=48.147704999999995) "
        "(m1_rate=4.469984951030006, mean_rate=0.07548032009470132)] "
        f"duration_units=milliseconds, rate_units=events/{unit}"
    )
    document = metric(old)
    assert document["storm"]["rate_units"] == f"events/{unit}"
    assert document["storm"]["metrics"] == {
        "m1_count": 286,
        "count": 21136,
        "max": 123.98375399999999,
        "min": 4.299131,
        "mean": 9.130859862802883,
        "p95": 20.736006,
        "p99": 48.147704999999995,
        "m1_rate": 4.469984951030006,
        "mean_rate": 0.07548032009470132,
    }


def test_a_stack_trace_is_one_event_s4() -> None:
    log = backend()
    assert len(log.documents) == 480
    trace = next(document for document in log.documents if "error" in document)
    assert trace["shipper"]["lines"] == 7
    assert trace["error"]["type"] == "java.lang.RuntimeException"
    assert trace["error"]["message"] == "XML-RPC Fault: line one\nline two of the same message"
    assert trace["error"]["stack_trace"].startswith("\tat Harness.lambda$main$5(Harness.java:33)\n")
    assert trace["error"]["stack_trace"].endswith("\t... 2 common frames omitted")
    assert (trace["event"]["action"], trace["log"]["level"]) == ("srmLs", "ERROR")


def test_a_message_with_a_newline_and_a_tab_is_one_event_s4() -> None:
    expired = backend().with_text("is expired")[0]
    assert expired["storm"]["surls"] == f"{SURL}data13/AOD.88071._000180.pool.root.1"
    assert expired["storm"]["token"] == "63c8e1c1-33bb-4b0e-6aef-a2abe206bec3"
    assert expired["user"]["name"] == "/C=IT/O=INFN/OU=Personal Certificate/L=CNAF/CN=Mario Rossi"


def test_a_line_that_the_frontend_cut_is_parsed_and_says_so_s5() -> None:
    cut = frontend().with_text(" TRUNCATED")
    assert len(cut) == 12
    first = cut[0]["storm"]
    assert (first["request"], first["client"], first["truncated"]) == ("Put done", "192.0.2.11", "TRUNCATED")
    assert first["dn"] == "/C=DE/O=GridExample/CN=host/ui01.example.org"
    assert first["surls"].endswith("/x'y.tar srm://s")


def test_half_a_character_at_the_cut_stops_nothing_s5() -> None:
    head = b"11/30 14:43:35.735 Thread 7 -  INFO [-]: ns1__srmLs : Request: Ls. IP: 192.0.2.1. "
    line = head + b"Client DN: /CN=donn\xc3 TRUNCATED\n"
    (document,) = parse_bytes(line, "storm-frontend", path="/l/log", timezone=ROME, modified=NEW_YEAR).documents
    assert (document["storm"]["dn"], document["storm"]["truncated"]) == (r"/CN=donn\xc3", "TRUNCATED")


def test_two_blanks_are_as_good_as_one_s6() -> None:
    for blanks in (" ", "  "):
        line = f"11/30 14:43:35.735 Thread 7 - {blanks}INFO [?]: main : db.host=x"
        (document,) = parse_lines([line], "storm-frontend", timezone=ROME, modified=NEW_YEAR).documents
        assert (document["storm"]["thread"], document["log"]["level"]) == ("Thread 7", "INFO")
        assert document["storm"]["function"] == "main"


def test_numbers_padded_with_dots_and_blanks_are_numbers_s7() -> None:
    pulses = parse_sample("storm/heartbeat.log", "storm-heartbeat", timezone=ROME).documents
    assert [document["storm"]["pulse"] for document in pulses[2:5]] == [1, 2, 3]
    assert monitoring().documents[0]["storm"]["round"] == 999


def test_a_heartbeat_has_the_values_of_its_line() -> None:
    beat = parse_sample("storm/heartbeat.log", "storm-heartbeat", timezone=ROME).documents[2]
    assert beat["@timestamp"] == "2026-11-21T23:25:22.080Z"
    assert beat["storm"] == {
        "date": "2026-11-22 00:25:22,080",
        "pulse": 1,
        "lifetime": "1:10.10",
        "heap_free": 471989274,
        "synch": 118,
        "ptg": 11,
        "ptp": 17,
        "last": {"ptg": 11, "ptg_ok": 10, "ptg_duration": 93, "ptp": 17, "ptp_ok": 17, "ptp_duration": 184},
    }


def test_names_of_people_hold_quotes_and_commas_s8() -> None:
    asked = frontend().one_with_text("'1424667e-d829-42a3-a8b0-6eb4a855bf6b'")
    assert asked["user"]["name"] == "/DC=org/DC=example/O=Università di Prova/CN=Renée O'Brien, x=y"
    assert asked["storm"]["token"] == "1424667e-d829-42a3-a8b0-6eb4a855bf6b"
    assert asked["storm"]["surl_count"] == 1
    assert asked["storm"]["surls"] == "srm://storm-fe.example.org/atlas/atlasdatadisk/rucio/42/3e/données.h5"


def test_the_dot_after_an_ipv6_address_is_not_its_own_s9() -> None:
    line = (
        "11/30 14:43:35.735 Thread 7 -  INFO [a]: ns1__srmLs : Request: Ls. IP: 2001:1458:d00:9::100:130. "
        "Client DN: /DC=ch/CN=Robot: ATLAS Data Management. surl(s): srm://a/b c srm://d"
    )
    (document,) = parse_lines([line], "storm-frontend", timezone=ROME, modified=NEW_YEAR).documents
    assert document["source"]["ip"] == "2001:1458:d00:9::100:130"
    assert document["user"]["name"] == "/DC=ch/CN=Robot: ATLAS Data Management"
    assert document["storm"]["surls"] == "srm://a/b c srm://d"


def test_a_frontend_result_has_an_outcome() -> None:
    log = frontend()
    queued = log.with_text("SRM_REQUEST_QUEUED")[0]
    assert queued["event"]["outcome"] == "unknown"
    assert queued["storm"]["token"]
    assert {d["event"]["outcome"] for d in log.with_text("is 'SRM_SUCCESS'")} == {"success"}
    assert {d["event"]["outcome"] for d in log.with_text("is 'SRM_INVALID_PATH'")} == {"failure"}


def test_the_frontend_s_requests_and_results_are_counted_by_their_kind() -> None:
    log = frontend()
    assert len(log.with_text("Connection from")) == 260
    assert sum("status" in document["storm"] for document in log.documents) == 260
    assert sum("request" in document["storm"] and "dn" in document["storm"] for document in log.documents) == 260


def test_monitoring_of_one_and_of_two_lines_give_the_same_fields_s13() -> None:
    figures = "[OK:9,F:1,E:1,m:0.095,M:1.941,Avg:0.037]"
    short = "[OK:38,F:2,E:1,m:0.010,M:3.840]"
    head = f"12/31 23:50:00 : [# 999 lifetime=95:33:18] S {figures} A {figures}"
    one = parse_lines([f"{head} Last:(S {short} A {short})"], "storm-monitoring", timezone=ROME, modified=NEW_YEAR)
    two = parse_lines([head, f"  Last:(S {short} A {short})"], "storm-monitoring", timezone=ROME, modified=NEW_YEAR)
    assert one.documents[0]["storm"] == two.documents[0]["storm"]
    assert two.documents[0]["shipper"]["lines"] == 2
    assert one.documents[0]["storm"]["last"]["async"] == {"ok": 38, "failed": 2, "errors": 1, "min": 0.01, "max": 3.84}


def test_a_monitoring_round_has_the_values_of_its_line() -> None:
    first = monitoring().documents[0]
    assert first["@timestamp"] == "2026-12-31T22:50:00Z"
    assert first["storm"]["sync"] == {"ok": 9, "failed": 1, "errors": 1, "min": 0.095, "max": 1.941, "avg": 0.037}
    assert first["storm"]["tasks"] == {"max_active": 50, "active": 24, "max_pending": 200, "pending": 41}


def test_details_are_events_of_their_own_and_nan_is_no_number_s13() -> None:
    detail = monitoring().one_with_text("[Put done] [OK:77,F:8")
    assert detail["event"]["action"] == "Put done"
    assert detail["tags"] == ["_type_failure"]
    assert detail["storm"]["detail"] == {
        "ok": 77,
        "failed": 8,
        "errors": 0,
        "avg": 0.042,
        "std_dev_text": "nan",
        "min": 0.023,
        "max": 0.186,
    }


def test_java_s_doubles_are_numbers_or_text_s15() -> None:
    document = metric("2026-11-22 00:25:22,085 - ea [(count=1, m1_rate=1.0E-4, m5_rate=NaN)] rate_units=events/minute")
    assert document["storm"]["metrics"] == {"count": 1, "m1_rate": 0.0001, "m5_rate_text": "NaN"}
    assert document["tags"] == ["_type_failure"]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "srmPing: Request successfully done with: [status: SRM_SUCCESS: ]",
            {"operation": "srmPing", "result": "successfully done", "status": "SRM_SUCCESS"},
        ),
        (
            "srmPutDone: user</CN=a> Request for [token: t] for [SURL: [a, b]] partially done with  [status: SRM_X: Y]",
            {
                "operation": "srmPutDone",
                "dn": "/CN=a",
                "token": "t",
                "surls": "a, b",
                "result": "partially done",
                "status": "SRM_X",
                "explanation": "Y",
            },
        ),
        (
            "srmRm: user </CN=a> operation on [SURL: srm://a] failed with: [status: SRM_INVALID_PATH: no [b] here]",
            {
                "operation": "srmRm",
                "dn": "/CN=a",
                "surls": "srm://a",
                "result": "failed",
                "status": "SRM_INVALID_PATH",
                "explanation": "no [b] here",
            },
        ),
        (
            "srmPtG: user </CN=a> Request for [SURL: srm://a] is 'SRM_REQUEST_QUEUED'",
            {"operation": "srmPtG", "dn": "/CN=a", "surls": "srm://a", "status": "SRM_REQUEST_QUEUED"},
        ),
    ],
)
def test_the_templates_of_the_backend_give_the_same_fields_s17(text: str, fields: dict[str, str]) -> None:
    (document,) = backend_lines(f"00:25:22.107 - INFO [xmlrpc-1] - {text}")
    common = {"date": "00:25:22.107", "thread": "xmlrpc-1"}
    assert document["storm"] == fields | common
