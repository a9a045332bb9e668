"""Files of several buckets: only unequal buckets are drilled down, and an event belongs to where it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.memory_output import MemoryOutput
from support.site import Site, found

from shipper.audit.findings import Verdict
from shipper.records import BUCKET_BITS, bucket_of
from shipper.settings import InputSettings

BUCKET = 1 << BUCKET_BITS
MISSING = {True: ("missing", "gone from the index"), False: ("missing", "not in the index")}


class Watched(MemoryOutput):
    """Remembers which ranges it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, int]] = []

    def spans(self, fingerprint, first, last):
        self.asked.append((bucket_of(first), min(bucket_of(last - 1), 99)))
        return super().spans(fingerprint, first, last)


def line(number: int) -> bytes:
    return b"line %06d of a big file %s\n" % (number, b"x" * 400_000)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, (InputSettings("app", (f"{tmp_path}/logs/*",), "raw"),))
    site.output = Watched()
    site.write("a.log", [line(n) for n in range(130)])
    site.ship()
    site.output.asked.clear()
    return site


def test_only_the_unequal_bucket_is_asked_for(site: Site) -> None:
    output = site.output
    assert site.audit().verdict is Verdict.CLOSED
    assert output.asked == []
    key = next(key for key, document in output.documents.items() if bucket_of(document.offset) == 1)
    number = output.documents[key].offset // len(line(0)) + 1
    del output.documents[key]
    outcome = site.audit()
    assert found(outcome) == [("missing", "gone from the index", "a.log", number, number)]
    assert output.asked == [(1, 1)]
    assert (outcome.totals.disk_lines, outcome.totals.indexed) == (130, 129)


@pytest.mark.parametrize("use_state", [True, False])
def test_contents_are_compared_a_bucket_at_a_time_and_each_byte_is_parsed_once(site: Site, use_state: bool) -> None:
    output = site.output
    key = next(key for key, document in output.documents.items() if bucket_of(document.offset) == 2)
    document = output.documents[key]
    number = document.offset // len(line(0)) + 1
    output.documents[key] = replace(document, body=document.body.replace(b'"tags":[', b'"tags":["x",'))
    parsed = []
    pipeline = site.pipelines()["app"]
    parser = pipeline.parser

    def counting(*arguments):
        made = parser(*arguments)
        parse = made.parse

        def counted(events, **circumstances):
            parsed.extend(event.offset for event in events)
            return parse(events, **circumstances)

        return SimpleNamespace(parse=counted)

    pipeline.parser = counting
    outcome = site.audit(level="contents", use_state=use_state)
    assert found(outcome) == [("altered", "changed in the index", "a.log", number, number)]
    assert len(output.asked) >= 4
    assert len(parsed) <= 130 * 1.5


@pytest.mark.parametrize("use_state", [True, False])
def test_a_line_dropped_in_the_middle_moves_the_rest_and_is_named_alone(site: Site, use_state: bool) -> None:
    site.write("a.log", [line(n) for n in range(130) if n != 60])
    outcome = site.audit(use_state=use_state)
    assert found(outcome) == [("unexpected", "removed from disk", "a.log", 61, 61)]
    assert (outcome.totals.disk_lines, outcome.totals.indexed) == (129, 129)


@pytest.mark.parametrize("use_state", [True, False])
def test_events_of_several_lines_are_closed_where_they_reach_into_the_next_bucket(
    tmp_path: Path, use_state: bool
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "traces.yml").write_text("dataset: traces\ntimestamp: {by: modification}\nlines: {continues: '^ '}\n")
    site = Site(tmp_path, (InputSettings("app", (f"{tmp_path}/logs/*",), "traces"),), pipeline_dirs=(folder,))
    site.output = output = Watched()
    event = [b"event %s\n" % (b"x" * 300_000), b"  at a\n", b"  at %s\n" % (b"y" * 300_000)]
    lines = [text.replace(b"event", b"event %d" % n) for n in range(90) for text in event]
    site.write("a.log", lines)
    site.ship()
    output.asked.clear()
    assert any(
        bucket_of(document.offset) != bucket_of(document.offset + document.tally.bytes - 1)
        for document in output.documents.values()
    )
    outcome = site.audit(use_state=use_state)
    assert (outcome.verdict, outcome.totals.disk_lines, outcome.totals.indexed) == (Verdict.CLOSED, 270, 270)
    first = min(document.offset for document in output.documents.values() if bucket_of(document.offset) == 1)
    del output.documents[output.at("a.log", first)]
    outcome = site.audit(use_state=use_state)
    starts = [number for number in range(90) if sum(map(len, lines[: number * 3])) == first]
    assert found(outcome) == [(*MISSING[use_state], "a.log", starts[0] * 3 + 1, starts[0] * 3 + 3)]
