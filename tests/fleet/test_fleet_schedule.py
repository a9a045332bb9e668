"""What an input is expected to bring, and what of it is late, missing or unusual: pure decisions."""

import pytest

from shipper.audit.findings import Cause, Kind
from shipper.fleet.schedule import LEARNED_FROM, Amount, deviations, learned, looked_at_from
from shipper.settings import Expectation

HOUR = 3600
NOON = 1_790_000_000 // 86_400 * 86_400 + 12 * HOUR
HOURLY = Expectation(every=HOUR, by=20 * 60)


def hours(*lines, until=NOON):
    """So many lines in each hour, the last of which ends at a time; the bytes are a hundred times as many."""
    first = until - len(lines) * HOUR
    return {first + number * HOUR: Amount(count, 100 * count) for number, count in enumerate(lines) if count}


def told(expect, came, now, since=NOON):
    """Kind, cause, and the hours before noon at which the first and the last period begin."""
    found = deviations(expect, came, since, now)
    return [(one.kind, one.cause, (NOON - one.first) // HOUR, (NOON - one.last) // HOUR) for one in found]


def test_an_hour_is_late_only_when_its_lines_are_due():
    came = hours(5, 5, 5, 0)
    assert told(HOURLY, came, NOON + 20 * 60 - 1) == []
    assert told(HOURLY, came, NOON + 20 * 60) == [(Kind.LATE, Cause.OVERDUE, 1, 1)]


def test_an_hour_that_is_not_there_when_the_next_one_is_due_never_came():
    came = hours(5, 5, 5, 0)
    assert told(HOURLY, came, NOON + HOUR + 19 * 60) == [(Kind.LATE, Cause.OVERDUE, 1, 1)]
    assert told(HOURLY, came, NOON + HOUR + 20 * 60) == [
        (Kind.LATE, Cause.NEVER_CAME, 1, 1),
        (Kind.LATE, Cause.OVERDUE, 0, 0),
    ]


def test_hours_in_a_row_are_one_finding_and_others_are_not():
    came = hours(5, 0, 0, 0, 5, 0, 5)
    assert told(HOURLY, came, NOON + 20 * 60) == [
        (Kind.LATE, Cause.NEVER_CAME, 6, 4),
        (Kind.LATE, Cause.NEVER_CAME, 2, 2),
    ]


def test_nothing_is_expected_of_the_time_before_an_input_began():
    assert told(HOURLY, hours(0, 0, 0, 5, 5), NOON + 20 * 60) == []


def test_of_an_input_that_never_brought_anything_it_is_expected_since_its_agent_was_started():
    started = NOON - 2.5 * HOUR
    assert told(HOURLY, {}, NOON + 20 * 60, since=started) == [
        (Kind.LATE, Cause.NEVER_CAME, 2, 2),
        (Kind.LATE, Cause.OVERDUE, 1, 1),
    ]


def test_what_is_older_than_a_week_is_not_told():
    came = hours(5, *[0] * 200, *[5] * 167)
    assert told(HOURLY, came, NOON + 20 * 60) == [(Kind.LATE, Cause.NEVER_CAME, 168, 168)]


def test_of_long_periods_more_than_a_week_is_looked_at():
    daily = Expectation(every=86_400, by=0)
    assert NOON - looked_at_from(daily, NOON) >= (24 + LEARNED_FROM) * 86_400


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((10, 20), [(Kind.UNUSUAL, Cause.MORE, 2, 2), (Kind.UNUSUAL, Cause.FEWER, 1, 1)]),
        ((9, 21), []),
        ((0, 15), [(Kind.UNUSUAL, Cause.MORE, 2, 2)]),
    ],
)
def test_a_configured_band_includes_both_its_ends(lines, wanted):
    expect = Expectation(HOUR, 1200, lines=lines)
    assert told(expect, hours(15, 15, 21, 9), NOON + 20 * 60) == wanted


def test_an_hour_may_be_empty_where_the_least_is_nothing():
    assert told(Expectation(HOUR, 1200, lines=(0, 100)), hours(15, 0, 0), NOON + 20 * 60) == []


def test_bytes_have_a_band_of_their_own():
    expect = Expectation(HOUR, 1200, bytes=(1000, 2000))
    assert told(expect, hours(15, 15, 5), NOON + 20 * 60) == [(Kind.UNUSUAL, Cause.FEWER, 1, 1)]


def test_a_band_is_learned_from_five_periods_at_least():
    expect = Expectation(HOUR, 1200, lines="auto")
    assert told(expect, hours(100, 100, 100, 100, 1), NOON + 20 * 60) == []
    assert told(expect, hours(100, 100, 100, 100, 100, 1), NOON + 20 * 60) == [(Kind.UNUSUAL, Cause.FEWER, 1, 1)]


def test_periods_without_lines_are_late_and_teach_nothing():
    expect = Expectation(HOUR, 1200, lines="auto")
    came = hours(100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 100)
    assert {one[0] for one in told(expect, came, NOON + 20 * 60)} == {Kind.LATE}


def test_what_is_learned_is_half_to_twice_the_median_or_five_deviations():
    assert learned([100] * 4) is None
    assert learned([100] * 5) == (50, 200)
    assert learned([100, 100, 100, 100, 100_000]) == (50, 200), "one that is far out does not widen the band"
    assert learned([0, 100, 200, 300, 400]) == (0, 700)


def test_the_evidence_says_how_a_band_is_known():
    expect = Expectation(HOUR, 1200, lines="auto")
    (found,) = deviations(expect, hours(100, 100, 100, 100, 100, 1), NOON, NOON + 1200)
    assert found.band == "50 to 200 lines are usual after 5 periods with a median of 100"
    assert found.found == Amount(1, 100)


def test_periods_may_be_of_any_length_and_begin_at_its_multiples():
    expect = Expectation(every=25 * 60, by=60)
    start = NOON // 1500 * 1500
    came = {start - 3000: Amount(1, 1), start: Amount(1, 1)}
    (found,) = deviations(expect, came, start, start + 1500 + 60)
    assert (found.first, found.cause) == (start - 1500, Cause.NEVER_CAME)
