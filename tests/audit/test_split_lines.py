"""Lines that hold more than one event: each of the events is proved, named where it is lost, and repaired by itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.memory_output import MemoryOutput
from support.site import HOST, Site, found, insert_document, transfer

from shipper.audit.findings import Cause, Kind, Outcome, Verdict
from shipper.audit.request import Request
from shipper.clock import SystemClock
from shipper.commit.state import State
from shipper.dead_letters import located, retry
from shipper.errors import OutputError
from shipper.hashes import tally_of
from shipper.records import BUCKET_BITS, Document, OutcomeKind
from shipper.records import Outcome as Answer
from shipper.reparse import Reparser, remember
from shipper.settings import InputSettings

CUT = 4095
LEVELS = ["ledger", "disk", "contents"]


def cut_record(number: int) -> bytes:
    """The beginning of a record that was longer than the server's buffer."""
    whole = transfer(number).replace(b"FILE=/data", b"FILE=/data" + b"/deep" * 830)
    assert len(whole) > CUT
    return whole[:CUT]


def message(number: int, text: str) -> bytes:
    return f"[{number}] Thu May 19 08:29:{number:02} 2016 :: {text}".encode()


RECORDS = [
    transfer(1),
    cut_record(2) + transfer(3),
    transfer(4),
    cut_record(5) + cut_record(6) + transfer(7),
    transfer(8),
]
"""Lines 2 and 4 hold two and three events."""

MESSAGES = [
    message(1, "New connection from: dtn02.example.org:43850\n"),
    message(2, "[globus_l_gfs_default_brain_select_nodes\n"),
    b"] enter" + message(3, "Node released\n"),
    b"globus_xio: An end of file occurred\n",
    b"\n",
    message(4, "interrupted") + message(5, "by another\n"),
    message(6, "Closed connection from dtn02.example.org:43850\n"),
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def session_site(folder: Path) -> Site:
    inputs = (InputSettings("session", (f"{folder}/logs/*",), "gridftp-session", timezone="UTC"),)
    return Site(folder, inputs)


def offsets(pieces: Sequence[bytes]) -> list[int]:
    return [sum(map(len, pieces[:number])) for number in range(len(pieces))]


def fields(site: Site) -> list[dict]:
    return [json.loads(body) for _, _, body in site.documents()]


def adds_up(outcome: Outcome) -> bool:
    totals = outcome.totals
    accounted = totals.indexed + totals.filtered + totals.dead_letters + totals.pending
    return totals.disk_lines == accounted + totals.missing + totals.altered


def closed_everywhere(site: Site, lines: int) -> None:
    for level in LEVELS:
        outcome = site.audit(level=level)
        assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, lines), (level, outcome.findings)
    for level in LEVELS[1:]:
        outcome = site.audit(level=level, use_state=False)
        assert (outcome.verdict, outcome.totals.indexed) == (Verdict.CLOSED, lines), (level, outcome.findings)


def test_a_record_that_was_cut_and_the_one_glued_to_it_are_two_documents(site: Site) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    documents = fields(site)
    cut = offsets(RECORDS)[1]

    assert [document["tags"].count("_line_split") for document in documents] == [0, 1, 1, 0, 1, 1, 1, 0]
    assert [document["shipper"]["lines"] for document in documents] == [1, 0, 1, 1, 0, 0, 1, 1]
    assert (documents[1]["log"]["offset"], documents[2]["log"]["offset"]) == (cut, cut + CUT)
    whole = documents[2]
    assert (whole["file"]["path"], whole["gridftp"]["nbytes"]) == ("/data/file3", 3 * 7919)
    assert "nbytes" not in documents[1].get("gridftp", {})


@pytest.mark.parametrize("growing", [False, True])
def test_lines_that_hold_several_events_are_closed(site: Site, growing: bool) -> None:
    if growing:
        for size in range(300, len(b"".join(RECORDS)), 3000):
            site.write("a.log", [b"".join(RECORDS)[:size]])
            site.ship()
    site.write("a.log", RECORDS)
    site.ship()
    closed_everywhere(site, lines=5)


