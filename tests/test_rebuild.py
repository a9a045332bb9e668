"""A state is made anew though much is missing from the index, and though the one who makes it is killed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from support import killed_at
from support.logs import numbered, write
from support.running import Running
from support.state_rows import CHECKPOINTS, LEDGER, rows

from shipper import config
from shipper.errors import Exit, OutputError
from shipper.rebuild import rebuild
from shipper.records import Stored
from shipper.send.sqlite import SQLiteOutput

FILES, LINES = 6, 4000


@pytest.fixture
def site(tmp_path):
    """Six logs, shipped; each is more than may be under way at once."""
    running = Running(tmp_path, memory="1MiB", batch_bytes="256KiB")
    for number in range(FILES):
        write(running.logs / f"{number}.log", *numbered(number * LINES, (number + 1) * LINES))
    running.once()
    return running


def known(site: Running) -> dict[str, list[tuple[object, ...]]]:
    """Checkpoint and ledger of each log, by its name."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for query in (CHECKPOINTS, LEDGER):
        for row in rows(site.folder, query):
            found.setdefault(str(row[2]).rpartition("/")[2], []).append(row)
    return found


def lose_from_the_index(site: Running, *names: str) -> None:
    with closing(sqlite3.connect(site.index)) as db, db:
        for name in names:
            db.execute("DELETE FROM documents WHERE document ->> '$.log.file.path' LIKE ?", (f"%/{name}",))


def test_files_behind_one_that_the_index_lost_are_made_anew_in_the_same_pass(site):
    before = known(site)
    lose_from_the_index(site, "0.log", "3.log")
    shutil.rmtree(site.folder / "state")
    rebuilt = site.ask("state", "rebuild", code=Exit.FINDINGS)
    assert (rebuilt["files"], rebuilt["lines"]) == (FILES, (FILES - 2) * LINES)
    assert (rebuilt["absent"], rebuilt["recognised"]) == (2 * LINES, (FILES - 2) * LINES)
    after = known(site)
    for name in ("1.log", "2.log", "4.log", "5.log"):
        assert after[name] == before[name]
    done = site.once()
    assert (done["stored"], done["already_stored"]) == (2 * LINES, 0)
    assert known(site) == before
    assert site.verdict() == ("closed", [])


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("after_take_a_chunk", 3),
        ("before_commit", 2),
        ("after_move_the_state_aside", 1),
    ],
)
def test_who_makes_it_anew_may_be_killed_and_begin_again(site, step, nth):
    before = known(site)
    killed_at.run_until_death(step, nth, "state", "rebuild", "-c", str(site.configuration))
    assert site.ask("state", "rebuild")["lines"] == FILES * LINES
    assert known(site) == before
    assert site.once()["documents"] == 0
    assert site.verdict() == ("closed", [])


def test_an_agent_that_finds_no_state_after_such_a_death_says_so_and_doubles_nothing(site):
    before = known(site)
    killed_at.run_until_death("after_move_the_state_aside", 1, "state", "rebuild", "-c", str(site.configuration))
    done = site.run("run", "--once")
    assert "state lost" in done.stderr
    assert known(site) == before
    assert site.verdict() == ("closed", [])


class GoesAway(SQLiteOutput):
    """An index that answers so many questions and then no more."""

    answers = 0

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        if not self.answers:
            raise OutputError("the index is gone")
        self.answers -= 1
        return super().spans(fingerprint, first, last)


def test_an_index_that_goes_away_while_it_is_asked_leaves_the_old_state_in_its_place(site):
    before = known(site)
    lose_from_the_index(site, "0.log")
    settings = config.load(site.configuration)
    with closing(GoesAway(site.index)) as output:
        output.answers = 8
        with pytest.raises(OutputError, match="the index is gone"):
            rebuild(settings, output)
    assert known(site) == before
