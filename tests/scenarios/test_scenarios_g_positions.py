"""G. Positions and acknowledgement: a checkpoint moves over what the output acknowledged, and over nothing else."""

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from support.faulty import Faulty
from support.logs import append, compress, copy_and_truncate, numbered, rename, write
from support.running import Running
from support.scene import CLOSED, Scene

from shipper.records import Outcome, OutcomeKind

AWAY = Outcome(OutcomeKind.RETRY, "output", "connection refused")
LONG = "a line of 70,000 bytes " * 3044


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.mark.parametrize("start_at", ["beginning", "now"])
def test_098_a_restart_resumes_exactly_with_lines_before_during_and_after(tmp_path, start_at):
    scene = Scene.of(tmp_path, "*.log", start_at=start_at)
    before = [*numbered(0, 4), LONG]
    log = write(scene.logs / "a.log", *before)
    expected = before if start_at == "beginning" else []
    with scene.live() as agent:
        agent.catch_up()
        append(log, *numbered(10, 13), LONG)
        agent.catch_up()
    append(log, LONG, *numbered(20, 23))  # while it is off
    with scene.live() as agent:
        agent.catch_up()
        append(log, "short", *numbered(30, 33))
        agent.catch_up()

    expected += [*numbered(10, 13), LONG, LONG, *numbered(20, 23), "short", *numbered(30, 33)]
    assert scene.sources() == [expected]
    assert scene.verdict() == CLOSED


def test_098_an_agent_that_is_stopped_and_started_as_a_process_goes_on(tmp_path):
    site = Running(tmp_path)
    log = write(site.logs / "a.log", *numbered(0, 10))
    with site:
        site.wait_for(10)
        site.stop()
        append(log, *numbered(10, 20))
        site.start()
        site.wait_for(20)
        append(log, *numbered(20, 30))
        site.wait_for(30)
        site.stop()

    assert site.sources() == [numbered(0, 30)]
    assert site.verdict() == CLOSED


@pytest.mark.parametrize("arrived", [False, True])
def test_099_without_an_acknowledgement_the_checkpoint_stays_and_all_is_sent_again(scene, arrived):
    """Whether the documents arrived and only the answer was lost cannot be known: their ids make it harmless."""
    log = write(scene.logs / "a.log", *numbered(0, 10))
    output = Faulty(scene, lambda _: AWAY)
    with scene.live(output) as agent:
        agent.catch_up()
        if arrived:
            output.store_all()
        assert scene.ledger_by_path() == {str(log): Counter()}
    with scene.live() as agent:
        agent.catch_up()
        kinds = agent.agent.totals.outcomes

    assert kinds == {OutcomeKind.ALREADY_STORED if arrived else OutcomeKind.STORED: 10}
    assert scene.sources() == [numbered(0, 10)]
    assert scene.verdict() == CLOSED


def test_099_an_agent_that_is_killed_loses_and_doubles_nothing(tmp_path):
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, 20_000))
    with site:
        site.wait_for(1)
        site.kill()
        site.start()
        site.wait_for(20_000)
        site.stop()

    assert site.sources() == [numbered(0, 20_000)]
    assert site.verdict() == CLOSED


def test_100_stopped_in_the_middle_of_a_big_file_the_second_run_brings_exactly_the_rest(tmp_path):
    site = Running(tmp_path)
    (settings,) = site.settings["inputs"]
    site.configure({**site.settings, "inputs": [{**settings, "rate": "512KiB/s"}]})
    write(site.logs / "a.log", *numbered(0, 30_000))
    with site:
        site.wait_for(1)
        site.stop()
    first = site.count()
    site.configure({**site.settings, "inputs": [settings]})
    done = site.once()

    assert 0 < first < 30_000
    assert (done["stored"], done["already_stored"]) == (30_000 - first, 0)
    assert site.sources() == [numbered(0, 30_000)]
    assert site.verdict() == CLOSED


@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize("how", ["rename", "compress", "copy"])
def test_101_rotated_between_two_runs_whether_acknowledged_or_not(scene, acknowledged, how):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    with scene.live(None if acknowledged else Faulty(scene, lambda _: AWAY)) as agent:
        agent.catch_up()
    append(log, *numbered(10, 12))
    if how == "copy":
        copy_and_truncate(log, "a.log.1")
    else:
        old = rename(log, "a.log.1")
        compress(old) if how == "compress" else None
    append(log, *numbered(20, 25))
    with scene.live() as agent:
        agent.catch_up()

    assert scene.sources() == [numbered(0, 12), numbered(20, 25)]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("content", [b"", b"not a database at all", None])
def test_102_a_damaged_or_foreign_state_is_refused_with_the_ways_out_and_left_as_it_is(tmp_path, content):
    """Others start afresh with a warning. A silent start from zero would hide a loss: we say what can be done.

    An empty file is no new state either: a new one is made whole or not at all.
    """
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, 10))
    site.once()
    state = tmp_path / "state" / "state.db"
    if content is None:
        data = bytearray(state.read_bytes())
        data[4096:8192] = b"\xff" * 4096
        content = bytes(data)
    state.write_bytes(content)
    done = site.run("run", "--once")
    assert done.returncode == 3
    assert f"{state}: the state cannot be used" in done.stderr
    assert "shipper state rebuild" in done.stderr
    assert state.read_bytes() == content
    state.unlink()
    assert site.once()["already_stored"] == 10

    assert site.sources() == [numbered(0, 10)]
    assert site.verdict() == CLOSED