def test_an_archive_of_them_gives_the_same_documents(site: Site, tmp_path: Path) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    before = site.documents()
    site.logs.joinpath("a.log.gz").write_bytes(gzip.compress(b"".join(RECORDS)))
    site.logs.joinpath("a.log").unlink()
    site.forget()
    site.ship()

    assert site.documents() == before
    closed_everywhere(site, lines=5)


def test_a_file_that_ended_within_the_last_piece_and_then_is_longer_gives_the_first_piece_once(site: Site) -> None:
    data = b"".join(RECORDS)
    ended = offsets(RECORDS)[1] + CUT + 100
    site.logs.joinpath("a.log.gz").write_bytes(gzip.compress(data[:ended]))
    site.ship()
    assert [document["tags"][-1] for document in fields(site)[1:]] == ["_line_split", "_line_incomplete"]
    site.write("a.log", RECORDS)
    site.ship()

    placed = [offset for _, offset, _ in site.documents()]
    assert (len(placed), placed.count(offsets(RECORDS)[1]), placed.count(ended - 100)) == (9, 1, 2)
    assert site.audit().verdict is Verdict.CLOSED
    assert site.audit(use_state=False).verdict is Verdict.CLOSED


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize(("number", "line"), [(1, 2), (2, 2), (4, 4), (5, 4), (6, 4)])
def test_a_lost_piece_of_a_line_is_missing_by_its_line_and_repaired(
    site: Site, number: int, line: int, use_state: bool
) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    before = site.documents()
    assert site.sql("DELETE FROM documents WHERE id = ?", before[number][0]) == 1

    outcome = site.audit(use_state=use_state)
    cause = "gone from the index" if use_state else "not in the index"
    assert found(outcome) == [("missing", cause, "a.log", line, line)]
    assert (outcome.findings[0].offset, outcome.findings[0].bytes) == (before[number][1], len(raw_of(before, number)))
    assert (outcome.totals.missing, adds_up(outcome)) == (1, True)
    assert site.audit(level="ledger").verdict is Verdict.FINDINGS

    assert site.repair(use_state=use_state).stored == 1
    assert site.documents() == before
    closed_everywhere(site, lines=5)


def raw_of(documents: list[tuple[str, int, bytes]], number: int) -> bytes:
    data, (_, begin, _) = b"".join(RECORDS), documents[number]
    end = documents[number + 1][1] if number + 1 < len(documents) else len(data)
    return data[begin:end]


def test_a_line_whose_pieces_are_all_lost_is_one_missing_line(site: Site) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    site.sql("DELETE FROM documents WHERE offset >= ? AND offset < ?", offsets(RECORDS)[3], offsets(RECORDS)[4])

    outcome = site.audit()
    assert found(outcome) == [("missing", "gone from the index", "a.log", 4, 4)]
    assert (outcome.totals.missing, outcome.totals.indexed, adds_up(outcome)) == (1, 4, True)


@pytest.mark.parametrize("number", [1, 2])
def test_a_piece_that_was_altered_in_the_index_is_altered(site: Site, number: int) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    name = site.documents()[number][0]
    site.sql("UPDATE documents SET h0 = h0 + 1 WHERE id = ?", name)
    outcome = site.audit()
    assert found(outcome) == [("altered", "changed in the index", "a.log", 2, 2)]
    assert adds_up(outcome)

    site.sql("UPDATE documents SET h0 = h0 - 1 WHERE id = ?", name)
    site.sql("UPDATE documents SET document = replace(document, 'alice', 'mallory') WHERE id = ?", name)
    assert site.audit().verdict is Verdict.CLOSED
    outcome = site.audit(level="contents")
    assert found(outcome) == [("altered", "changed in the index", "a.log", 2, 2)]
    assert adds_up(outcome)


