"""Rows of tstat come back byte for byte from their documents, whatever the names in them are made of.

What a document does not keep: which spelling of an IPv6 address the version has (fields have one for all), and bytes
that are no UTF-8, which are `\\xNN` in all texts. Which mark stands for no value follows from the column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sample_logs import FILES, SAMPLES, content, parse_bytes, parse_sample, route
from support.tstat_rows import column_names, printed

from shipper.hashes import chain_start, fingerprint
from shipper.parse.definition import load_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.read.framing import frame
from shipper.records import Source
from shipper.settings import InputSettings

FLOWS = [name for name in FILES if route(name) in ("tstat-tcp", "tstat-udp")]
PAGES = [name for name in FILES if route(name) == "tstat-http"]
LAYOUTS_OF_2_3 = {
    "tcp": "v2.4/2026_11_21_15_20.out/log_tcp_complete",
    "udp": "v2.4/2026_11_21_15_20.out/log_udp_complete",
}


def lines_of(name: str) -> list[str]:
    """The whole lines of a sample."""
    return content(SAMPLES / name).decode(errors="backslashreplace").split("\n")[:-1]


def names_without_header(name: str) -> list[str]:
    """The columns of 2.3: those of 2.4 that it has."""
    newer = lines_of("tstat/versions/" + LAYOUTS_OF_2_3["tcp" if "tcp" in name else "udp"])[0]
    return [column for column in column_names(newer) if column not in ("c_pkts_push", "s_pkts_push")]


@pytest.mark.parametrize("name", FLOWS)
def test_the_fields_of_a_flow_print_its_row_byte_for_byte(name: str) -> None:
    lines = lines_of(name)
    headers = [line for line in lines if line.startswith("#")]
    names = column_names(headers[0]) if headers else names_without_header(name)
    rows = [line for line in lines if line not in headers]
    documents = parse_sample(name, route(name)).documents
    padded = "v3.1.0" in name
    assert [printed(document["tstat"], names, padded=padded) for document in documents] == rows


def test_the_flows_that_are_printed_again_are_many() -> None:
    assert len(FLOWS) == 48
    assert sum(len(parse_sample(name, route(name)).documents) for name in FLOWS) == 4240


@pytest.mark.parametrize("name", PAGES)
def test_the_fields_of_a_request_or_response_print_its_row_byte_for_byte(name: str) -> None:
    lines = lines_of(name)
    requests, responses = column_names(lines[0]), column_names(lines[1])
    documents = parse_sample(name, "tstat-http").documents
    again = [
        printed(document["tstat"], responses if "HTTP" in document["tstat"] else requests, separator="\t")
        for document in documents
    ]
    assert again == [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("pipeline", sorted({route(name) for name in FILES if route(name).startswith("tstat")}))
def test_the_short_way_of_parsing_gives_the_same_bytes_as_the_long_one(pipeline: str) -> None:
    short = load_pipeline(pipeline, InputSettings("logs", ("/l",), pipeline))
    rules = dataclasses.replace(short._rules, shapes=None)
    long = Pipeline(short.name, short.definition, short._target, short.framing, rules, short.field_types)
    for name in FILES:
        if route(name) == pipeline:
            data = content(SAMPLES / name)
            source = Source("dtn01.example.org", "logs", "/l", fingerprint("dtn01.example.org", "logs", data))
            events = frame(data, 0, chain_start(source.host, source.input), short.framing, (), final=True).events
            documents = [
                [
                    document.body
                    for document in way.parser(source, [], None).parse(events, modified=0.0, at_end=True).documents
                ]
                for way in (short, long)
            ]
            assert documents[0] == documents[1]


HEADERS = {
    "tstat-tcp": [
        "tstat/versions/v2.4/2026_11_21_15_20.out/log_tcp_complete",
        "tstat/versions/v3.1.0/2026_11_21_15_20.out/log_tcp_complete",
        "tstat/versions/v3.2.1/2026_11_21_15_20.out/log_tcp_complete",
        "tstat/bitmask_00_core/2026_11_21_15_23.out/log_tcp_complete",
        "tstat/bitmask_09_e2e_options/2026_11_21_15_23.out/log_tcp_complete",
    ],
    "tstat-udp": [
        "tstat/versions/v2.4/2026_11_21_15_20.out/log_udp_complete",
        "tstat/versions/v3.1.0/2026_11_21_15_20.out/log_udp_complete",
        "tstat/made/v3.3.0/2026_11_21_15_20.out/log_udp_complete",
    ],
    "tstat-video": ["tstat/made/v3.3.0/2026_11_21_15_20.out/log_video_complete"],
    "tstat-streaming": ["tstat/made/v2.4/2026_11_21_15_20.out/log_streaming_complete"],
    "tstat-chat": ["tstat/made/v3.3.0/2026_11_21_15_20.out/log_chat_complete"],
    "tstat-mm": ["tstat/made/v3.3.0/2026_11_21_15_20.out/log_mm_complete"],
    "tstat-tcp-periodic": ["tstat/made/v3.3.0/2026_11_21_15_20.out/log_tcp_periodic"],
    "tstat-udp-periodic": ["tstat/made/v3.3.0/2026_11_21_15_20.out/log_udp_periodic"],
}
DNS = [
    *("c_ip", "c_port", "c_isint", "c_iscrypto", "s_ip", "s_port", "s_isint", "s_iscrypto"),
    *("time_abs", "type", "id", "query", "ttl", "class", "rr_type", "answer", "flags"),
    *("qdcount", "ancount", "nscount", "arcount", "size"),
]
EPOCHS = {"first", "last", "first_abs", "c_first_abs", "s_first_abs", "time_abs_start", "time_abs"}
SECONDS = {"first_tm", "starttime", "http.time_abs"}

hostile = st.one_of(
    st.sampled_from(
        [
            'a"b', '"', "'", "=", "a=b", "[x]", "{}", "\\", "\\xe9", "%s", "é", "日本", "\u2028", "\x1b[31m", "\u202e",
            "tstat.c_ip", "@timestamp", "0304", "1e5", "NaN", "true", "null", "-1", "#15#c_ip:1", "c_ip:1", "--",
            "a,b", "a;b", "<b>", "\ufeff", "\x85", "\xa0",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\0"), min_size=1, max_size=30),
).filter(lambda text: text not in ("-", "---", "?"))  # fmt: skip
LIMITS = {"int": 2**31 - 1, "long": 2**63 - 1, "double": 10**15}


def number_of(name: str, kind: str, chance: Random) -> str:
    """What may stand in a column that is no text."""
    if name in EPOCHS:
        return f"{chance.randrange(10**18, 2 * 10**18) / 1_000_000:.6f}"
    if name in SECONDS:
        return f"{chance.randrange(10**15, 2 * 10**15) / 1_000_000:.6f}"
    if kind == "ip":
        return str(chance.choice([IPv4Address(chance.getrandbits(32)), IPv6Address(chance.getrandbits(128))]))
    number = chance.choice([0, 1, LIMITS[kind], chance.randrange(LIMITS[kind])])
    return f"{number / 1_000_000:.6f}" if kind == "double" else str(number)


def text_of(name: str) -> st.SearchStrategy[str]:
    """What may stand in a column of text."""
    kinds = {"method": ["GET", "POST", "REQ2"], "HTTP": ["HTTP", "RES2"], "type": ["REQ", "RESP", "RESP_ERR"]}
    return st.sampled_from(kinds[name]) if name in kinds else st.one_of(hostile, st.just("-"))


@st.composite
def table_row(draw: st.DrawFn, names: Sequence[str], kinds: Mapping[str, str]) -> list[str]:
    """A row of values in these columns."""
    chance = Random(draw(st.integers(0, 2**32)))
    units = {"time_abs": "http.time_abs"} if "tstat.HTTP" in kinds else {}
    types = [(name, kinds[f"tstat.{name}"]) for name in names]
    return [
        draw(text_of(name)) if kind == "keyword" else number_of(units.get(name, name), kind, chance)
        for name, kind in types
    ]


def expected(kind: str, text: str) -> Any:
    return {"int": int, "long": int, "double": float}.get(kind, str)(text)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[str], list[str], list[list[str]], str]:
    """A pipeline, header lines, names of columns, rows, and what stands between values."""
    pipeline = draw(st.sampled_from([*HEADERS, "tstat-dns", "requests", "responses"]))
    if pipeline in HEADERS:
        headers = lines_of(draw(st.sampled_from(HEADERS[pipeline])))[:1]
        names, separator = column_names(headers[0]), " "
    elif pipeline == "tstat-dns":
        headers, names, separator = [], DNS, " "
    else:
        headers = lines_of("tstat/versions/v3.2.1/2026_11_21_15_20.out/log_http_complete")[:2]
        names, separator = column_names(headers[pipeline == "responses"]), "\t"
        pipeline = "tstat-http"
    row = table_row(names, kinds_of(pipeline)).filter(lambda row: not row[0].startswith("#"))  # that is a header
    rows = st.lists(row, min_size=1, max_size=3)
    return pipeline, headers, names, draw(rows), separator


@cache
def kinds_of(pipeline: str) -> dict[str, str]:
    return dict(load_pipeline(pipeline, InputSettings("logs", ("/l",), pipeline)).field_types)


@settings(max_examples=200, deadline=None)
@given(tables())
def test_generated_rows_come_back_and_their_names_change_no_structural_field(
    table: tuple[str, list[str], list[str], list[list[str]], str],
) -> None:
    pipeline, headers, names, rows, separator = table
    lines = [*headers, *(separator.join(row) for row in rows)]
    log = parse_bytes("".join(f"{line}\n" for line in lines).encode(), pipeline, path="/l/log")
    kinds = kinds_of(pipeline)
    assert log.filtered_lines("header") == len(headers)
    assert len(log.documents) == len(rows)
    for row, document in zip(rows, log.documents, strict=True):
        wanted = {
            name: expected(kinds[f"tstat.{name}"], text) for name, text in zip(names, row, strict=True) if text != "-"
        }
        assert {name: document["tstat"].get(name) for name in wanted} == wanted
        assert document["message"] == separator.join(row)
        assert document["tags"] == []
        assert document["event"]["dataset"] == pipeline.replace("tstat-", "tstat.").replace("-", "_")
        assert document["host"] == {"name": "dtn01.example.org"}
        assert document["log"]["file"]["path"] == "/l/log"
        assert document["shipper"]["lines"] == 1
        assert (document["source"]["ip"], document["destination"]["ip"]) == (wanted["c_ip"], wanted["s_ip"])


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=20), st.sampled_from(["fqdn", "quic_SNI", "quic_UA"]))
def test_bytes_of_a_name_that_are_no_utf8_are_shown_and_shift_nothing(name: bytes, column: str) -> None:
    raw = bytes(byte for byte in name if byte not in b" \n\r\0") or b"\xe9"
    header, row = lines_of("tstat/made/v3.3.0/2026_11_21_15_20.out/log_udp_complete")[:2]
    values = [value.encode() for value in row.split(" ")]
    values[column_names(header).index(column)] = raw
    log = parse_bytes(header.encode() + b"\n" + b" ".join(values) + b"\n", "tstat-udp", path="/l/log")
    (document,) = log.documents
    text = raw.decode(errors="backslashreplace")
    assert document["tstat"].get(column) == (None if text in ("-", "---") else text)
    assert document["tstat"]["quic_ech"] == "0"
    assert document["destination"]["port"] == 443
