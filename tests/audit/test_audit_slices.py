"""Very many lines after an edit are compared in slices, and what is found is what is found in the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from support.memory_output import MemoryOutput
from support.site import Site, found, transfer

from shipper.audit.extents import Slice
from shipper.audit.findings import Outcome
from shipper.records import Tally

COUNT = 1200


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.output = MemoryOutput()
    return site


def lines(chance: Random) -> list[bytes]:
    """Transfers, and now and then a line that is no event of its own kind."""
    return [transfer(n) if chance.random() > 0.02 else b"# a note %d\n" % n for n in range(COUNT)]


def edit(chance: Random, before: list[bytes]) -> list[bytes]:
    """Some lines of a log removed, added, altered; the first of it near its beginning."""
    after = list(before)
    for number in range(chance.randrange(1, 5)):
        at = chance.randrange(1, 40) if number == 0 else chance.randrange(len(after) - 60)
        match chance.randrange(4):
            case 0:
                del after[at : at + chance.randrange(1, 4)]
            case 1:
                after[at:at] = [b"a new line %d\n" % chance.random().__hash__() for _ in range(chance.randrange(1, 4))]
            case 2:
                after[at] = after[at].replace(b"USER=alice", b"USER=mallo")
            case 3:
                after[at] = after[at].replace(b"USER=alice", b"USER=malloryy")
    return after


def damage(chance: Random, held: MemoryOutput) -> None:
    """Documents that are gone, and one that says something else."""
    keys = sorted(held.documents)
    for key in chance.sample(keys, 3):
        del held.documents[key]
    key = chance.choice(sorted(held.documents))
    document = replace(held.documents[key], tally=Tally(1, 77, 7, 7))
    document.body = orjson.dumps({**orjson.loads(document.body), "message": "other"})
    held.documents[key] = document


def told(outcome: Outcome) -> Any:
    return found(outcome), [f.repair for f in outcome.findings], outcome.totals, outcome.pending


@pytest.mark.parametrize("seed", range(6))
def test_slices_find_what_is_found_in_the_whole(site: Site, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = Random(seed)
    before = lines(chance)
    site.write("a.log", before)
    site.ship()
    site.write("a.log", [*edit(chance, before), transfer(99_000)])
    if seed % 2:
        damage(chance, site.output)
    request = {"level": "contents" if seed % 4 == 0 else "disk", "use_state": seed % 3 != 2}
    whole = site.audit(**request)
    monkeypatch.setattr("shipper.audit.examine.MOST", 100)
    seen = watch(monkeypatch)
    assert told(site.audit(**request)) == told(whole)
    assert len(seen) > 5
    assert max(seen) < 400


def watch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each comparison has; all are of slices."""
    from shipper.audit import examine

    seen: list[int] = []
    compare = examine.compare

    def watched(context: Any, family: Any, parts: Any, extent: Any) -> Any:
        assert isinstance(extent, Slice)
        drilled = compare(context, family, parts, extent)
        seen.append(len(drilled.comparisons[0].events))
        return drilled

    monkeypatch.setattr(examine, "compare", watched)
    return seen


def test_a_log_that_says_the_same_again_and_again_is_compared_whole(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [transfer(1)] * COUNT
    site.write("a.log", before)
    site.ship()
    site.write("a.log", [*before[:10], *before[11:]])
    whole = site.audit()
    monkeypatch.setattr("shipper.audit.examine.MOST", 100)
    seen = watch(monkeypatch)
    assert told(site.audit()) == told(whole)
    assert len(seen) == 1