@pytest.mark.parametrize("at", [100, CUT + 100])
def test_a_line_that_was_edited_on_disk_is_altered_there(site: Site, at: int) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    data = bytearray(b"".join(RECORDS))
    data[offsets(RECORDS)[1] + at] ^= 1
    site.write("a.log", [bytes(data)])

    outcome = site.audit()
    assert {finding[:4] for finding in found(outcome)} == {("altered", "changed on disk", "a.log", 2)}
    assert site.repair().stored == 0


def test_an_edit_of_the_first_line_is_one_of_the_file_however_many_lines_hold_several_events(site: Site) -> None:
    lines = [transfer(n) for n in range(1, 5)] + [cut_record(n) + transfer(n + 1) for n in (5, 7, 9)]
    site.write("a.log", lines)
    site.ship()
    site.write("a.log", [lines[0].replace(b"DATE=", b"DATA=", 1), *lines[1:]])
    assert found(site.audit()) == [("altered", "changed on disk", "a.log", 1, 1)]


def test_a_document_that_no_piece_explains_is_unexpected(site: Site) -> None:
    site.write("a.log", RECORDS)
    site.ship()
    like, offset, _ = site.documents()[1]
    insert_document(site, like, "x" * 24, b"made up\n", offset + 10)

    assert found(site.audit()) == [("unexpected", "never on disk", "a.log", 2, 2)]


def test_a_head_within_a_line_begins_an_event_that_goes_on_in_the_next_lines(tmp_path: Path) -> None:
    site = session_site(tmp_path)
    site.write("s.log", MESSAGES)
    site.ship()
    texts = [document["message"] for document in fields(site)]

    assert texts[1] == MESSAGES[1].decode() + "] enter"
    assert texts[2] == b"".join([MESSAGES[2].removeprefix(b"] enter"), *MESSAGES[3:5]]).decode().removesuffix("\n")
    assert [document["process"]["pid"] for document in fields(site)] == [1, 2, 3, 4, 5, 6]
    closed_everywhere(site, lines=7)


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize(("number", "first", "last"), [(1, 2, 2), (2, 3, 5), (3, 6, 6), (4, 6, 6)])
def test_a_lost_event_of_several_lines_that_begins_or_ends_within_one_is_repaired(
    tmp_path: Path, number: int, first: int, last: int, use_state: bool
) -> None:
    site = session_site(tmp_path)
    site.write("s.log", MESSAGES)
    site.ship()
    before = site.documents()
    site.sql("DELETE FROM documents WHERE id = ?", before[number][0])

    outcome = site.audit(use_state=use_state)
    cause = "gone from the index" if use_state else "not in the index"
    assert found(outcome) == [("missing", cause, "s.log", first, last)]
    assert adds_up(outcome)
    assert site.repair(use_state=use_state).stored == 1
    assert site.documents() == before
    closed_everywhere(site, lines=7)


def test_without_state_it_is_read_again_and_nothing_is_stored_twice(tmp_path: Path) -> None:
    site = session_site(tmp_path)
    for end in range(1, len(MESSAGES) + 1):
        site.write("s.log", MESSAGES[:end])
        site.ship()
    before = site.documents()
    site.forget()
    site.ship()

    assert site.documents() == before
    for use_state in (True, False):
        outcome = site.audit(level="contents", use_state=use_state)
        assert (outcome.verdict, outcome.totals.filtered, adds_up(outcome)) == (Verdict.CLOSED, 1, True)


class Refusing:
    """Refuses, or puts off, the document at one offset, as long as it is told to."""

    def __init__(self, offset: int, kind: OutcomeKind) -> None:
        self.offset = offset
        self.answer: Answer | None = Answer(kind, "mapping", "not this one")

    def __call__(self, document: Document) -> Answer | None:
        return self.answer if document.offset == self.offset else None


