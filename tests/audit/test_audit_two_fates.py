"""Dead letters whose documents are in the index all the same: told, with the way out, after which all is closed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from support.clock import VirtualClock
from support.memory_output import MemoryOutput
from support.site import HOST, Site, found, transfer

from shipper.audit.findings import Verdict
from shipper.commit.state import State
from shipper.dead_letters import Retried, retry
from shipper.records import Batch, Document, Outcome, OutcomeKind

LINES = [transfer(number) for number in range(50)]
REFUSED = (7, 8, 20, 30)
"""Lines, from 0."""


def refuses(document: Document) -> Outcome | None:
    poison = any(b"file%d " % number in document.body for number in REFUSED)
    return Outcome(OutcomeKind.REFUSED, "mapping", "no such field") if poison else None


@pytest.fixture
def held() -> MemoryOutput:
    return MemoryOutput(refuses)


@pytest.fixture
def site(tmp_path: Path, held: MemoryOutput) -> Site:
    site = Site(tmp_path, output=held)
    site.write("a.log", LINES)
    site.ship()
    return site


def dead_letters(site: Site) -> list[Document]:
    with closing(State.open(site.settings.state, HOST)) as state:
        state.look_at_output("memory:1")
        return [letter.refusal.document for letter in state.dead_letters.with_discarded()]


def arrive_late(site: Site, held: MemoryOutput, *numbers: int) -> list[str]:
    """A request that was given up long ago is carried out after all; the ids of what it stores."""
    late = [document for document in dead_letters(site) if document.offset in {_offset(number) for number in numbers}]
    held.answer = lambda document: None
    held.send(Batch(1, late, 0))
    return [document.id for document in late]


def _offset(number: int) -> int:
    return sum(map(len, LINES[:number]))


def retry_all(site: Site, held: MemoryOutput) -> Retried:
    with closing(State.open(site.settings.state, HOST)) as state:
        state.look_at_output("memory:1")
        letters = state.dead_letters.with_discarded()
        return retry(letters, state, held, site.settings, VirtualClock(), lambda: 0.0)


def test_what_is_stored_and_a_dead_letter_is_told_line_by_line_with_the_command_that_settles_it(
    site: Site, held: MemoryOutput
) -> None:
    assert site.audit().verdict is Verdict.CLOSED
    names = arrive_late(site, held, 7, 8, 20)
    outcome = site.audit()
    kind = ("duplicate", "stored, and a dead letter, too", "a.log")
    assert found(outcome) == [(*kind, 8, 9), (*kind, 21, 21)]
    assert outcome.findings[0].evidence == (
        f"2 documents, {names[0]} to {names[1]}, are in the index; `shipper dead-letters retry --all` "
        "counts them as stored"
    )
    assert f"`shipper dead-letters retry {names[2]}`" in outcome.findings[1].evidence
    totals = outcome.totals
    assert (totals.disk_lines, totals.indexed, totals.dead_letters, totals.duplicate) == (50, 49, 1, 3)


@pytest.mark.parametrize("level", ["disk", "contents"])
def test_when_they_were_sent_again_all_is_closed(site: Site, held: MemoryOutput, level: str) -> None:
    arrive_late(site, held, 7, 8, 20)
    assert len(retry_all(site, held).stored) == 4
    outcome = site.audit(level=level)
    assert (outcome.verdict, outcome.totals.indexed, outcome.totals.dead_letters) == (Verdict.CLOSED, 50, 0)


def test_what_was_discarded_and_arrives_late_is_settled_without_its_text(site: Site, held: MemoryOutput) -> None:
    with closing(State.open(site.settings.state, HOST)) as state:
        state.look_at_output("memory:1")
        documents = [letter.refusal.document for letter in state.dead_letters.all()]
        state.dead_letters.discard([document.id for document in documents])
    held.answer = lambda document: None
    held.send(Batch(1, documents[:1], 0))
    assert [finding.first_line for finding in site.audit().findings] == [8]
    retried = retry_all(site, held)
    assert (retried.stored, len(retried.given_up)) == ([documents[0].id], 3)
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.indexed, outcome.totals.dead_letters) == (Verdict.CLOSED, 47, 3)