def test_103_a_state_of_the_first_schema_is_migrated_and_a_copy_of_it_is_kept(scene):
    log = write(scene.logs / "a.log", *numbered(0, 10))
    scene.once()
    with closing(sqlite3.connect(scene.settings.state / "state.db")) as db:
        db.executescript(
            "ALTER TABLE files DROP COLUMN gone_since; DROP TABLE forgotten; PRAGMA user_version = 1; VACUUM;"
        )
    assert scene.verdict() == CLOSED  # who only looks does not migrate
    append(log, *numbered(10, 12))
    assert scene.once().lines == 2

    with closing(sqlite3.connect(scene.settings.state / "state.db.schema1")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT lines FROM ledger").fetchall() == [(10,)]
    assert scene.sources() == [numbered(0, 12)]
    assert scene.verdict() == CLOSED


def test_104_names_with_blanks_tabs_newlines_and_quotes_keep_their_positions(scene):
    names = ["with blank.log", "tab\there.log", "new\nline.log", "quote'\".log", " leading", "trailing ", "%s{}\\.log"]
    logs = [write(scene.logs / name, *numbered(0, 3, f"n{number}")) for number, name in enumerate(names)]
    scene.once()
    for number, log in enumerate(logs):
        append(log, *numbered(3, 5, f"n{number}"))

    assert scene.once().lines == 2 * len(names)
    assert scene.sources() == [numbered(0, 5, f"n{number}") for number in range(len(names))]
    assert scene.verdict() == CLOSED


def test_105_a_file_that_is_there_is_never_forgotten_however_long_it_is_quiet(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    scene.once()
    for _ in range(10):
        scene.clock.advance(100 * 86_400)
        assert scene.once().lines == 0
    append(log, *numbered(3, 5))

    assert scene.once().lines == 2
    assert scene.sources() == [numbered(0, 5)]
    assert scene.verdict() == CLOSED


def test_105_a_refused_document_keeps_the_row_of_a_file_that_is_gone(scene):
    log = write(scene.logs / "a.log", *numbered(0, 3))
    poison = Outcome(OutcomeKind.REFUSED, "mapping", "no such field")
    scene.once(Faulty(scene, lambda document: poison if document.offset == 0 else None))
    log.unlink()
    scene.once()
    scene.clock.advance(100 * 86_400)
    scene.once()

    assert scene.ledger_by_path() == {str(log): Counter({"stored": 2, "dead:mapping": 1})}
    assert scene.verdict() == CLOSED


def test_106_the_folder_of_the_state_is_made_for_its_owner_alone(tmp_path):
    site = Running(tmp_path, state=str(tmp_path / "not" / "yet" / "there"))
    write(site.logs / "a.log", *numbered(0, 3))
    site.once()

    assert (tmp_path / "not" / "yet" / "there").stat().st_mode & 0o777 == 0o700
    assert site.sources() == [numbered(0, 3)]
    assert site.verdict() == CLOSED


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/shipper"])
def test_106_a_state_folder_that_cannot_be_is_one_sentence_with_its_name(tmp_path, where):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / where
    site = Running(tmp_path, state=str(folder))
    write(site.logs / "a.log", *numbered(0, 3))
    done = site.run("run", "--once")

    assert done.returncode == 3
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr


def test_107_a_second_agent_on_the_same_state_is_told_who_holds_it(tmp_path):
    site = Running(tmp_path)
    write(site.logs / "a.log", *numbered(0, 3))
    with site:
        done = site.run("run", "--once")
        site.wait_for(3)
        assert done.returncode == 3
        assert f"an agent runs on this state already (process {site.process.pid})" in done.stderr
        site.stop()

    assert site.sources() == [numbered(0, 3)]
    assert site.verdict() == CLOSED


def test_107_positions_of_files_that_settle_together_do_not_disturb_each_other(scene):
    """Half of the documents are put off at each try, others each time: files settle in any order."""
    logs = [write(scene.logs / f"{name}.log", *numbered(0, 50, name)) for name in "abcdefgh"]
    turn = Counter[str]()

    def moody(document):
        turn[document.id] += 1
        return AWAY if (hash(document.id) + turn[document.id]) % 2 and turn[document.id] < 4 else None

    scene.with_settings(batch_documents=7)
    with scene.live(Faulty(scene, moody)) as agent:
        for first in (50, 100):
            agent.catch_up()
            for log in logs:
                append(log, *numbered(first, first + 50, log.stem))
        agent.catch_up(120)

    assert scene.ledger_by_path() == {str(log): Counter({"stored": 150}) for log in logs}
    assert scene.messages() == Counter(line for name in "abcdefgh" for line in numbered(0, 150, name))
    assert scene.verdict() == CLOSED
