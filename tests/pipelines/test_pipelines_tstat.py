"""tstat's logs of TCP and UDP flows: values against rows of the samples, and the traps T8 to T17, T20 and T22."""

from __future__ import annotations

from fnmatch import fnmatch
from operator import itemgetter
from typing import Any

import pytest
from support.sample_logs import SAMPLES, ParsedLog, content, parse_lines, parse_sample

from shipper.parse.definition import about, pipeline_names

UDP_3_2 = "tstat/versions/v3.2.1/2026_11_21_15_20.out/log_udp_complete"
TCP_3_2 = "tstat/versions/v3.2.1/2026_11_21_15_20.out/log_tcp_complete"
UDP_HEADER_3_3 = (
    "#c_ip:1 c_port:2 c_first_abs:3 c_durat:4 c_bytes_all:5 c_pkts_all:6 c_isint:7 c_iscrypto:8 c_type:9 s_ip:10 "
    "s_port:11 s_first_abs:12 s_durat:13 s_bytes_all:14 s_pkts_all:15 s_isint:16 s_iscrypto:17 s_type:18 fqdn:19 "
    "quic_SNI:20 quic_UA:21 quic_c_vers:22 quic_s_vers:23 quic_zero_rtt:24 quic_ech:25"
)


DERIVED = {
    "c_throughput",
    "s_throughput",
    "c_retransmission_rate",
    "s_retransmission_rate",
    "rtt_avg",
}


FLOW = itemgetter("c_ip", "c_port", "s_ip", "s_port")


def udp(name: str = UDP_3_2) -> ParsedLog:
    return parse_sample(name, "tstat-udp")


def tcp(name: str = TCP_3_2) -> ParsedLog:
    return parse_sample(name, "tstat-tcp")


def test_a_udp_flow_has_the_values_of_its_row() -> None:
    flow = udp().one_with_text(" 53280 1795303209409")
    assert flow["@timestamp"] == "2026-11-21T23:20:09.409708008Z"
    assert flow["tstat"] == {
        "c_ip": "198.51.100.7",
        "c_port": 53280,
        "c_first_abs": 1795303209409.708008,
        "c_durat": 0.0,
        "c_bytes_all": 590,
        "c_pkts_all": 1,
        "c_isint": 0,
        "c_iscrypto": 0,
        "c_type": 15,
        "s_ip": "192.0.2.10",
        "s_port": 5353,
        "s_first_abs": 1795303209409.979004,
        "s_durat": 0.0,
        "s_bytes_all": 100,
        "s_pkts_all": 1,
        "s_isint": 1,
        "s_iscrypto": 0,
        "s_type": 15,
        "quic_CHLO": 0,
        "quic_REJ": 0,
    }
    assert flow["source"] == {"ip": "198.51.100.7", "port": 53280, "bytes": 590, "packets": 1}
    assert flow["destination"] == {"ip": "192.0.2.10", "port": 5353, "bytes": 100, "packets": 1}
    assert flow["network"] == {"transport": "udp", "bytes": 690, "packets": 2}


def test_a_udp_duration_is_in_seconds_though_its_begin_is_in_milliseconds_t15() -> None:
    flow = udp("tstat/v3.2.1_rotation/2026_11_21_15_18.out/log_udp_complete").one_with_text(" 43566 ")
    assert flow["event"]["duration"] == 300_675_000
    assert flow["event"]["start"] == "2026-11-21T23:17:40.534412109Z"


def test_a_tcp_flow_has_the_values_of_its_row() -> None:
    flow = tcp().one_with_text(" 35235 ")
    assert flow["@timestamp"] == flow["event"]["end"] == "2026-11-21T23:20:08.098739014Z"
    assert flow["event"]["start"] == "2026-11-21T23:20:08.096233887Z"
    assert (flow["source"]["ip"], flow["source"]["port"], flow["source"]["packets"]) == ("198.51.100.7", 35235, 6)
    assert (flow["destination"]["ip"], flow["destination"]["port"]) == ("192.0.2.10", 80)
    assert (flow["source"]["bytes"], flow["destination"]["bytes"]) == (203, 635)
    assert flow["event"]["duration"] == 2_505_000
    assert (flow["tstat"]["c_rtt_avg"], flow["tstat"]["s_rtt_max"]) == (0.014666, 0.088)
    assert (flow["tstat"]["http_res"], flow["tstat"]["http_hostname"]) == (400, "www.example.org")


def test_header_lines_are_filtered_and_never_indexed_t8() -> None:
    log = tcp()
    assert log.filtered_lines("header") == 1
    assert not [document for document in log.documents if document["message"].startswith("#")]


