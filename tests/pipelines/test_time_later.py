"""Logs that are read long after they were written: rotated, copied, left alone, or grown while no agent ran.

What is expected are the instants at which the lines were written, whatever the agent's own clock says.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.agents import already_stored, stored
from support.logs import compress, rename
from support.scene import CLOSED, Scene
from support.timed_logs import (
    BACKEND,
    COMPLETE,
    FORMS,
    FRONTEND,
    HEARTBEAT,
    MONITORING,
    WITHOUT_DATE,
    WITHOUT_YEAR,
    Form,
    dated,
    documents,
    epoch,
    scene,
    times,
    write,
    write_lines,
)

WRITTEN = ("2026-11-19 09:00:00", "2026-11-19 22:30:00", "2026-11-19 23:30:00", "2026-11-20 20:00:00")
"""The third is 00:30 of the 20th in Rome."""
READ_AT_ONCE = 256 * 1024
MONTHS_LATER = "2027-04-01 10:00:00"

each_form = pytest.mark.parametrize("form", FORMS, ids=str)
dateless = pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)
incomplete = pytest.mark.parametrize("form", [*WITHOUT_DATE, *WITHOUT_YEAR], ids=str)


def hours(first: str, count: int, step: int) -> list[str]:
    """Instants from the first on, so many hours apart."""
    begin = datetime.fromtimestamp(epoch(first), UTC)
    return [f"{begin + timedelta(hours=step * n):%Y-%m-%d %H:%M:%S}" for n in range(count)]


def seconds(first: str, count: int) -> list[str]:
    """Instants from the first on, a second apart."""
    begin = datetime.fromtimestamp(epoch(first), UTC)
    return [f"{begin + timedelta(seconds=n):%Y-%m-%d %H:%M:%S}" for n in range(count)]


def read_at(host: Scene, instant: str) -> None:
    """One pass of an agent whose clock shows an instant."""
    host.clock.now = epoch(instant)
    host.once()


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


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_a_date_in_the_name_counts_more_than_a_modification_time_that_a_copy_changed(tmp_path: Path, packed: bool):
    host = scene(tmp_path, BACKEND)
    log = dated(write(host, BACKEND, *WRITTEN, name="storm-backend-2026-11-20.log"), "2027-03-01 10:00:00")
    if packed:
        compress(log)
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
def test_a_copy_with_a_new_modification_time_changes_nothing_that_the_state_knows(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    log = write(host, form, *WRITTEN)
    host.once()
    shutil.copyfile(log, copy := host.logs / f"{form.name}.copy")
    dated(copy, "2026-12-24 10:00:00")
    log.unlink()
    totals = host.once()

    assert totals.lines == 0
    assert times(host) == list(WRITTEN)
    assert host.verdict() == CLOSED


@each_form
def test_a_copy_takes_its_dates_from_the_index_when_the_state_is_lost(tmp_path: Path, form: Form):
    instants = [*WRITTEN, *seconds("2026-11-21 09:00:00", 700)]
    host = scene(tmp_path, form)
    log = write(host, form, *instants, padding=400)
    assert log.stat().st_size > READ_AT_ONCE
    host.once()
    before, dates = documents(host), host.dates()
    host.forget()
    shutil.copyfile(log, copy := host.logs / f"{form.name}.copy")
    dated(copy, "2027-01-07 10:00:00")
    log.unlink()
    totals = host.once()

    assert (stored(totals), already_stored(totals)) == (0, len(instants))
    assert documents(host) == before
    assert host.dates() == dates
    assert host.audit(level="contents").verdict.value == "closed"


@dateless
def test_marks_made_while_a_log_was_watched_are_taken_from_the_index_when_the_state_is_lost(tmp_path: Path, form: Form):
    instants = ("2026-11-20 16:00:00", "2026-11-23 07:00:00", "2026-11-23 23:30:00", "2026-11-27 23:40:00")
    host = scene(tmp_path, form)
    for instant in instants:
        write(host, form, instant)
        host.once()
    before, dates = documents(host), host.dates()
    host.forget()
    dated(host.logs / form.name, "2027-01-07 10:00:00")
    totals = host.once()

    assert times(host) == list(instants)
    assert (stored(totals), already_stored(totals)) == (0, 4)
    assert documents(host) == before
    assert host.dates() == dates


@pytest.mark.parametrize("more", [2, 700], ids=["a_little", "more_than_is_read_at_once"])
@dateless
def test_what_was_written_after_a_weekend_on_which_the_state_was_lost_is_dated_by_the_modification(
    tmp_path: Path, form: Form, more: int
):
    friday, monday = seconds("2026-11-20 16:00:00", 700), seconds("2026-11-23 07:00:00", more)
    host = scene(tmp_path, form)
    write(host, form, *friday, padding=400)
    host.once()
    host.forget()
    write(host, form, *monday, padding=400)
    totals = host.once()

    assert (stored(totals), already_stored(totals)) == (more, 700)
    assert times(host) == [*friday, *monday]
    assert host.audit(level="contents").verdict.value == "closed"


@dateless
def test_without_state_and_index_a_copy_of_a_dateless_log_is_dated_by_the_copy_and_says_so(tmp_path: Path, form: Form):
    """Not promised, for nothing tells the day; the anchor in each document says what its time rests on."""
    host = scene(tmp_path, form)
    dated(write(host, form, *WRITTEN), "2026-12-24 21:00:00")
    read_at(host, MONTHS_LATER)

    assert times(host) == ["2026-12-23 09:00:00", "2026-12-23 22:30:00", "2026-12-23 23:30:00", "2026-12-24 20:00:00"]
    assert {document["shipper"]["date"] for document in documents(host)} == {"2026-12-23"}


@pytest.mark.parametrize("form", [*WITHOUT_YEAR, *COMPLETE], ids=str)
def test_without_state_and_index_a_copy_made_within_a_year_has_the_right_times_if_only_the_year_is_missing(
    tmp_path: Path, form: Form
):
    host = scene(tmp_path, form)
    dated(write(host, form, *WRITTEN), "2027-10-01 10:00:00")
    read_at(host, "2027-10-01 10:00:00")

    assert times(host) == list(WRITTEN)


@incomplete
def test_documents_without_a_date_of_their_own_carry_the_mark_that_dates_them(tmp_path: Path, form: Form):
    host = scene(tmp_path, form)
    write(host, form, *WRITTEN)
    host.once()

    assert {(d["shipper"]["date_from"], d["shipper"]["date"]) for d in documents(host)} == {(0, "2026-11-19")}


@each_form
def test_the_agents_own_clock_is_in_no_document(tmp_path: Path, form: Form):
    found = []
    for folder, now in (("soon", "2026-11-20 20:00:01"), ("late", "2031-07-01 12:00:00")):
        host = scene(tmp_path / folder, form)
        host.clock.now = epoch(now)
        write(host, form, *WRITTEN)
        host.once()
        found.append(documents(host))
    soon, late = found
    for document in (*soon, *late):
        del document["log"]["file"]["path"]  # the two folders

    assert soon == late


def test_the_frontends_two_logs_and_the_backends_agree_on_the_time(tmp_path: Path):
    found = []
    for form in (BACKEND, FRONTEND, MONITORING, HEARTBEAT):
        host = scene(tmp_path / str(form), form)
        write(host, form, *WRITTEN)
        host.once()
        found.append(times(host))

    assert found == [list(WRITTEN)] * 4


def test_a_log_without_times_keeps_the_day_on_which_it_was_written_when_the_state_is_lost(tmp_path: Path):
    host = Scene.of(tmp_path, "*.log")
    lines = [f"line {number:05} of a log without times {400 * 'x'}" for number in range(700)]
    log = write_lines(host, host.logs / "any.log", *lines, at="2026-11-20 10:00:00")
    assert log.stat().st_size > READ_AT_ONCE
    host.once()
    before, dates = documents(host), host.dates()
    host.forget()
    dated(log, "2027-01-07 10:00:00")
    totals = host.once()

    assert (stored(totals), already_stored(totals)) == (0, 700)
    assert documents(host) == before
    assert host.dates() == dates
    assert host.audit(level="contents").verdict.value == "closed"


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
