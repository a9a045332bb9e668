"""StoRM's figures: metrics of all releases with the unit of their rates, monitoring, heartbeat; the info provider."""

from __future__ import annotations

from typing import Any

import pytest
from support.sample_logs import parse_lines, parse_routed

ROME = "Europe/Rome"
TIME = "2026-11-22 00:25:22,089 - "


def metric(text: str) -> dict[str, Any]:
    (document,) = parse_lines([TIME + text], "storm-metrics", timezone=ROME, modified=1.0).documents
    return document


# --- metrics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("storm/older/storm-backend-metrics-2016.log", {"events/second"}),
        ("storm/older/storm-backend-metrics-1.11.17.log", {"events/second"}),
        ("storm/storm-backend-metrics.log", {"events/minute"}),
    ],
)
def test_every_line_with_rates_has_their_unit_in_all_three_generations_s3(name: str, units: set[str]) -> None:
    documents = parse_routed(name).documents
    rated = [d for d in documents if any(key.startswith("m1_rate") for key in d["storm"]["metrics"])]
    assert len(rated) in (2, 1160)
    assert {document["storm"]["rate_units"] for document in rated} == units
    assert not any("rate_units" in document["storm"] for document in documents if document not in rated)


@pytest.mark.parametrize(
    ("figures", "unit"),
    [
        ("(m1_count=2, count=3) (max=1.0) (m1_rate=4.4, mean_rate=0.1)", "events/second"),
        ("(count=3, m1_rate=4.4, m5_rate=1.0, m15_rate=0.1) (max=1.0)", "events/minute"),
        ("(count=3, m1_rate=4.4, m5_rate=1.0, m15_rate=0.1, mean_rate=0.1)", "events/minute"),
    ],
)
def test_the_form_of_a_line_that_does_not_say_its_unit_does_s3(figures: str, unit: str) -> None:
    storm = metric(f"synch.ls [{figures}]")["storm"]
    assert (storm["rate_units"], storm["metrics"]["m1_rate"]) == (unit, 4.4)
    assert "form" not in storm
    said = metric(f"synch.ls [{figures}] duration_units=milliseconds, rate_units=events/hour")["storm"]
    assert (said["rate_units"], said["duration_units"]) == ("events/hour", "milliseconds")


def test_pools_of_threads_and_answers_of_handlers_are_figures_too_s3() -> None:
    documents = parse_routed("storm/storm-backend-metrics.log").documents
    pools = [document["storm"] for document in documents if document["storm"]["metric"].endswith("-tp")]
    assert len(pools) == 80
    for pool in pools:
        assert pool["metrics"].keys() == {"active-threads", "idle-threads", "jobs", "utilization-max", "percent-idle"}
        assert isinstance(pool["metrics"]["jobs"], int)
    answers = {d["storm"]["metric"] for d in documents if d["storm"]["metric"].endswith("xx-responses")}
    assert len(answers) == 8
    assert "xmlrpc-handler.2xx-responses" in answers


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.0E-4", 0.0001),
        ("9.130859862802883", 9.130859862802883),
        ("1.7976931348623157E308", 1.7976931348623157e308),
        ("0.0", 0.0),
    ],
)
def test_a_double_of_java_is_the_same_number_s15(written: str, value: float) -> None:
    assert metric(f"ea [(count=1, m5_rate={written})]")["storm"]["metrics"]["m5_rate"] == value


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_kept_as_text_s15(written: str) -> None:
    document = metric(f"ea [(count=1, m5_rate={written})]")
    assert document["storm"]["metrics"] == {"count": 1, "m5_rate_text": written}
    assert document["tags"] == ["_type_failure"]


def test_other_messages_among_the_metrics_are_text_without_tag() -> None:
    document = metric("Invalid metric name: synch.none")
    assert (document["tags"], document["@timestamp"]) == ([], "2026-11-21T23:25:22.089Z")


def test_figures_that_are_cut_are_not_taken() -> None:
    storm = metric("synch.ls [(count=286, m1_rate=4.4")["storm"]
    assert "metrics" not in storm


# --- monitoring and heartbeat --------------------------------------------------------------------------------


def test_the_documented_form_wraps_into_two_lines_s13() -> None:
    documents = parse_routed("storm/older/monitoring-two-lines.log").documents
    assert [document["shipper"]["lines"] for document in documents] == [2, 2, 2]
    last = documents[1]["storm"]
    assert (last["round"], last["lifetime"]) == (22928, "95:34:18")
    assert last["sync"] == {"ok": 48, "failed": 0, "errors": 0, "min": 0.085, "max": 3.623, "avg": 0.201}
    assert last["last"]["sync"] == {"ok": 1, "failed": 0, "errors": 0, "min": 0.147, "max": 0.148}
    assert "tasks" not in last


@pytest.mark.parametrize("written", ["nan", "-nan"])
def test_a_deviation_that_is_no_number_costs_no_other_value_s13(written: str) -> None:
    line = f"12/31 23:55:00 : [Put done] [OK:77,F:8,E:0,Avg:0.042,Std Dev:{written},m:0.023,M:0.186]"
    (document,) = parse_lines([line], "storm-monitoring", timezone=ROME, modified=1_798_756_200.0).documents
    assert document["storm"]["request"] == "Put done"
    assert document["storm"]["detail"]["std_dev_text"] == written
    assert (document["storm"]["detail"]["ok"], document["storm"]["detail"]["max"]) == (77, 0.186)


def test_a_lifetime_of_days_and_a_padded_pulse_are_read_s7() -> None:
    pulse = parse_routed("storm/older/heartbeat-2011.log").documents[2]["storm"]
    assert (pulse["pulse"], pulse["lifetime"]) == (3042, "50:41.01")
    assert pulse["last"]["ptg_duration"] == 70


def test_both_messages_at_the_start_of_a_heartbeat_are_events_in_old_and_new_words() -> None:
    for name in ("storm/heartbeat.log", "storm/older/heartbeat-2011.log"):
        first, second, *_ = parse_routed(name).documents
        assert first["storm"]["event"] == "Set HEARTHBEAT in Timer Task"
        assert (first["storm"]["delay"], first["storm"]["period"]) == (5000, 60000)
        assert second["storm"]["event"] == "HEART MONITOR Initialized"


# --- info provider -------------------------------------------------------------------------------------------


def test_a_traceback_of_the_info_provider_is_one_event() -> None:
    loaded, failed, done = parse_routed("storm/older/storm-info-provider.log").documents
    assert (loaded["@timestamp"], loaded["log"]["level"]) == ("2014-09-04T08:40:34.271Z", "INFO")
    assert failed["shipper"]["lines"] == 5
    assert (failed["error"]["type"], failed["log"]["logger"]) == ("urllib2.URLError", "root")
    assert failed["error"]["message"] == "<urlopen error [Errno 111] Connection refused>"
    assert done["tags"] == []
