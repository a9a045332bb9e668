"""A writer that behaves as tstat does, and an agent on it: every whole row once, and what is lost is told.

Times of packets are the only times there are: an hour of tstat is so many seconds of packet time here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.buffered_writers import BLOCK
from support.running import Running
from support.scene import CLOSED
from support.tstat import HEADER, LOG, Tstat, row, rows_on_disk, text

HOUR = 12
NOON = 1_795_264_800


@pytest.fixture
def agent(tmp_path):
    one = {"name": "tstat", "paths": [f"{tmp_path}/logs/*.out/{LOG}*"], "pipeline": "tstat-tcp"}
    with Running(tmp_path, [one]) as running:
        yield running


@pytest.fixture
def tstat(agent):
    """Starts one tstat after another."""
    started = []

    def start(**how) -> Tstat:
        started.append(Tstat(agent.logs, **{"interval": HOUR, **how}))
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


def rows(*ranges: range) -> list[str]:
    return sorted(text(number) for numbers in ranges for number in numbers)


def stored(agent) -> list[str]:
    return sorted(message for source in agent.sources() for message in source)


def letters(agent) -> list[dict[str, Any]]:
    return agent.ask("dead-letters", "list")["dead_letters"]


def states(agent) -> dict[str, str]:
    """What the files do, by directory."""
    return {Path(file["path"]).parent.name: file["state"] for file in agent.ask("status", code=None)["files"]}


def test_hours_follow_one_another_and_an_agent_that_is_stopped_and_killed_stores_every_row_once(agent, tstat):
    writer, number, sizes, hours = tstat(), 0, [], []
    for hour in range(8):
        begin = number
        for minute in range(0, HOUR, 2):
            writer.captures(NOON + hour * HOUR + minute, number, number + 1 + minute)
            number += 1 + minute
            sizes.append(writer.log(NOON + hour * HOUR).stat().st_size)
        if hour in (2, 5):
            (agent.stop if hour == 2 else agent.kill)()
            writer.captures(NOON + hour * HOUR + HOUR - 1, number, number + 50)
            number += 50
            agent.start()
        hours.append(range(begin, number))
    seen = rows_on_disk(writer.log(NOON + 7 * HOUR))
    agent.wait_for(number - 36 + seen)
    assert stored(agent) == rows(range(number - 36 + seen)), "rows that are not flushed are on no disk"
    writer.interrupt()
    agent.wait_for(number)

    assert sizes[0] == 0
    assert {size % BLOCK for size in sizes} == {0}
    assert agent.sources() == sorted([text(flow) for flow in hour] for hour in hours)
    assert agent.verdict() == CLOSED


def test_a_row_that_a_sigterm_cut_waits_for_its_rest_and_status_and_audit_tell_so(agent, tstat):
    """The file has its name: whether its writer comes back nobody knows. A cut number would still be a number."""
    writer = tstat()
    writer.captures(NOON, 0, 40)
    writer.terminate()
    log = writer.log(NOON)
    whole = rows_on_disk(log)
    after = tstat()
    after.captures(NOON + HOUR, 40, 60)
    after.interrupt()
    agent.wait_for(whole + 20)
    agent.until(lambda: "holding a partial line" in states(agent).values())
    audit = agent.ask("audit")

    assert not log.read_bytes().endswith(b"\n")
    assert stored(agent) == rows(range(whole), range(40, 60))
    assert states(agent) == {log.parent.name: "holding a partial line", after.log(NOON + HOUR).parent.name: "caught up"}
    assert (audit["verdict"], audit["totals"]["pending"]) == ("closed", 1)
    assert letters(agent) == []


def test_a_directory_that_is_wiped_and_made_again_under_its_name_keeps_all_rows_of_both(agent, tstat):
    """What is open is read to its end. It cannot grow any more: the row that was cut is a dead letter, as it is."""
    kept: list[range] = []
    for turn in range(3):
        writer = tstat()
        writer.captures(NOON, 100 * turn, 100 * turn + 60)
        agent.wait_for(sum(map(len, kept)) + rows_on_disk(writer.log(NOON)))
        writer.terminate()
        kept.append(range(100 * turn, 100 * turn + rows_on_disk(writer.log(NOON))))
    last = tstat()
    last.captures(NOON, 300, 360)
    last.interrupt()
    kept.append(range(300, 360))
    agent.wait_for(sum(map(len, kept)))
    agent.until(lambda: len(letters(agent)) == 3)
    audit = agent.ask("audit", code=None)

    assert stored(agent) == rows(*kept)
    assert [path.name for path in agent.logs.iterdir()] == [last.log(NOON).parent.name]
    assert {letter["category"] for letter in letters(agent)} == {"incomplete"}
    assert all(any(row(part.stop).startswith(letter["text"].encode()) for part in kept) for letter in letters(agent))
    assert audit["verdict"] == "closed"


def test_the_hour_that_is_repeated_when_clocks_go_back_wipes_the_one_before_and_all_rows_are_kept(agent, tstat):
    """2026-10-25 in Rome: 02:15 comes twice, and tstat removes the directory that it has just closed."""
    first, second = 1_792_887_300, 1_792_890_900
    writer = tstat(interval=3600, zone="Europe/Rome")
    writer.captures(first, 0, 60)
    assert writer.log(first).parent.name == writer.log(second).parent.name == "2026_10_25_02_15_00.out"
    agent.wait_for(rows_on_disk(writer.log(first)))
    writer.captures(second, 60, 120)
    writer.interrupt()
    agent.wait_for(120)

    assert rows_on_disk(writer.log(second)) == 60
    assert stored(agent) == rows(range(120))
    assert agent.verdict() == CLOSED


def test_rows_that_were_wiped_while_nobody_read_are_named_as_far_as_they_were_seen(agent, tstat):
    """The agent had seen half a row. What came while it was stopped, and went, no one but tstat ever saw."""
    writer = tstat()
    writer.captures(NOON, 0, 60)
    log = writer.log(NOON)
    whole, inode = rows_on_disk(log), log.stat().st_ino
    agent.wait_for(whole)
    agent.until(lambda: "holding a partial line" in states(agent).values())
    agent.stop()
    cut = len(log.read_bytes().rpartition(b"\n")[2])
    writer.captures(NOON, 60, 90)
    writer.terminate()
    again = tstat()
    again.captures(NOON, 100, 160)
    again.interrupt()
    agent.start()
    agent.wait_for(whole + 60)
    agent.stop()

    print("the inode was used again:", again.log(NOON).stat().st_ino == inode)  # noqa: T201
    assert stored(agent) == rows(range(whole), range(100, 160))
    verdict, findings = agent.verdict()
    assert (verdict, [size for _, size in findings]) == ("findings", [cut])


def test_rows_that_were_seen_and_not_read_when_they_were_wiped_are_named_with_their_bytes(tmp_path):
    one = {"name": "tstat", "paths": [f"{tmp_path}/logs/*.out/{LOG}*"], "pipeline": "tstat-tcp", "rate": "1KiB/s"}
    agent = Running(tmp_path, [one])
    with Tstat(agent.logs, interval=HOUR) as writer:
        writer.captures(NOON, 0, 2000)
        log = writer.log(NOON)
        with agent:
            agent.until(lambda: agent.count() > 0)
            agent.stop()
        writer.terminate()
        read, size = agent.count(), log.stat().st_size
        checkpoint = len(HEADER) + sum(len(row(number)) for number in range(read))
        with Tstat(agent.logs, interval=HOUR) as again:
            again.captures(NOON, 3000, 3003)
            again.interrupt()
        agent.once()

        assert 0 < read < 1900
        assert stored(agent) == rows(range(read), range(3000, 3003))
        verdict, findings = agent.verdict()
        assert (verdict, [lost for _, lost in findings]) == ("findings", [size - checkpoint])


def test_of_packed_logs_every_row_that_can_be_unpacked_is_stored_once_and_an_unfinished_one_stays_named(agent, tstat):
    """What zlib holds back is on no disk: it appears when the log is closed, and goes with a SIGTERM."""
    writer = tstat(packed=True)
    writer.captures(NOON, 0, 60)
    log = writer.log(NOON)
    agent.until(lambda: states(agent) == {log.parent.name: "empty"})
    writer.captures(NOON + HOUR, 60, 3000)
    unfinished = writer.log(NOON + HOUR)
    seen = rows_on_disk(unfinished)
    agent.wait_for(60 + seen)
    agent.until(lambda: states(agent).get(log.parent.name) == "finished")
    agent.kill()
    writer.captures(NOON + HOUR + 1, 3000, 5000)
    writer.terminate()
    whole = rows_on_disk(unfinished)
    agent.start()
    after = tstat(packed=True)
    after.captures(NOON + 2 * HOUR, 6000, 6100)
    after.interrupt()
    agent.wait_for(60 + whole + 100)

    assert 0 < seen < whole < 5000 - 60
    assert stored(agent) == rows(range(60 + whole), range(6000, 6100))
    assert states(agent)[unfinished.parent.name] == "reading", "it has no end: nobody knows what is still to come"
    assert agent.ask("audit", code=None)["verdict"] == "closed"


def send_as_the_old_sender_did(folder: Path, index: Counter[str]) -> None:
    """What NetSage's sender does, in short: each directory that has a log is sent whole, once, and then marked."""
    for directory in sorted(folder.glob("*.out")):
        log, mark = directory / LOG, directory / ".processed"
        if log.exists() and not mark.exists():
            index.update(line for line in log.read_text().splitlines() if not line.startswith("#"))
            mark.touch()


def test_the_sender_before_marked_an_empty_file_as_done_and_lost_all_its_rows_and_this_one_has_them(agent, tstat):
    before: Counter[str] = Counter()
    writer = tstat()
    writer.captures(NOON, 0, 50)
    writer.captures(NOON + HOUR, 50, 54)
    log = writer.log(NOON + HOUR)
    assert log.stat().st_size == 0
    agent.until(lambda: states(agent).get(log.parent.name) == "empty")
    send_as_the_old_sender_did(agent.logs, before)
    writer.captures(NOON + HOUR, 54, 100)
    writer.interrupt()
    agent.wait_for(100)
    send_as_the_old_sender_did(agent.logs, before)

    assert sorted(before) == rows(range(50)), "the sender before has lost the second hour"
    assert stored(agent) == rows(range(100))
    assert agent.verdict() == CLOSED