@pytest.mark.parametrize("piece", [0, CUT])
def test_a_piece_that_the_output_refuses_is_a_dead_letter_and_all_is_accounted(site: Site, piece: int) -> None:
    site.write("a.log", RECORDS)
    site.output = MemoryOutput(Refusing(offsets(RECORDS)[1] + piece, OutcomeKind.REFUSED))
    site.ship()

    for level in LEVELS[1:]:
        outcome = site.audit(level=level)
        assert (outcome.verdict, outcome.totals.disk_lines, adds_up(outcome)) == (Verdict.CLOSED, 5, True)
    assert outcome.totals.dead_letters == (1 if piece else 0)


@pytest.mark.parametrize("piece", [0, CUT])
def test_a_piece_that_is_a_dead_letter_is_found_in_its_line_and_sent_again(site: Site, piece: int) -> None:
    site.write("a.log", RECORDS)
    refusing = Refusing(offsets(RECORDS)[1] + piece, OutcomeKind.REFUSED)
    site.output = output = MemoryOutput(refusing)
    site.ship()
    with closing(State.open(site.root / "state", HOST)) as state:
        state.use_output(output.identity)
        letters = list(state.dead_letters.all())
        assert [(item.line, item.path) for item in located(letters, state.files.all())] == [
            (2, str(site.logs / "a.log"))
        ]
        refusing.answer = None
        retried = retry(letters, state, output, site.settings, SystemClock(), lambda: 0.0)
        assert (len(retried.stored), list(state.dead_letters.all())) == (1, [])
        assert [(row.fate, row.tally) for row in state.ledger()] == [("stored", tally_of(whole_lines(RECORDS)))]
    closed_everywhere(site, lines=5)


def whole_lines(pieces: Sequence[bytes]) -> list[bytes]:
    return b"".join(pieces).splitlines(keepends=True)


def test_a_piece_is_parsed_again_by_a_corrected_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    definition = FILTERS.format(what="nothing")
    (folder / "glued.yml").write_text(definition.replace("%{GREEDYDATA:text}", "\\A(?!.*second)%{GREEDYDATA:text}"))
    site = Site(tmp_path, (InputSettings("app", (f"{tmp_path}/logs/*",), "glued"),), pipeline_dirs=(folder,))
    site.write("a.log", [b"a line of its own that is long enough\n", b"first piece [2] second piece[3] third piece\n"])
    site.ship()
    assert [document["tags"].count("_grokparsefailure") for document in fields(site)] == [0, 0, 1, 0]

    (folder / "glued.yml").write_text(definition)
    site._pipelines.clear()
    with closing(site.open()) as output:
        context = site.auditor(output).context(Request())
        reparser = Reparser(context, output, site.pipelines()["app"], "_grokparsefailure", dry_run=False)
        for family in site.auditor(output).families(Request(), context)[0]:
            reparser.reparse(family)
    remember(site.settings, site.pipelines()["app"])

    assert reparser.found.replaced == 1
    assert [document.get("text") for document in fields(site)][2] == "[2] second piece"
    assert [site.audit(level=level).verdict for level in LEVELS] == [Verdict.CLOSED] * 3


