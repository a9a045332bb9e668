"""Logs without date or year: days are counted on from recorded marks, checked against the modification time."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import Lab, Reading, parse

from shipper.parse.anchors import name_date
from shipper.records import Mark, MarkKind

TIME_ONLY = """
parse: [{grok: ['^(?<app.time>\\d\\d:\\d\\d:\\d\\d) ']}]
timestamp: {field: app.time, formats: ['%H:%M:%S']}
"""
NO_YEAR = """
parse: [{grok: ['^(?<app.time>\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d) ']}]
timestamp: {field: app.time, formats: ['%m/%d %H:%M:%S']}
"""
BY_MODIFICATION = "timestamp: {by: modification}"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def dated(value: str, offset: int = 0) -> Mark:
    return Mark(offset, MarkKind.DATE, value)


def lines(*times: str) -> bytes:
    return "".join(f"{time} x\n" for time in times).encode()


def first_date(pipeline, data: bytes, modified: str, path: str = "/var/log/app.log") -> str:
    mark = pipeline.date_mark([data[:7], data[7:]], path=path, modified=at(modified))
    assert (mark.offset, mark.kind) == (0, MarkKind.DATE)
    return mark.value


@pytest.fixture
def clocked(lab: Lab):
    return lab.pipeline(TIME_ONLY, timezone="UTC")


@pytest.fixture
def yearless(lab: Lab):
    return lab.pipeline(NO_YEAR, timezone="UTC")


def test_the_modification_time_dates_the_last_event_and_days_are_counted_back(clocked):
    data = lines("23:00:00", "00:10:00", "12:00:00", "23:59:59", "00:00:01")
    assert first_date(clocked, data, "2026-11-22 00:00:02") == "2026-11-20"


def test_the_last_event_is_not_later_than_the_modification(clocked):
    assert first_date(clocked, lines("23:59:59"), "2026-11-22 00:00:01") == "2026-11-21"
    assert first_date(clocked, lines("17:00:00"), "2026-11-23 08:00:00") == "2026-11-22"


@pytest.mark.parametrize(
    ("name", "modified", "expected"),
    [
        ("storm-backend-2026-11-20.log.gz", "2026-11-23 08:00:00", "2026-11-20"),
        ("storm-backend-2026-11-20.log1234567890123456.tmp", "2026-11-21 00:00:01", "2026-11-20"),
        ("app.log-20261120", "2026-11-20 03:10:00", "2026-11-19"),
        ("app.log-20261120", "2026-11-19 17:00:00", "2026-11-19"),
        ("app.log-20261120", "2026-11-16 17:00:00", "2026-11-16"),
        ("app.log-20261120", "2027-01-01 00:00:00", "2026-11-20"),
        ("app-20261399.log", "2026-11-23 23:00:00", "2026-11-23"),
    ],
)
def test_a_date_in_the_name_of_the_file_comes_first(clocked, name, modified, expected):
    assert first_date(clocked, lines("17:00:00"), modified, f"/var/log/{name}") == expected


def test_only_the_base_name_is_searched_for_a_date():
    assert name_date("/data/2026-11-20/app.log") is None
    assert name_date("/data/app-2026-11-20.log.gz") == (date(2026, 11, 20), True)


def test_a_jump_back_of_more_than_twelve_hours_is_a_new_day(clocked):
    data = [
        "23:59:58 x",
        "00:00:01 x",
        "23:59:59 x",
        "00:00:02 x",
        "11:00:00 x",
        "10:00:00 x",
        "23:00:00 x",
        "01:00:00 x",
    ]
    assert parse(clocked, *data, marks=[dated("2026-11-20")]).times == [
        "2026-11-20T23:59:58Z",
        "2026-11-21T00:00:01Z",
        "2026-11-20T23:59:59Z",  # late by two seconds, and not a day early
        "2026-11-21T00:00:02Z",
        "2026-11-21T11:00:00Z",
        "2026-11-21T10:00:00Z",
        "2026-11-21T23:00:00Z",
        "2026-11-22T01:00:00Z",
    ]


def test_documents_carry_the_mark_that_their_time_depends_on(clocked):
    outcome = parse(clocked, "10:00:00 x", "10:00:01 x", marks=[dated("2026-11-20"), dated("2026-11-25", 11)])
    anchors = [(document["shipper"]["date_from"], document["shipper"]["date"]) for document in outcome.documents]
    assert anchors == [(0, "2026-11-20"), (11, "2026-11-25")]
    assert outcome.times == ["2026-11-20T10:00:00Z", "2026-11-25T10:00:01Z"]


def test_a_log_that_was_idle_over_a_weekend_gets_a_new_mark(clocked):
    reading = Reading(clocked, [dated("2026-11-20")])
    reading.read(lines("16:00:00", "17:00:00"), modified=at("2026-11-20 17:00:00"), at_end=True)
    outcome = reading.read(lines("08:00:00", "08:00:01"), modified=at("2026-11-23 08:00:01"), at_end=True)
    assert outcome.times[2:] == ["2026-11-23T08:00:00Z", "2026-11-23T08:00:01Z"]
    assert outcome.marks == [dated("2026-11-23", 22)]


def test_the_missing_days_lie_where_the_time_of_day_steps_back(clocked):
    reading = Reading(clocked, [dated("2026-11-20")])
    reading.read(lines("16:00:00"), modified=at("2026-11-20 16:00:00"), at_end=True)
    outcome = reading.read(lines("17:00:00", "08:00:00", "09:00:00"), modified=at("2026-11-23 09:00:00"), at_end=True)
    assert outcome.times[1:] == ["2026-11-20T17:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"]
    assert outcome.marks == [dated("2026-11-23", 22)]


def test_a_busy_log_needs_no_further_mark(clocked):
    reading = Reading(clocked, [dated("2026-11-20")])
    reading.read(lines("23:59:58"), modified=at("2026-11-20 23:59:59"), at_end=True)
    outcome = reading.read(lines("23:59:59"), modified=at("2026-11-21 00:00:01"), at_end=True)
    outcome = reading.read(lines("00:00:05"), modified=at("2026-11-21 00:00:05"), at_end=True)
    assert outcome.marks == []
    assert outcome.times[-1] == "2026-11-21T00:00:05Z"


def test_a_read_that_does_not_reach_the_end_is_not_checked(clocked):
    reading = Reading(clocked, [dated("2026-11-20")])
    reading.read(lines("16:00:00"), modified=at("2026-11-20 16:00:00"), at_end=True)
    outcome = reading.read(lines("17:00:00"), modified=at("2027-03-01 12:00:00"), at_end=False)
    assert outcome.marks == []
    assert outcome.times[-1] == "2026-11-20T17:00:00Z"


def test_a_file_with_a_date_in_its_name_is_not_checked(clocked):
    reading = Reading(clocked, [dated("2026-11-20")], path="/var/log/app-2026-11-20.log")
    reading.read(lines("16:00:00"), modified=at("2026-11-20 16:00:00"), at_end=True)
    assert reading.read(lines("17:00:00"), modified=at("2027-03-01 12:00:00"), at_end=True).marks == []


def test_a_parser_without_any_mark_decides_one_itself(clocked):
    outcome = Reading(clocked).read(lines("23:00:00", "01:00:00"), modified=at("2026-11-22 01:00:00"), at_end=True)
    assert outcome.marks == [dated("2026-11-21")]
    assert outcome.times == ["2026-11-21T23:00:00Z", "2026-11-22T01:00:00Z"]


def test_a_year_that_is_missing_wraps_at_new_year_and_not_for_stragglers(yearless):
    outcome = parse(
        yearless,
        "12/31 23:59:59 x",
        "01/01 00:00:01 x",
        "12/31 23:59:58 x",
        "01/01 00:00:02 x",
        marks=[dated("2025-12-31")],
    )
    assert [time[:4] for time in outcome.times] == ["2025", "2026", "2025", "2026"]


@pytest.mark.parametrize(
    ("data", "modified", "expected"),
    [
        (lines("12/31 23:00:00", "01/01 00:10:00"), "2026-01-01 00:10:01", "2025-12-31"),
        (lines("12/31 23:00:00"), "2026-01-05 08:00:00", "2025-12-31"),
        (lines("02/29 10:00:00"), "2026-01-05 08:00:00", "2024-02-29"),
        (lines("11/20 10:00:00", "11/21 10:00:00"), "2026-11-22 08:00:00", "2026-11-20"),
    ],
)
def test_a_missing_year_is_that_of_the_last_day_before_the_modification(yearless, data, modified, expected):
    assert first_date(yearless, data, modified) == expected


def test_a_yearless_log_that_was_idle_for_long_gets_a_new_mark(yearless):
    reading = Reading(yearless, [dated("2025-03-01")])
    reading.read(lines("03/01 10:00:00"), modified=at("2025-03-01 10:00:00"), at_end=True)
    outcome = reading.read(lines("02/01 10:00:00"), modified=at("2027-02-01 10:00:00"), at_end=True)
    assert outcome.times[-1] == "2027-02-01T10:00:00Z"
    assert len(outcome.marks) == 1


def test_a_log_without_times_is_dated_by_the_day_on_which_it_was_written(lab):
    pipeline = lab.pipeline(BY_MODIFICATION)
    reading = Reading(pipeline, [pipeline.date_mark([b"x\n"], path="/l", modified=at("2026-11-20 10:00:00"))])
    reading.read(b"one\n", modified=at("2026-11-20 10:00:00"), at_end=True)
    reading.read(b"two\n", modified=at("2026-11-20 23:00:00"), at_end=True)
    outcome = reading.read(b"three\n", modified=at("2026-11-23 23:00:00"), at_end=True)
    assert outcome.times == ["2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z"]
    assert outcome.marks == [dated("2026-11-23", 8)]


@pytest.fixture(scope="module")
def roman(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(TIME_ONLY, timezone="Europe/Rome")


@given(st.lists(st.integers(0, 86_399), min_size=1, max_size=30), st.lists(st.integers(1, 29), max_size=4), st.data())
def test_reading_again_with_the_recorded_marks_gives_the_same_bytes_however_it_is_cut(roman, seconds, cuts, data):
    rows = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} x\n".encode() for s in seconds]
    live = Reading(roman, [dated("2026-10-24")])
    borders = sorted({0, *(cut for cut in cuts if cut < len(rows)), len(rows)})
    for begin, end in pairwise(borders):
        days = data.draw(st.integers(0, 5))
        live.read(b"".join(rows[begin:end]), modified=at(f"2026-10-{25 + days} 12:00:00"), at_end=True)
    again = Reading(roman, live.marks).read(b"".join(rows))
    assert again.bodies == live.outcome.bodies
    assert again.ids == live.outcome.ids
    assert again.marks == []


@given(st.lists(st.integers(1, 5 * 86_400), min_size=1, max_size=20), st.integers(0, 365 * 86_400))
def test_a_log_that_is_read_whenever_it_is_written_has_the_instants_of_its_lines_however_long_it_pauses(
    roman, pauses, begin
):
    """But for the hour that clocks repeat, of which the time of day alone does not tell the pass; it is tagged."""
    rome, instant = ZoneInfo("Europe/Rome"), at("2026-01-01 00:00:00") + begin
    first = datetime.fromtimestamp(instant, rome)
    reading = Reading(roman, [dated(first.date().isoformat())])
    written = []
    for pause in [0, *pauses]:
        instant += pause
        written.append(instant)
        line = f"{datetime.fromtimestamp(instant, rome):%H:%M:%S} x\n".encode()
        outcome = reading.read(line, modified=instant, at_end=True)

    expected = [f"{datetime.fromtimestamp(each, UTC):%Y-%m-%dT%H:%M:%SZ}" for each in written]
    found = zip(outcome.times, expected, outcome.tags, strict=True)
    assert [(time, right) for time, right, tags in found if time != right and not tags] == []
    assert [time[:10] for time in outcome.times] == [right[:10] for right in expected]
