"""Logs that are read long after they were written: rotated, copied, left alone, or grown while no agent ran.

What is expected are the instants at which the lines were written, whatever the agent's own clock says.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.logs import compress, rename
from support.scene import CLOSED
from support.timed_logs import (
    FORMS,
    MONTHS_LATER,
    READ_AT_ONCE,
    WITHOUT_DATE,
    WITHOUT_YEAR,
    WRITTEN,
    Form,
    dated,
    hours,
    read_at,
    scene,
    seconds,
    times,
    write,
)

each_form = pytest.mark.parametrize("form", FORMS, ids=str)
dateless = pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)


@each_form
def test_a_rotated_file_is_dated_by_its_modification_months_later(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    write(host, form, *WRITTEN, name=f"{form.name}.1")
    read_at(host, MONTHS_LATER)

    assert times(host) == list(WRITTEN)
    assert host.verdict() == CLOSED


@each_form
def test_a_rotated_and_compressed_file_is_dated_by_its_modification_months_later(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    compress(write(host, form, *WRITTEN, name=f"{form.name}.1"))
    read_at(host, MONTHS_LATER)

    assert times(host) == list(WRITTEN)
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("rotated", ["20261120", "20261121", "20261127"], ids=["in_the_evening", "at_night", "weekly"])
@each_form
def test_the_day_of_the_rotation_in_a_name_is_not_taken_for_that_of_the_last_line(
    tmp_path: Path, form: Form, rotated: str
):
    host = scene(tmp_path, form)
    compress(write(host, form, *WRITTEN, name=f"{form.name}-{rotated}"))
    read_at(host, MONTHS_LATER)

    assert times(host) == list(WRITTEN)


@pytest.mark.parametrize("form", WITHOUT_YEAR, ids=str)
def test_a_date_in_the_name_gives_the_year_after_years(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    dated(write(host, form, "2026-12-30 10:00:00", "2026-12-31 23:30:00", name=f"{form.name}-20270101"), "2029-06-01")
    read_at(host, "2029-06-01 10:00:00")

    assert times(host) == ["2026-12-30 10:00:00", "2026-12-31 23:30:00"]


@each_form
def test_an_agent_that_was_down_for_a_week_counts_the_days(tmp_path: Path, form: Form):
    first, missed = hours("2026-11-16 09:00:00", 3, 2), hours("2026-11-16 16:00:00", 24, 7)
    host = scene(tmp_path, form)
    write(host, form, *first)
    host.once()
    write(host, form, *missed)
    host.once()

    assert times(host) == [*first, *missed]
    assert missed[-1] == "2026-11-23 09:00:00"
    assert host.verdict() == CLOSED


@each_form
def test_a_file_that_grew_and_was_rotated_and_compressed_during_a_week_is_read_on_in_the_archive(
    tmp_path: Path, form: Form
):
    first, missed, fresh = (
        hours("2026-11-16 09:00:00", 3, 2),
        hours("2026-11-16 16:00:00", 20, 7),
        ("2026-11-23 10:00:00",),
    )
    host = scene(tmp_path, form)
    log = write(host, form, *first)
    host.once()
    write(host, form, *missed)
    compress(rename(log, f"{form.name}.1"))
    write(host, form, *fresh)
    host.once()

    assert sorted(times(host)) == [*first, *missed, *fresh]
    assert host.verdict() == CLOSED


@dateless
def test_office_hours_of_days_that_nobody_read_are_days_of_their_own(tmp_path: Path, form: Form):
    def day(number: int) -> list[str]:
        return hours(f"2026-11-{number} 07:00:00", 4, 3)  # 08:00 to 17:00 in Rome: a step back of nine hours at night

    host = scene(tmp_path, form)
    write(host, form, *day(16))
    host.once()
    write(host, form, *day(17), *day(18), *day(19))
    host.once()

    assert times(host) == [*day(16), *day(17), *day(18), *day(19)]


@each_form
def test_a_log_that_is_idle_over_a_weekend_while_it_is_watched(tmp_path: Path, form: Form):
    friday, monday = ("2026-11-20 15:00:00", "2026-11-20 16:00:00"), ("2026-11-23 07:00:00", "2026-11-23 07:00:10")
    host = scene(tmp_path, form)
    with host.live() as one:
        for instant in (*friday, *monday):
            write(host, form, instant)
            one.catch_up(12.0)

    assert times(host) == [*friday, *monday]
    assert host.verdict() == CLOSED


@each_form
def test_a_log_that_is_idle_over_a_weekend_and_later_on_the_clock_than_before_it(tmp_path: Path, form: Form):
    friday, monday = ("2026-11-20 07:00:00", "2026-11-20 08:00:00"), ("2026-11-23 16:00:00", "2026-11-23 16:00:10")
    host = scene(tmp_path, form)
    with host.live() as one:
        for instant in (*friday, *monday):
            write(host, form, instant)
            one.catch_up(12.0)

    assert times(host) == [*friday, *monday]


@each_form
def test_an_agent_that_was_down_over_an_idle_weekend_dates_all_that_it_missed_however_much(tmp_path: Path, form: Form):
    friday, missed = ["2026-11-20 15:00:00"], seconds("2026-11-20 16:00:00", 100)
    monday = seconds("2026-11-23 07:00:00", 700)
    host = scene(tmp_path, form)
    write(host, form, *friday)
    host.once()
    log = write(host, form, *missed, *monday, padding=400)
    assert log.stat().st_size > READ_AT_ONCE
    host.once()

    assert times(host) == [*friday, *missed, *monday]
    assert host.verdict() == CLOSED


@each_form
def test_an_archive_that_is_still_being_written_waits_for_the_time_that_its_end_has(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    instants = seconds("2026-11-20 10:00:00", 3000)
    archive = compress(write(host, form, *instants, name=f"{form.name}.1"))
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    dated(archive, "2026-12-01 10:00:00")
    read_at(host, "2026-12-01 10:00:00")
    archive.write_bytes(whole)
    dated(archive, instants[-1])
    read_at(host, "2026-12-01 10:00:05")

    assert times(host) == instants
    assert host.verdict() == CLOSED
