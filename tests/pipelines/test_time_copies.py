"""What times rest on where a log has none that are complete: state, index, file; never the agent's clock."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.agents import already_stored, stored
from support.logs import compress
from support.scene import CLOSED, Scene
from support.timed_logs import (
    BACKEND,
    COMPLETE,
    FORMS,
    FRONTEND,
    HEARTBEAT,
    MONITORING,
    MONTHS_LATER,
    READ_AT_ONCE,
    WITHOUT_DATE,
    WITHOUT_YEAR,
    WRITTEN,
    Form,
    dated,
    documents,
    epoch,
    read_at,
    scene,
    seconds,
    times,
    write,
    write_lines,
)

each_form = pytest.mark.parametrize("form", FORMS, ids=str)
dateless = pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)
incomplete = pytest.mark.parametrize("form", [*WITHOUT_DATE, *WITHOUT_YEAR], ids=str)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_a_date_in_the_name_counts_more_than_a_modification_time_that_a_copy_changed(tmp_path: Path, packed: bool):
    host = scene(tmp_path, BACKEND)
    log = dated(write(host, BACKEND, *WRITTEN, name="storm-backend-2026-11-20.log"), "2027-03-01 10:00:00")
    if packed:
        compress(log)
    read_at(host, MONTHS_LATER)

    assert times(host) == list(WRITTEN)
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
