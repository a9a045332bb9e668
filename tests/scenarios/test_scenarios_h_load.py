"""H. Load, fairness, back pressure: what cannot be taken now waits where it is, on disk."""

import os
from collections import Counter

import pytest
from support.faulty import Faulty
from support.logs import append, numbered, rename, write
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.read.files import Plain
from shipper.read.framing import BLOCK
from shipper.records import Outcome, OutcomeKind

AWAY = Outcome(OutcomeKind.RETRY, "output", "connection refused")
MIB = 1 << 20


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_112_many_files_at_once_written_before_and_while_the_agent_lives(scene):
    logs = [write(scene.logs / f"{number:03}.log", *numbered(0, 20, f"n{number:03}")) for number in range(120)]
    with scene.live() as agent:
        agent.catch_up()
        for first in (20, 25, 30):
            for number, log in enumerate(logs):
                append(log, *numbered(first, first + 5, f"n{number:03}"))
            agent.catch_up()

    assert scene.sources() == [numbered(0, 35, f"n{number:03}") for number in range(120)]
    assert scene.verdict() == CLOSED


def test_113_tens_of_thousands_of_lines_in_one_go_keep_their_order(scene):
    write(scene.logs / "a.log", *numbered(0, 40_000))
    scene.once()

    assert scene.sources() == [numbered(0, 40_000)]
    assert scene.verdict() == CLOSED


def test_114_a_busy_file_does_not_starve_the_others(scene):
    """All files take turns; one that has nothing but new lines is looked at again every quarter of a second."""
    write(scene.logs / "busy.log", *numbered(0, 60_000))
    quiet = write(scene.logs / "quiet.log", *numbered(0, 3, "quiet"))
    order = []
    looks = iter(range(1_000_000))

    def work_goes_on():
        scene.clock.advance(0.05)
        if next(looks) == 5:
            append(quiet, "the line that somebody waits for")
        return len(order) == 60_004

    with scene.live(Faulty(scene, lambda document: order.append(document.source.path))) as agent:
        agent.agent.run(work_goes_on)

    last_of_quiet = max(at for at, path in enumerate(order) if path == str(quiet))
    assert last_of_quiet < 0.8 * len(order)
    assert scene.sources() == [numbered(0, 60_000), [*numbered(0, 3, "quiet"), "the line that somebody waits for"]]
    assert scene.verdict() == CLOSED


def test_114_a_backlog_is_opened_oldest_first(scene):
    order = []
    for age, name in enumerate(["newest", "middle", "oldest"]):
        log = write(scene.logs / f"{name}.log", *numbered(0, 3, name))
        os.utime(log, (1e9 - age, 1e9 - age))
    scene.once(Faulty(scene, lambda document: order.append(document.source.path.rsplit("/", 1)[-1])))

    assert list(dict.fromkeys(order)) == ["oldest.log", "middle.log", "newest.log"]
    assert len(scene.sources()) == 3
    assert scene.verdict() == CLOSED


def test_115_a_rate_is_kept_across_the_end_of_a_file_and_a_rotation(tmp_path):
    scene = Scene.of(tmp_path, "*.log*", rate=256 * 1024)
    log = write(scene.logs / "a.log", *numbered(0, 20_000))
    size = 3 * log.stat().st_size
    started = scene.clock.now
    with scene.live() as agent:
        agent.catch_up(2)
        rename(log, "a.log.1")
        write(log, *numbered(20_000, 40_000))
        while agent.agent.totals.lines < 40_000:
            agent.catch_up(1)
        append(log, *numbered(40_000, 60_000))
        while agent.agent.totals.lines < 60_000:
            agent.catch_up(1)
        took = scene.clock.now - started

    assert size / (256 * 1024) - 2 < took < 2 * size / (256 * 1024)
    assert scene.sources() == [numbered(0, 20_000), numbered(20_000, 60_000)]
    assert scene.verdict() == CLOSED


def test_116_whatever_happens_to_files_while_the_output_pauses_is_read_when_it_is_back(scene):
    """Batches that were put off arrive in any order; the order of a source is that of its offsets."""
    scene.with_settings(memory=1 << 16, batch_bytes=1 << 14)
    log = write(scene.logs / "a.log", *numbered(0, 2000))
    gone = write(scene.logs / "b.log", *numbered(0, 2000, "b"))
    back = scene.clock.now + 600
    with scene.live(Faulty(scene, lambda _: AWAY if scene.clock.now < back else None)) as agent:
        agent.catch_up(30)
        append(rename(log, "a.log.1"), *numbered(2000, 2100))
        write(log, *numbered(5000, 5100))
        gone.unlink()
        agent.catch_up(120)
        assert scene.sources() == []
        agent.catch_up(900)

    assert sorted(sorted(source) for source in scene.sources()) == [
        numbered(0, 2000, "b"),
        numbered(0, 2100),
        numbered(5000, 5100),
    ]
    assert scene.verdict() == CLOSED