@pytest.mark.parametrize(("directory", "bits"), [("2026_11_21_23_21.out", "#15#"), ("2026_11_21_23_22.out", "#13#")])
def test_columns_go_by_the_header_of_their_own_file_t9(directory: str, bits: str) -> None:
    name = f"tstat/bitmask_13_runtime_toggle/{directory}/log_tcp_complete"
    data = content(SAMPLES / name).decode()
    assert data.startswith(bits)
    flow = tcp(name).documents[0]
    header, row = data.splitlines()[:2]
    columns = [token.rsplit(":", 1)[0] for token in header.removeprefix(bits).split(" ")]
    values = dict(zip(columns, row.split(" "), strict=True))
    assert {key for key, value in values.items() if value not in ("-", "---")} == set(flow["tstat"]) - DERIVED
    assert flow["tstat"]["s_syn_retx"] == int(values["s_syn_retx"])


def test_an_incomplete_flow_of_44_columns_is_parsed_under_a_header_of_its_own_t10() -> None:
    name = "tstat/bitmask_00_core/2026_11_21_15_23.out/log_tcp_nocomplete"
    flow = tcp(name).one_with_text(" 58241 ")
    assert flow["tstat"]["s_port"] == 6666
    assert flow["@timestamp"] == "2026-11-21T23:23:34.276593018Z"
    assert len(flow["tstat"].keys() - DERIVED) == 44


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("v2.4/2026_11_21_15_20.out", "2026-11-21T23:20:08.096236084Z"),
        ("v2.3/15_20_21_Nov_2026.out", "2026-11-21T23:20:08.096235107Z"),
    ],
)
def test_the_times_of_tstat_2_are_absolute_though_its_first_and_last_are_relative_t11(name: str, start: str) -> None:
    flow = tcp(f"tstat/versions/{name}/log_tcp_complete").one_with_text(" 35235 ")
    assert flow["tstat"]["first"] == 0.0
    assert flow["@timestamp"] == flow["event"]["start"] == start
    assert flow["event"]["duration"] == round(flow["tstat"]["durat"] * 1_000_000)
    assert flow["event"]["end"] == "2026-11-21T23:20:08.09874" + {"v2.4": "1084Z", "v2.3": "1107Z"}[name[:4]]
    assert (flow["source"]["port"], flow["destination"]["port"]) == (35235, 80)


def same(old: Any, new: Any) -> bool:
    """Whether two programs that watched the same packets say the same: times differ by microseconds."""
    return abs(old - new) <= 0.1 + 0.01 * abs(new) if isinstance(old, float) and isinstance(new, float) else old == new


@pytest.mark.parametrize(("log", "flows"), [("tcp_complete", 183), ("tcp_nocomplete", 8), ("udp_complete", 44)])
def test_the_layout_of_2_3_is_right_for_2_4_says_the_same_of_the_same_flows_t11(log: str, flows: int) -> None:
    pipeline = f"tstat-{log[:3]}"
    old = parse_sample(f"tstat/versions/v2.3/15_20_21_Nov_2026.out/log_{log}", pipeline)
    new = parse_sample(f"tstat/versions/v2.4/2026_11_21_15_20.out/log_{log}", pipeline)
    assert old.unparsed == 0
    pairs = list(zip(*(sorted((d["tstat"] for d in part.documents), key=FLOW) for part in (old, new)), strict=True))
    assert [FLOW(one) for one, _ in pairs] == [FLOW(other) for _, other in pairs]
    assert len(pairs) == flows
    # Who could not keep up missed packets, and 2.3 knows fewer kinds of TLS: some flows differ in some columns.
    names = set.intersection(*(set(flow) for pair in pairs for flow in pair)) - {"c_ssl"}
    agreeing = {name: sum(same(one[name], other[name]) for one, other in pairs) for name in names}
    assert {name: count for name, count in agreeing.items() if count < 0.8 * flows} == {}
    only_new = {"c_pkts_push", "s_pkts_push"} if pipeline == "tstat-tcp" else set()
    assert set.union(*(set(other) - set(one) for one, other in pairs)) - {"c_ssl"} == only_new


def test_rows_of_tstat_1_have_tabs_and_no_header_t11() -> None:
    rows = content(SAMPLES / "tstat/versions/v2.3/15_20_21_Nov_2026.out/log_tcp_complete").decode().splitlines()[:2]
    known, unknown = parse_lines(
        [rows[0].replace(" ", "\t"), "\t".join(rows[1].split(" ")[:99])], "tstat-tcp"
    ).documents
    assert (known["tags"], known["tstat"]["c_port"]) == ([], 35235)
    assert unknown["tags"][0] == "_columnsfailure"
    assert "tstat" not in unknown


def test_a_header_with_tabs_names_rows_with_tabs_t11() -> None:
    (flow,) = parse_lines(
        ["#c_ip:1\tc_port:2\tfirst_abs:3", "192.0.2.1\t40000\t1795303208096.25"], "tstat-tcp"
    ).documents
    assert flow["tstat"] == {"c_ip": "192.0.2.1", "c_port": 40000, "first_abs": 1795303208096.25}


