"""G, continued. Stopping: open events, promptness, single passes."""

import time

import pytest
from support.faulty import Faulty
from support.logs import append, numbered, write
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.agent import DRAIN
from shipper.records import Outcome, OutcomeKind

AWAY = Outcome(OutcomeKind.RETRY, "output", "connection refused")
PROMPT = 5.0
"""Seconds; what must be waited for besides is nothing."""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def traces(folder):
    """A scene of events of several lines: those that begin with a blank belong to the line before."""
    scene = Scene.of(folder, "*.log", pipeline="traces")
    definitions = folder / "pipelines"
    write(definitions / "traces.yml", "dataset: traces", "timestamp: {by: modification}", "lines: {continues: '^ '}")
    scene.with_settings(pipeline_dirs=(definitions,))
    return scene


def test_108_an_open_event_survives_a_restart_neither_lost_nor_doubled(tmp_path):
    scene = traces(tmp_path)
    log = write(scene.logs / "a.log", *numbered(0, 2), " first frame")
    with scene.live() as agent:
        agent.catch_up(1)
    append(log, " second frame", *numbered(2, 3))
    with scene.live() as agent:
        agent.catch_up(60)

    first, second, third = numbered(0, 3)
    assert scene.sources() == [[first, f"{second}\n first frame\n second frame", third]]
    assert scene.verdict() == CLOSED


def test_108_an_event_that_was_closed_for_quiet_before_a_restart_stays_as_it_was(tmp_path):
    scene = traces(tmp_path)
    log = write(scene.logs / "a.log", *numbered(0, 2), " first frame")
    with scene.live() as agent:
        agent.catch_up(60)
    append(log, " late frame", *numbered(2, 3))
    with scene.live() as agent:
        agent.catch_up(60)
    scene.forget()
    with scene.live() as agent:
        agent.catch_up(60)

    first, second, third = numbered(0, 3)
    assert scene.sources() == [[first, f"{second}\n first frame", " late frame", third]]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("lines", [10, 250_000])
def test_109_a_stop_is_prompt_while_idle_and_while_a_huge_file_is_read(tmp_path, lines):
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, lines))
    with site:
        site.wait_for(1)
        started = time.monotonic()
        site.stop()
        took = time.monotonic() - started

    (source,) = site.sources()
    assert took < PROMPT
    assert (len(source) < lines) == (lines > 10)
    assert source == numbered(0, len(source))
    assert site.verdict() == CLOSED


def test_109_a_stop_while_the_output_does_not_answer_waits_no_longer_than_its_limit(scene):
    write(scene.logs / "a.log", *numbered(0, 100))
    with scene.live(Faulty(scene, lambda _: AWAY)) as agent:
        agent.catch_up(60)
        asked = scene.clock.now
        agent.agent.run(lambda: True)
    assert scene.clock.now - asked < DRAIN + PROMPT

    scene.once()
    assert scene.sources() == [numbered(0, 100)]
    assert scene.verdict() == CLOSED


def test_110_a_single_pass_reads_everything_and_leaves_files_that_come_later_for_the_next_one(scene):
    write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live() as agent:
        agent.agent.once(lambda _: write(scene.logs / "late.log", *numbered(0, 3, "late")))
    assert scene.sources() == [numbered(0, 10)]
    assert scene.audit().totals.pending == 3

    scene.once()
    assert scene.sources() == [numbered(0, 3, "late"), numbered(0, 10)]
    assert scene.verdict() == CLOSED


def test_110_a_single_pass_as_a_process_ends_by_itself(tmp_path):
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, 10))
    done = site.once()

    assert (done["lines"], done["stored"], done["pending_lines"]) == (10, 10, 0)
    assert site.sources() == [numbered(0, 10)]
    assert site.verdict() == CLOSED
