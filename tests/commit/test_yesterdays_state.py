"""The state of yesterday, put back by any means: what was decided since then is taken from the documents."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.logs import append, numbered
from support.logs import write as write_lines
from support.memory_output import MemoryOutput
from support.scene import CLOSED, Scene
from support.timed_logs import WITHOUT_DATE, Form, hours, scene, write

QUIET = 5


def copied(host: Scene) -> Path:
    """A copy of the state as it is now."""
    return Path(shutil.copy(host.settings.state / "state.db", host.folder / "yesterday.db"))


def put_back(host: Scene, copy: Path) -> None:
    shutil.copy(copy, host.settings.state / "state.db")


def multiline(folder: Path) -> Scene:
    host = Scene.of(folder, "**/*", pipeline="app")
    write_lines(
        folder / "pipelines" / "app.yml", "dataset: app", "timestamp: {by: modification}", "lines: {continues: '^ '}"
    )
    host.with_settings(pipeline_dirs=(folder / "pipelines",))
    return host


def test_an_event_that_was_ended_by_quiet_since_then_ends_there_again(tmp_path):
    host = multiline(tmp_path)
    log = write_lines(host.logs / "a.log", *numbered(0, 3))
    with host.live() as agent:
        agent.catch_up(3 * QUIET)
    copy = copied(host)
    with host.live() as agent:
        append(log, *numbered(3, 4), " its second line")
        agent.catch_up(3 * QUIET)
        append(log, " a late third line", *numbered(4, 6))
        agent.catch_up(3 * QUIET)
    stored = host.documents()
    put_back(host, copy)
    host.once()

    assert host.documents() == stored
    assert host.verdict() == CLOSED


def test_a_long_event_that_was_ended_by_quiet_since_then_is_not_taken_apart_elsewhere(tmp_path):
    """Its limit of lines counts from where it was ended."""
    host = multiline(tmp_path)
    log = write_lines(host.logs / "a.log", *numbered(0, 3))
    with host.live() as agent:
        agent.catch_up(3 * QUIET)
    copy = copied(host)
    with host.live() as agent:
        append(log, *numbered(3, 4), *(f" more {number}" for number in range(300)))
        agent.catch_up(3 * QUIET)
        append(log, *(f" late {number}" for number in range(400)), *numbered(4, 5))
        agent.catch_up(3 * QUIET)
    stored = host.documents()
    put_back(host, copy)
    host.once()

    assert host.documents() == stored
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("form", WITHOUT_DATE, ids=str)
@pytest.mark.parametrize("idle", [3, 50, 200])
def test_days_that_were_counted_since_then_are_the_same_when_counted_again(tmp_path: Path, form: Form, idle: int):
    host = scene(tmp_path, form)
    (item,) = host.settings.inputs
    host.with_settings(inputs=(replace(item, period="day"),))
    output = MemoryOutput()

    def live(first: str, count: int, step: int) -> None:
        for instant in hours(first, count, step):
            with host.live(output) as agent:
                write(host, form, instant)
                agent.catch_up(3 * QUIET)

    live("2026-11-02 09:00:00", 3, idle)
    copy = copied(host)
    live("2026-12-02 09:00:00", 6, idle)
    stored = dict(output.documents)
    put_back(host, copy)
    host.clock.advance(86_400 * 30)
    host.once(output)

    assert len(stored) == 9
    assert output.documents.keys() == stored.keys()