def test_dashes_are_no_values_t12() -> None:
    flow = tcp().one_with_text(" 35727 ")
    assert not {"http_res", "c_tls_SNI", "s_tls_SCN", "fqdn"} & set(flow["tstat"])


def test_a_zero_with_one_decimal_is_of_the_type_of_the_times_beside_it_t12() -> None:
    flow = tcp().one_with_text(" 35727 ")
    assert " 0.0 0.0 " in flow["message"]
    assert [(name, type(flow["tstat"][name])) for name in ("req_tm", "durat", "c_first")] == [
        ("req_tm", float),
        ("durat", float),
        ("c_first", float),
    ]


def test_versions_of_tls_stay_text_with_their_zeros_t13() -> None:
    flow = tcp().one_with_text(" 47081 ")
    assert (flow["tstat"]["c_TLSvers"], flow["tstat"]["s_TLSvers"]) == ("0304,0303", "0304")
    assert flow["tstat"]["c_tls_SNI"] == "dtn01.example.org"


def test_versions_of_quic_stay_text_with_their_zeros_t13() -> None:
    flow = udp("tstat/made/v3.3.0/2026_11_21_15_20.out/log_udp_complete").documents[0]
    assert (flow["tstat"]["quic_c_vers"], flow["tstat"]["quic_zero_rtt"]) == ("00000001", "1")
    assert flow["destination"]["domain"] == "www.example.org"


def test_six_decimals_of_a_millisecond_are_kept_as_nanoseconds_t14() -> None:
    flow = tcp().one_with_text(" 35727 ")
    assert flow["event"]["start"] == "2026-11-21T23:20:08.152841064Z"
    assert flow["event"]["end"] == "2026-11-21T23:20:08.167062988Z"


def test_a_quote_in_a_name_swallows_nothing_t16() -> None:
    row = "192.0.2.1 40000 1795303209409.7 0.000000 1 1 0 0 15 192.0.2.2 53 0.000000 0.000000 0 0 1 0 0 {} - - 1 0 0 -"
    log = parse_lines([UDP_HEADER_3_3, row.format('a"b'), row.format("c")], "tstat-udp")
    assert [document["tstat"]["fqdn"] for document in log.documents] == ['a"b', "c"]


@pytest.mark.parametrize("version", ["v3.1.0", "v3.2.1"])
def test_an_address_is_spelled_in_one_way_whatever_the_version_writes_t17(version: str) -> None:
    name = f"tstat/versions/{version}/2026_11_21_15_20.out/log_udp_complete"
    zeros = b"\n2001:0db8:0002::0009 " in content(SAMPLES / name)
    assert zeros == (version == "v3.1.0")
    clients = {document["source"]["ip"] for document in udp(name).documents}
    assert clients == {"198.51.100.7", "2001:db8:2::9"}


def test_a_row_that_was_cut_is_refused_and_not_guessed_t3() -> None:
    log = tcp("tstat/killed_truncated/2026_11_21_23_21.out/log_tcp_complete")
    (refusal,) = log.refused
    assert refusal.category == "incomplete"
    assert refusal.document.body.count(b"2001:db8:2::9 55199 11 1 10 1 100005") == 1


def test_a_row_with_too_few_columns_is_shipped_as_text() -> None:
    (document,) = parse_lines([UDP_HEADER_3_3, "192.0.2.1 40000 17953"], "tstat-udp").documents
    assert document["tags"][0] == "_columnsfailure"
    assert document["message"] == "192.0.2.1 40000 17953"


def test_a_mean_that_is_no_number_spoils_neither_its_row_nor_the_request_t20() -> None:
    header, row = content(SAMPLES / TCP_3_2).decode().splitlines()[:2]
    place = header.split(" ").index("c_rtt_std:48")
    values = row.split(" ")
    for text in ("-nan", "nan", "inf", "1e999"):
        log = parse_lines([header, " ".join([*values[:place], text, *values[place + 1 :]])], "tstat-tcp")
        (flow,) = log.documents
        assert flow["tags"] == ["_type_failure"]
        assert flow["tstat"]["c_rtt_std_text"] == text
        assert "c_rtt_std" not in flow["tstat"]
        assert flow["tstat"]["c_rtt_max"] == float(values[place - 1])


@pytest.mark.parametrize("name", [name for name in pipeline_names() if name.startswith("tstat")])
def test_the_key_of_the_anonymiser_is_in_no_documented_set_of_files_t22(name: str) -> None:
    files = about(name).files
    assert files
    paths = ("2026_11_21_15_20.out/CPanKey_2026_11_21_15_20", "CPanKey_2026_11_21_15_20")
    assert not [pattern for pattern in files for path in paths if fnmatch(path, pattern)]
