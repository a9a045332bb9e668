"""Versions and builds of tstat that nobody has shown us yet: what is known is read, what is new is kept and told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sample_logs import SAMPLES, ParsedLog, content, parse_bytes, parse_lines, parse_sample
from support.tstat_rows import column_names

TCP = "tstat/versions/v3.2.1/2026_11_21_15_20.out/log_tcp_complete"
LINES = content(SAMPLES / TCP).decode().split("\n")[:-1]
NAMES = column_names(LINES[0])
ROW = dict(zip(NAMES, next(line for line in LINES if " 47081 " in line).split(" "), strict=True))
"""A flow with TLS."""
DERIVED = {"rtt_avg", "c_throughput", "s_throughput", "c_retransmission_rate", "s_retransmission_rate"}


def header_of(names: list[str], magic: str = "#15#") -> str:
    return magic + " ".join(f"{name}:{number}" for number, name in enumerate(names, 1))


def flow_with(values: dict[str, str], magic: str = "#15#") -> tuple[dict[str, Any], ParsedLog]:
    """The document of one row below a header of its columns."""
    log = parse_lines([header_of(list(values), magic), " ".join(values.values())], "tstat-tcp")
    (flow,) = log.documents
    return flow, log


def test_columns_of_a_newer_version_are_kept_under_their_names_with_a_type_and_told() -> None:
    new = {"c_ecn_cnt": "17", "c_rtt_p99": "1.250000", "c_tls_JA4": "t13d1516h2_8daaf6152771", "s_tls_id": "0012"}
    known, _ = flow_with(ROW)
    flow, log = flow_with({**dict(list(ROW.items())[:20]), **new, **dict(list(ROW.items())[20:])}, "#31#")
    assert {name: flow["tstat"].pop(name) for name in new} == {
        "c_ecn_cnt": 17,
        "c_rtt_p99": 1.25,
        "c_tls_JA4": "t13d1516h2_8daaf6152771",
        "s_tls_id": "0012",
    }
    assert flow["tstat"] == known["tstat"]
    assert log.notices == [f"tstat.{name}" for name in new]


def test_columns_that_are_all_known_are_no_news() -> None:
    assert flow_with(ROW)[1].notices == []
    assert parse_sample(TCP, "tstat-tcp").notices == []


def test_columns_that_moved_have_the_same_values() -> None:
    moved = dict(sorted(ROW.items(), reverse=True))
    flow, known = flow_with(moved)[0], flow_with(ROW)[0]
    assert flow["tstat"] == known["tstat"]
    assert (flow["source"], flow["event"], flow["@timestamp"]) == (known["source"], known["event"], known["@timestamp"])


@pytest.mark.parametrize(
    "missing", [("durat",), ("c_bytes_uniq", "s_bytes_all"), ("last",), ("first",), ("s_ip", "s_port")]
)
def test_columns_that_are_missing_take_only_what_depends_on_them(missing: tuple[str, ...]) -> None:
    flow, known = flow_with({name: value for name, value in ROW.items() if name not in missing})[0], flow_with(ROW)[0]
    lost = set(known["tstat"]) - set(flow["tstat"])
    assert set(missing) <= lost <= {*missing, *DERIVED}
    assert {name: value for name, value in known["tstat"].items() if name not in lost} == flow["tstat"]


def test_a_version_without_any_time_that_is_known_gets_none_that_is_invented() -> None:
    flow, _ = flow_with({name: value for name, value in ROW.items() if name not in ("first", "last")})
    assert "_timestamp_inherited" in flow["tags"]
    assert not {"start", "end"} & set(flow["event"])


def test_a_first_and_last_that_are_relative_are_taken_for_no_date() -> None:
    flow, _ = flow_with({**ROW, "first": "35506.962000", "last": "35554.633000", "first_abs": "1795303229666.279053"})
    assert flow["event"]["start"] == flow["@timestamp"] == "2026-11-21T23:20:29.666279053Z"
    assert flow["event"]["end"] == "2026-11-21T23:20:29.713951053Z"


def test_a_header_that_counts_from_zero_or_leaves_numbers_out_names_the_same() -> None:
    header = "#c_ip:0 c_port:1 c_first_abs:2 c_durat:3 s_ip:9 s_port:10"
    (flow,) = parse_lines([header, "192.0.2.1 40000 1795303209409.75 1.5 192.0.2.2 53"], "tstat-udp").documents
    assert (flow["event"]["duration"], flow["destination"]["port"]) == (1_500_000_000, 53)


def test_advanced_columns_that_have_the_name_of_others_take_nothing_from_them() -> None:
    """A build with packet statistics writes c_pkts_data among its counters and again among its means."""
    values = [*ROW.values(), "999", "512.250000"]
    header = header_of([*NAMES, "c_pkts_data", "c_pkts_data_avg"])
    log = parse_lines([header, " ".join(values)], "tstat-tcp")
    (flow,) = log.documents
    assert flow["tstat"]["c_pkts_data"] == int(ROW["c_pkts_data"])
    assert (flow["tstat"]["c_pkts_data_2"], flow["tstat"]["c_pkts_data_avg"]) == (999, 512.25)
    assert log.notices == ["tstat.c_pkts_data_2", "tstat.c_pkts_data_avg"]


def test_the_42_core_columns_of_mplane_are_read_by_their_names() -> None:
    core = [name for name in NAMES[:44] if not name.endswith("iscrypto")]
    flow, log = flow_with({name: ROW[name] for name in core})
    assert len(flow["tstat"].keys() - DERIVED) == 42
    assert (flow["tstat"]["con_t"], log.notices) == (8192, [])


def test_anonymised_addresses_are_marked_and_names_in_base64_are_no_domains() -> None:
    hidden = {"c_ip": "113.7.201.44", "c_iscrypto": "1", "c_tls_SNI": "ZHRuMDEuZXhhbXBsZS5vcmc=", "fqdn": "ZHRuMDE="}
    flow, _ = flow_with({**ROW, **hidden})
    assert (flow["source"]["ip"], flow["tstat"]["c_iscrypto"], flow["tstat"]["s_iscrypto"]) == ("113.7.201.44", 1, 0)
    assert (flow["tstat"]["c_tls_SNI"], flow["tstat"]["fqdn"]) == (hidden["c_tls_SNI"], hidden["fqdn"])
    assert "domain" not in flow["destination"]
    assert flow_with(ROW)[0]["destination"]["domain"] == "dtn01.example.org"


def test_a_column_of_the_log_with_the_name_of_a_field_of_ours_stays_below_tstat() -> None:
    names = {"message": "mine", "tags": "t", "shipper": "s", "host": "h", "timestamp": "2001"}
    flow, _ = flow_with({**ROW, **names})
    assert {name: flow["tstat"][name] for name in names} == {**names, "timestamp": 2001}
    assert flow["host"] == {"name": "dtn01.example.org"}
    assert flow["message"].startswith("198.51.100.7 47081 ")


def test_what_was_derived_follows_from_its_formula() -> None:
    flow, _ = flow_with({**ROW, "c_bytes_retx": "250", "c_bytes_all": "1000", "c_bytes_uniq": "750", "durat": "2000.0"})
    said = flow["tstat"]
    assert (said["c_throughput"], said["c_retransmission_rate"]) == (3000.0, 0.25)
    assert said["rtt_avg"] == pytest.approx(said["c_rtt_avg"] + said["s_rtt_avg"])
    assert flow["network"]["bytes"] == 1000 + said["s_bytes_all"]
    assert flow["network"]["packets"] == said["c_pkts_all"] + said["s_pkts_all"]


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"durat": "0.000000"}, {"c_throughput", "s_throughput"}),
        ({"c_bytes_all": "0"}, {"c_retransmission_rate"}),
        ({"s_rtt_cnt": "0", "s_rtt_avg": "0.000000"}, {"rtt_avg"}),
        ({"durat": "-nan"}, {"durat", "c_throughput", "s_throughput"}),
    ],
)
def test_nothing_is_derived_from_what_was_not_measured(changed: dict[str, str], lost: set[str]) -> None:
    flow, known = flow_with({**ROW, **changed})[0], flow_with(ROW)[0]
    assert set(known["tstat"]) - set(flow["tstat"]) == lost


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_log_that_was_cut_anywhere_has_all_whole_rows_and_no_other(data: st.DataObject) -> None:
    """SIGTERM and SIGKILL leave a multiple of 4096 bytes."""
    whole = content(SAMPLES / TCP)[:40_000]
    end = data.draw(st.one_of(st.sampled_from([4096, 8192, 12288]), st.integers(len(LINES[0]) + 1, len(whole))))
    log = parse_bytes(whole[:end], "tstat-tcp", path="/l/log")
    rows = whole[:end].count(b"\n") - 1
    assert [document["message"] for document in log.documents] == LINES[1 : rows + 1]
    rest = whole[:end].rpartition(b"\n")[2]
    assert [refusal.document.tally.bytes for refusal in log.refused] == ([len(rest)] if rest else [])
    assert all(refusal.category == "incomplete" for refusal in log.refused)


def test_a_header_that_was_cut_is_no_header_of_rows() -> None:
    log = parse_bytes(LINES[0].encode()[:700], "tstat-tcp", path="/l/log")
    assert (log.documents, log.lines) == ([], 1)


def test_another_header_in_the_middle_names_the_rows_after_it() -> None:
    short = NAMES[:44]
    rows = [LINES[0], LINES[1], header_of(short, "#00#"), " ".join(ROW[name] for name in short)]
    log = parse_lines(rows, "tstat-tcp")
    assert [len(document["tstat"].keys() - DERIVED) > 100 for document in log.documents] == [True, False]
    assert log.documents[1]["source"]["port"] == 47081
