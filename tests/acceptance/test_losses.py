"""What was lost before it could be read is told for good, unless a copy kept it."""

from __future__ import annotations

from contextlib import closing

import pytest
from support.agents import Site
from support.logs import append, copy_and_truncate, numbered, replace_in_place, write

from shipper.audit.auditor import Auditor
from shipper.audit.request import Request
from shipper.reload.definitions import load_pipelines
from shipper.send.sqlite import SQLiteOutput
from shipper.start import agent

FIRST = "the first line of every file of this kind, always the same"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def audit(site: Site) -> list[tuple[str, int]]:
    """Kind and bytes of each finding."""
    with closing(SQLiteOutput(site.folder / "index.db")) as output:
        auditor = Auditor(site.settings, load_pipelines(site.settings), output, site.clock.time, site.clock.advance)
        return [(finding.kind.value, finding.bytes) for finding in auditor.audit(Request()).findings]


def see(one) -> None:
    """Let the agent look twice."""
    turns = iter([False] * 6)
    one.run(lambda: next(turns, True))


def test_a_file_that_begins_the_same_does_not_fill_the_gap_of_another(site):
    log = write(site.logs / "a.log", FIRST, *numbered(0, 3))
    with agent(site.settings, site.clock, site.events, threads=0) as one:
        see(one)
        with log.open("ab") as file:
            file.write(b"half a line")
        see(one)
        replace_in_place(log, FIRST, "other text")
        see(one)
        assert audit(site) == [("lost_at_source", 11)]
        append(log, *numbered(100, 130))
        see(one)

    assert audit(site) == [("lost_at_source", 11)]


def test_a_copy_with_the_lost_bytes_fills_the_gap_and_after_it_is_gone_its_row_does(site):
    log = write(site.logs / "a.log", FIRST, *numbered(0, 3))
    with agent(site.settings, site.clock, site.events, threads=0) as one:
        see(one)
        with log.open("ab") as file:
            file.write(b"half a line")
        see(one)
        copy = copy_and_truncate(log, "a.log.1")
        append(log, "new text in the truncated log, long enough to be told from others")
        append(copy, " and its other half")
        see(one)
        assert audit(site) == []
        copy.unlink()
        see(one)

    assert audit(site) == []
