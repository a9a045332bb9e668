"""Times are exact: digits stay, zones are applied, what is ambiguous is told."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import Reading, parse, parse_one

from shipper.parse.dates import NoClock
from shipper.parse.directives import UnknownDirective
from shipper.parse.timestamps import moment, time_format

UTC_ZONE = ZoneInfo("UTC")
LOCAL = """
parse: [{grok: ['^(?<app.time>\\S+ \\S+) ']}]
timestamp: {field: app.time, formats: ['%Y-%m-%d %H:%M:%S']}
"""


def read(pattern, text, zone=UTC_ZONE):
    return time_format(pattern, zone).read(text, NoClock())


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("epoch_ms", "1795302960564.501953", "2026-11-21T23:16:00.564501953Z"),
        ("epoch_ms", "1795302960564", "2026-11-21T23:16:00.564Z"),
        ("epoch_ms", "4", "1970-01-01T00:00:00.004Z"),
        ("epoch_s", "1795302960", "2026-11-21T23:16:00Z"),
        ("epoch_s", "1795302960.25", "2026-11-21T23:16:00.25Z"),
        ("iso8601", "2026-11-21T23:16:00Z", "2026-11-21T23:16:00Z"),
        ("iso8601", "2026-11-21T23:16:00,120+0130", "2026-11-21T21:46:00.120Z"),
        ("iso8601", "2026-11-21 23:16:00.5-03", "2026-11-22T02:16:00.5Z"),
        ("%Y%m%d%H%M%S.%6f", "20261121231237.924590", "2026-11-21T23:12:37.924590Z"),
        ("%Y%m%d%H%M%S.%6f", "20061121231237.2102", "2006-11-21T23:12:37.002102Z"),
        ("%Y%m%d%H%M%S.%f", "20061121231237.2102", "2006-11-21T23:12:37.2102Z"),
        ("%a %b %e %H:%M:%S %Y", "Thu Apr  9 10:49:18 2015", "2015-04-09T10:49:18Z"),
        ("%Y-%m-%d %H:%M:%S", "2016-12-31 23:59:60", "2017-01-01T00:00:00Z"),
        ("%d/%b/%Y:%H:%M:%S %z", "21/Nov/2026:23:16:00 +0100", "2026-11-21T22:16:00Z"),
        ("%H:%M:%S.%3f %Y-%m-%d", "23:16:00.7 2026-11-21", "2026-11-21T23:16:00.007Z"),
    ],
)
def test_a_time_keeps_the_digits_that_the_log_has(pattern, text, expected):
    found = read(pattern, text)
    assert found.text == expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("epoch_ms", "99999999999999999"),
        ("epoch_ms", "-5"),
        ("epoch_ms", "1e12"),
        ("%Y-%m-%d %H:%M:%S", "2026-02-30 10:00:00"),
        ("%Y-%m-%d %H:%M:%S", "2026-02-20 24:00:00"),
        ("%Y-%m-%d %H:%M:%S", "2026-02-20 10:00:00 "),
        ("%Y-%m-%d %H:%M:%S", "9999-01-01 10:00:00"),
        ("%b %e %H:%M:%S %Y", "Foo  9 10:49:18 2015"),
    ],
)
def test_what_is_no_time_is_none(pattern, text):
    assert read(pattern, text) is None


def test_an_iso_time_without_zone_needs_one():
    assert read("iso8601", "2026-11-21T23:16:00", None) is None
    assert read("iso8601", "2026-11-21T23:16:00", ZoneInfo("Europe/Rome")).text == "2026-11-21T22:16:00Z"


@pytest.mark.parametrize("pattern", ["%q", "%Y-%", "%4f"])
def test_an_unknown_directive_is_refused(pattern):
    with pytest.raises(UnknownDirective):
        time_format(pattern, UTC_ZONE)


def test_more_than_nine_digits_are_rounded_to_nanoseconds():
    assert moment(1, "1234567894").text == "1970-01-01T00:00:01.123456789Z"
    assert moment(1, "9999999995").text == "1970-01-01T00:00:02.000000000Z"
    assert moment(1, "9999999995").ns == 2_000_000_000


@given(st.integers(0, 4_102_444_800), st.integers(0, 999_999))
def test_a_time_read_again_from_memory_is_the_same(second, micro):
    known = time_format("%Y%m%d%H%M%S.%f", UTC_ZONE)
    text = datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S") + f".{micro:06d}"
    other = text[:-1] + str(9 - int(text[-1]))
    first, between, again = (known.read(each, NoClock()) for each in (text, other, text))
    assert first == again == moment(second, f"{micro:06d}")
    assert between != first


def test_local_time_becomes_utc(lab):
    pipeline = lab.pipeline(LOCAL, timezone="Europe/Rome")
    assert parse(pipeline, "2026-01-10 12:00:00 x", "2026-07-10 12:00:00 x").times == [
        "2026-01-10T11:00:00Z",
        "2026-07-10T10:00:00Z",
    ]


def test_the_repeated_hour_follows_the_order_in_the_file_and_is_tagged(lab):
    pipeline = lab.pipeline(LOCAL, timezone="Europe/Rome")
    lines = ["01:59:59", "02:30:00", "02:59:59", "02:58:00", "02:00:05", "02:30:00", "03:00:00"]
    outcome = parse(pipeline, *(f"2026-10-25 {time} x" for time in lines))
    assert outcome.times == [
        "2026-10-24T23:59:59Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T00:59:59Z",
        "2026-10-25T00:58:00Z",  # two minutes of disorder are no second pass
        "2026-10-25T01:00:05Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:00:00Z",
    ]
    assert outcome.tags == [[], *[["_timestamp_ambiguous"]] * 5, []]


def test_the_pass_through_the_repeated_hour_is_remembered_across_reads(lab):
    pipeline = lab.pipeline(LOCAL, timezone="Europe/Rome")
    reading = Reading(pipeline)
    for line in (b"2026-10-25 02:59:59 x\n", b"2026-10-25 02:10:00 x\n", b"2026-10-25 02:10:01 x\n"):
        outcome = reading.read(line)
    assert outcome.times == ["2026-10-25T00:59:59Z", "2026-10-25T01:10:00Z", "2026-10-25T01:10:01Z"]


def test_an_hour_that_never_was_is_tagged(lab):
    document = parse_one(lab.pipeline(LOCAL, timezone="Europe/Rome"), "2026-03-29 02:30:00 x")
    assert document["@timestamp"] == "2026-03-29T01:30:00Z"
    assert document["tags"] == ["_timestamp_nonexistent"]


def test_an_event_without_time_inherits_that_of_the_event_before(lab):
    pipeline = lab.pipeline(LOCAL, timezone="UTC")
    outcome = parse(pipeline, "no time", "2026-11-22 10:00:00 x", "again none", "2026-11-31 10:00:00 no such day")
    assert outcome.times == [
        "1970-01-01T00:00:00Z",
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z",
    ]
    assert outcome.tags[0] == ["_grokparsefailure", "_timestamp_inherited", "_timestamp_suspect"]
    assert outcome.tags[2] == ["_grokparsefailure", "_timestamp_inherited"]
    assert outcome.tags[3] == ["_timestamp_inherited"]
    assert outcome.indices == ["app-default-suspect", *["app-default-2026.11"] * 3]


@pytest.mark.parametrize(
    ("period", "index"), [("month", "app-ns-2026.11"), ("day", "app-ns-2026.11.30"), ("year", "app-ns-2026")]
)
def test_the_index_is_that_of_the_event_time_in_utc(lab, period, index):
    pipeline = lab.pipeline(LOCAL, timezone="Europe/Rome", period=period, namespace="ns")
    assert parse(pipeline, "2026-12-01 00:30:00 x").indices == [index]


@pytest.mark.parametrize(
    ("year", "suspect"), [("1999-12-31", True), ("2000-01-01", False), ("2099-12-31", False), ("2100-01-01", True)]
)
def test_times_before_2000_and_from_2100_on_are_suspect(lab, year, suspect):
    outcome = parse(lab.pipeline(LOCAL, timezone="UTC"), f"{year} 10:00:00 x")
    assert ("_timestamp_suspect" in outcome.tags[0]) is suspect
    assert outcome.indices[0].endswith("-suspect") is suspect
