"""Roman local time in every log that writes it: both changes of the clocks, the year's end, midnight.

What is expected are the instants at which the lines were written.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from support.scene import CLOSED
from support.timed_logs import (
    FORMS,
    ROME,
    WITHOUT_DATE,
    Form,
    scene,
    tagged,
    times,
    write,
    write_lines,
)

AUTUMN = (
    "2026-10-24 23:59:59",  # 01:59:59
    "2026-10-25 00:00:00",  # 02:00:00
    "2026-10-25 00:30:00",  # 02:30:00
    "2026-10-25 00:59:59",  # 02:59:59
    "2026-10-25 01:00:01",  # 02:00:01, the second time
    "2026-10-25 01:30:00",  # 02:30:00
    "2026-10-25 01:59:59",  # 02:59:59
    "2026-10-25 02:00:00",  # 03:00:00
)
SPRING = (
    "2026-03-29 00:30:00",  # 01:30:00
    "2026-03-29 00:59:59",  # 01:59:59
    "2026-03-29 01:00:00",  # 03:00:00
    "2026-03-29 01:30:00",  # 03:30:00
)
NEW_YEAR = ("2026-12-31 22:30:00", "2026-12-31 22:59:59", "2026-12-31 23:00:01", "2027-01-01 08:00:00")
MIDNIGHT = ("2026-11-21 12:00:00", "2026-11-21 22:59:59", "2026-11-21 23:00:00", "2026-11-22 10:00:00")
LEAP_DAY = ("2028-02-28 22:59:59", "2028-02-28 23:00:00", "2028-02-29 12:00:00", "2028-02-29 23:00:00")
STORIES = (AUTUMN, SPRING, NEW_YEAR, MIDNIGHT, LEAP_DAY)
STORY_NAMES = ("autumn", "spring", "new_year", "midnight", "leap_day")

each_form = pytest.mark.parametrize("form", FORMS, ids=str)
each_story = pytest.mark.parametrize("instants", STORIES, ids=STORY_NAMES)


@each_story
@each_form
def test_a_file_read_as_a_whole_has_the_instants_of_its_lines(tmp_path: Path, form: Form, instants: tuple[str, ...]):
    host = scene(tmp_path, form)
    write(host, form, *instants)
    host.once()

    assert times(host) == list(instants)
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("seconds", [1.5, 12.0], ids=["events_stay_open", "events_are_closed"])
@each_story
@each_form
def test_a_live_file_has_the_instants_of_its_lines(
    tmp_path: Path, form: Form, instants: tuple[str, ...], seconds: float
):
    host = scene(tmp_path, form)
    with host.live() as one:
        for instant in instants:
            write(host, form, instant)
            one.catch_up(seconds)
        one.catch_up(12.0)

    assert times(host) == list(instants)
    assert host.verdict() == CLOSED


@each_story
@each_form
def test_an_agent_that_restarts_after_every_line_gives_the_same_times(
    tmp_path: Path, form: Form, instants: tuple[str, ...]
):
    host = scene(tmp_path, form)
    for instant in instants:
        write(host, form, instant)
        host.once()

    assert times(host) == list(instants)
    assert host.verdict() == CLOSED


@each_form
def test_the_repeated_hour_is_tagged_in_both_passes_and_no_other_time(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    write(host, form, *AUTUMN)
    host.once()

    assert tagged(host, "_timestamp_ambiguous") == list(AUTUMN[1:-1])
    assert tagged(host, "_timestamp_nonexistent") == []


@each_form
def test_the_hour_that_is_left_out_is_read_by_the_offset_before_and_tagged(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    never = form.line(datetime(2026, 3, 29, 2, 30, tzinfo=ROME))
    write(host, form, "2026-03-29 00:59:59")
    write_lines(host, host.logs / form.name, never, at="2026-03-29 01:30:00")
    write(host, form, "2026-03-29 01:30:01")
    host.once()

    assert times(host) == ["2026-03-29 00:59:59", "2026-03-29 01:30:00", "2026-03-29 01:30:01"]
    assert tagged(host, "_timestamp_nonexistent") == ["2026-03-29 01:30:00"]


@pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)
def test_a_day_with_lines_only_at_its_first_and_last_minute_is_told_from_disorder_by_the_modification_time(
    tmp_path: Path, form: Form
):
    instants = ("2026-11-20 22:59:59", "2026-11-20 23:00:30", "2026-11-21 22:59:30", "2026-11-21 23:00:30")
    host = scene(tmp_path, form)
    with host.live() as one:
        for instant in instants:
            write(host, form, instant)
            one.catch_up(12.0)

    assert times(host) == list(instants)
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)
def test_a_line_that_is_late_by_seconds_after_midnight_is_of_the_day_before(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    with host.live() as one:
        write(host, form, "2026-11-21 22:59:58", "2026-11-21 23:00:01")
        one.catch_up(12.0)
        late = form.line(datetime(2026, 11, 21, 23, 59, 59, tzinfo=ROME))
        write_lines(host, host.logs / form.name, late, at="2026-11-21 23:00:02")
        one.catch_up(12.0)
        write(host, form, "2026-11-21 23:00:03")
        one.catch_up(12.0)

    assert times(host) == ["2026-11-21 22:59:58", "2026-11-21 23:00:01", "2026-11-21 22:59:59", "2026-11-21 23:00:03"]
    cold = scene(tmp_path / "cold", form)
    write_lines(
        cold, cold.logs / form.name, *(host.logs / form.name).read_text().splitlines(), at="2026-11-21 23:00:03"
    )
    cold.once()
    assert times(cold) == times(host)
    late_at_the_end = scene(tmp_path / "end", form)
    write(late_at_the_end, form, "2026-11-21 22:59:58", "2026-11-21 23:00:01")
    write_lines(late_at_the_end, late_at_the_end.logs / form.name, late, at="2026-11-21 23:00:02")
    late_at_the_end.once()
    assert times(late_at_the_end) == times(host)[:3]