@pytest.mark.parametrize("piece", [0, CUT])
def test_an_agent_that_stops_between_two_pieces_of_a_line_sends_the_line_again(
    site: Site, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.agent.PATIENCE", 0.5)
    monkeypatch.setattr("shipper.agent.DRAIN", 0.1)
    site.write("a.log", RECORDS)
    refusing = Refusing(offsets(RECORDS)[1] + piece, OutcomeKind.PAUSED)
    site.output = output = MemoryOutput(refusing)
    with pytest.raises(OutputError):
        site.ship()
    assert len(output.documents) == 7
    outcome = site.audit()
    assert (outcome.verdict, outcome.totals.disk_lines, adds_up(outcome)) == (Verdict.CLOSED, 5, True)
    assert (outcome.totals.pending, len(outcome.pending)) == (1, 1)

    refusing.answer = None
    site.ship()
    assert len(output.documents) == 8
    closed_everywhere(site, lines=5)


FILTERS = """
dataset: glued
lines: {{splits: '\\[\\d\\] '}}
parse:
  - grok: ['%{{GREEDYDATA:text}}']
drop:
  - {{rule: unwanted, when: {{text: {{regex: '{what}'}}}}}}
timestamp: {{by: modification}}
"""


@pytest.mark.parametrize("what", ["first", "second", "third", "first|third", "piece"])
def test_pieces_that_a_rule_filters_are_accounted(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "glued.yml").write_text(FILTERS.format(what=what))
    site = Site(tmp_path, (InputSettings("app", (f"{tmp_path}/logs/*",), "glued"),), pipeline_dirs=(folder,))
    site.write("a.log", [b"a line of its own that is long enough\n", b"first piece [2] second piece[3] third piece\n"])
    site.ship()

    for use_state in (True, False):
        outcome = site.audit(use_state=use_state, level="contents")
        assert (outcome.verdict, outcome.totals.disk_lines, adds_up(outcome)) == (Verdict.CLOSED, 2, True)
    site.sql("DELETE FROM documents WHERE offset > 0")
    lost = site.audit()
    assert lost.verdict is (Verdict.CLOSED if what == "piece" else Verdict.FINDINGS)
    site.repair()
    assert site.audit().verdict is Verdict.CLOSED


def test_a_line_over_the_end_of_a_bucket_is_closed_and_each_of_its_pieces_is_found_missing(site: Site) -> None:
    site.output = output = MemoryOutput()
    filling = (1 << BUCKET_BITS) - CUT + 50
    site.inputs = (InputSettings("gridftp", (f"{site.logs}/*.log",), "raw-glued"),)
    site.pipeline_dirs = (site.root / "pipelines",)
    site.pipeline_dirs[0].mkdir()
    (site.pipeline_dirs[0] / "raw-glued.yml").write_text(
        "dataset: glued\nlines: {splits: '\\[GLUED\\] '}\ntimestamp: {by: modification}\n"
    )
    one, other = b"x" * (CUT - 1), b"[GLUED] the second event of this line\n"
    site.write("a.log", [b"y" * (filling - 1) + b"\n", one + other, b"the last line\n"])
    site.ship()

    assert len({offset >> BUCKET_BITS for offset in (filling, filling + len(one))}) == 2
    closed_everywhere(site, lines=3)
    for offset in (filling, filling + len(one)):
        key = output.at("a.log", offset)
        document = output.documents.pop(key)
        assert found(site.audit()) == [("missing", "gone from the index", "a.log", 2, 2)]
        assert site.repair().stored == 1
        assert output.documents[key] == document
    closed_everywhere(site, lines=3)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = session_site(tmp_path_factory.mktemp("site"))
    site.output = MemoryOutput()
    site.write("s.log", MESSAGES * 5)
    site.ship()
    return site


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_lost_is_found_and_nothing_else(shipped: Site, data: st.DataObject) -> None:
    output = shipped.output
    assert isinstance(output, MemoryOutput)
    everything = dict(output.documents)
    lost = data.draw(st.sets(st.sampled_from(sorted(everything))))
    use_state = data.draw(st.booleans())
    for key in lost:
        del output.documents[key]
    try:
        outcome = shipped.audit(use_state=use_state)
        missing = [finding for finding in outcome.findings if finding.kind is Kind.MISSING]
        places = sorted((f.offset, f.offset + f.bytes) for f in missing)
        named = {key for key, d in everything.items() if any(begin <= d.offset < end for begin, end in places)}
        others = [finding.cause for finding in outcome.findings if finding not in missing]
        assert others == ([Cause.ANOTHER_OUTPUT] if lost == everything.keys() and not use_state else [])
        assert named == lost
        assert adds_up(outcome)
        shipped.repair(use_state=use_state)
        assert {key: d.body for key, d in output.documents.items()} == {key: d.body for key, d in everything.items()}
    finally:
        output.documents.clear()
        output.documents.update(everything)