def test_116_a_file_that_comes_and_goes_while_its_dataset_is_paused_is_read_afterwards(scene):
    write(scene.logs / "a.log", *numbered(0, 3))
    paused = Outcome(OutcomeKind.PAUSED, "security", "the key may not write here")
    back = scene.clock.now + 600
    with scene.live(Faulty(scene, lambda _: paused if scene.clock.now < back else None)) as agent:
        agent.catch_up(30)
        short = write(scene.logs / "b.log", *numbered(0, 3, "b"))
        agent.catch_up(30)
        short.unlink()
        agent.catch_up(900)

    assert scene.sources() == [numbered(0, 3, "b"), numbered(0, 3)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize(("watch", "rescan"), [("inotify", "1h"), ("poll", "200ms")])
def test_117_notifications_and_polling_give_the_same(tmp_path, watch, rescan):
    """With an hour between two looks, only notifications can have brought what came later."""
    site = Running(tmp_path, rescan=rescan)
    (settings,) = site.settings["inputs"]
    site.configure({**site.settings, "inputs": [{**settings, "watch": watch}]})
    log = write(site.logs / "a.log", *numbered(0, 3))
    with site:
        site.wait_for(3)
        append(log, *numbered(3, 5))
        site.wait_for(5)
        rename(log, "a.log.1")
        write(log, *numbered(10, 13))
        write(site.logs / "new" / "folder" / "b.log", *numbered(0, 2, "b"))
        site.wait_for(10)
        site.stop()

    assert site.sources() == [numbered(0, 2, "b"), numbered(0, 5), numbered(10, 13)]
    assert site.verdict() == CLOSED


@pytest.mark.slow
def test_118_a_file_crosses_two_gigabytes_while_it_is_read(scene):
    """Its first 2 GiB are lines of NULs, which take no room on the disk."""
    log = scene.logs / "a.log"
    with log.open("wb") as file:
        for line in range(1, 257):
            file.seek(line * 8 * MIB - 1)
            file.write(b"\n")
        file.write("".join(f"{line}\n" for line in numbered(0, 2)).encode())
    assert log.stat().st_size > 1 << 31
    scene.once()
    append(log, *numbered(2, 4))
    scene.once()

    assert scene.sources() == [numbered(0, 4)]
    assert scene.ledger_by_path() == {str(log): Counter({"filtered:blank": 256, "stored": 4})}
    assert scene.verdict() == CLOSED


def test_119_an_idle_agent_looks_at_regular_intervals_reads_nothing_and_wakes_at_once(scene, monkeypatch):
    """There is no back-off to grow and to reset: nothing is read unless a look shows that a file changed."""
    read = Counter()
    pread = Plain.pread
    monkeypatch.setattr(Plain, "pread", lambda self, size, offset: read.update(calls=1) or pread(self, size, offset))
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 3, name)) for name in "abcdefgh"]
    with scene.live() as agent:
        agent.catch_up(30)
        looks = Counter()
        scan = agent.agent.reader.scan
        agent.agent.reader.scan = lambda: looks.update(taken=1) or scan()
        read.clear()
        agent.catch_up(3600)
        idle = (dict(read), looks["taken"])

        append(logs[0], *numbered(3, 4, "a"))
        agent.agent.bell.ring()
        agent.catch_up()

    assert idle[0] == {}
    assert 0.9 * 3600 / scene.settings.rescan < idle[1] <= 3600 / scene.settings.rescan + 1
    assert scene.sources() == [numbered(0, 4, "a"), *(numbered(0, 3, name) for name in "bcdefgh")]
    assert scene.verdict() == CLOSED


def test_114_reading_up_on_a_big_file_gives_its_pages_back_and_following_a_writer_does_not(scene, monkeypatch):
    """Other programs of a loaded host keep their page cache."""
    given_back = Counter()
    monkeypatch.setattr(Plain, "done_with", lambda self, offset: given_back.update(calls=1, bytes=offset))
    log = write(scene.logs / "a.log", *numbered(0, 20_000))
    with scene.live() as agent:
        agent.catch_up(30)
        backlog = given_back["calls"]
        append(log, *numbered(20_000, 20_100))
        agent.catch_up(30)

    assert backlog >= 20_000 * 60 // BLOCK
    assert given_back["calls"] == backlog
    assert scene.sources() == [numbered(0, 20_100)]
    assert scene.verdict() == CLOSED
