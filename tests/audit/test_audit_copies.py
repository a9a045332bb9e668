"""Equal ids in two indices: which of them is deleted, what is kept of it, and what is left to a person."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.memory_output import MemoryOutput
from support.site import Site, found, transfer

from shipper import cli
from shipper.audit.findings import Verdict
from shipper.audit.repair import Repairer, plan
from shipper.audit.request import Request
from shipper.errors import StateError, UsageError
from shipper.records import Document
from shipper.settings import InputSettings

LINES = [transfer(n) for n in range(50)]
HOME, OTHER, THIRD = (f"gridftp.transfer-default-{period}" for period in ("2026.11", "2031.01", "2025.01"))
Place = tuple[str, str]


class Doubled(Site):
    """A shipped file in a memory whose documents a test copies to other places."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.held = MemoryOutput()
        self.output = self.held
        self.write("a.log", LINES)
        self.ship()
        (root / "shipper.yml").write_text(
            f"host: dtn01.example.org\nstate: {root}/state\n"
            f"inputs:\n  - {{name: gridftp, paths: ['{root}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
            f"output: {{sqlite: {{path: {root}/index.db}}}}\n"
        )

    def key(self, line: int) -> Place:
        """The key of the document of a line."""
        return self.held.at("a.log", sum(map(len, LINES[: line - 1])))

    def double(self, line: int, *places: str, **changes: object) -> list[Place]:
        """Put copies of a line's document into other places."""
        key = self.key(line)
        for place in places:
            document = replace(self.held.documents[key])
            document.body = orjson.dumps({**orjson.loads(document.body), **changes})
            self.held.documents[place, key[1]] = document
        return [(place, key[1]) for place in places]

    def kept(self) -> list[dict[str, object]]:
        """What the file of deleted documents holds."""
        return [json.loads(line) for line in self.deleted.read_bytes().splitlines()]

    def apply(self, max_delete: int) -> None:
        """A repair that may delete so many."""
        context = self.auditor(self.held).context(Request())
        families = self.auditor(self.held).families(Request(), context)[0]
        Repairer(context, lambda _: None, self.deleted, max_delete).apply(plan(self.audit()), families)


@pytest.fixture
def site(tmp_path: Path) -> Doubled:
    return Doubled(tmp_path)


@pytest.fixture
def typed(site: Doubled, monkeypatch: pytest.MonkeyPatch) -> Doubled:
    """A site whose memory is what the command opens."""
    monkeypatch.setattr("shipper.cli.audit.open_output", lambda *_: site.held)
    monkeypatch.setattr("shipper.cli.audit.open_to_read", lambda *_: site.held)
    return site


def run(site: Site, *arguments: str) -> int:
    return cli.execute(["audit", "-c", str(site.root / "shipper.yml"), *arguments])


@pytest.mark.parametrize("use_state", [True, False])
def test_what_is_not_where_its_time_belongs_is_deleted_and_kept(site: Doubled, use_state: bool) -> None:
    before = dict(site.held.documents)
    copies = [*site.double(5, OTHER), *site.double(7, OTHER, THIRD)]
    bodies = {key: document.body for key, document in site.held.documents.items()}
    outcome = site.audit(use_state=use_state)
    assert [(f.kind.value, f.first_line, f.repair) for f in outcome.findings] == [
        ("duplicate", 5, "delete"), ("duplicate", 7, "delete"), ("duplicate", 7, "delete"),
    ]  # fmt: skip
    repaired = site.repair(use_state=use_state)
    assert (repaired.stored, repaired.deleted, repaired.kept_in) == (0, 3, str(site.deleted))
    assert site.held.documents == before
    assert {(str(one["_index"]), str(one["_id"])) for one in site.kept()} == set(copies)
    for line in site.deleted.read_bytes().splitlines():
        one = json.loads(line)
        assert line.endswith(b'"_source":' + bodies[one["_index"], one["_id"]] + b"}")
    assert stat.S_IMODE(site.deleted.stat().st_mode) == 0o600
    assert site.audit(use_state=use_state).verdict is Verdict.CLOSED


def test_the_one_that_is_kept_does_not_depend_on_the_order_in_which_they_are_found(site: Doubled) -> None:
    key = site.key(5)
    site.double(5, OTHER)
    site.held.documents[key] = site.held.documents.pop(key)
    assert site.repair().deleted == 1
    assert key in site.held.documents
    assert site.audit().verdict is Verdict.CLOSED


def test_a_time_that_cannot_be_right_belongs_to_the_index_of_such(tmp_path: Path) -> None:
    site = Doubled(tmp_path)
    item = InputSettings("old", (f"{tmp_path}/old/*",), "gridftp-transfer")
    site.inputs = (item,)
    (tmp_path / "old").mkdir()
    lines = [LINES[n].replace(b"DATE=2026", b"DATE=1971").replace(b"START=2026", b"START=1971") for n in range(30)]
    (tmp_path / "old" / "b.log").write_bytes(b"".join(lines))
    site.ship()
    pipeline = site.pipelines()["old"]
    documents = [d for d in site.held.documents.values() if d.source.input == "old"]
    assert {d.index for d in documents} == {"gridftp.transfer-default-suspect"}
    assert {pipeline.index_of(orjson.loads(d.body)) for d in documents} == {"gridftp.transfer-default-suspect"}


@pytest.mark.parametrize("period", ["year", "month", "day"])
def test_a_stored_document_names_its_index_as_it_was_shipped(tmp_path: Path, period: str) -> None:
    site = Site(tmp_path, [InputSettings("g", (f"{tmp_path}/logs/*",), "gridftp-transfer", period=period)])
    held = site.output = MemoryOutput()
    site.write("a.log", LINES)
    site.ship()
    for document in held.documents.values():
        assert site.pipelines()["g"].index_of(orjson.loads(document.body)) == document.index


def test_copies_that_differ_are_left_to_a_person(site: Doubled) -> None:
    site.double(5, OTHER, user={"name": "mallory"})
    before = dict(site.held.documents)
    (finding,) = site.audit().findings
    assert finding.repair is None
    assert finding.evidence.endswith(f"is in {OTHER}, too; the one in {HOME} has another content")
    assert site.repair().deleted == 0
    assert site.held.documents == before
    assert not site.deleted.exists()


def test_where_one_of_three_copies_differs_none_is_deleted(site: Doubled) -> None:
    site.double(5, OTHER)
    site.double(5, THIRD, user={"name": "mallory"})
    assert site.repair().deleted == 0
    assert found(site.audit()) == [("duplicate", "same id in two indices", "a.log", 5, 5)] * 2


def test_copies_of_which_none_is_in_its_place_are_left_to_a_person(site: Doubled) -> None:
    key = site.key(5)
    site.double(5, OTHER, THIRD)
    del site.held.documents[key]
    (finding,) = site.audit().findings
    assert finding.repair is None
    assert "none of its indices is the one that its time belongs into" in finding.evidence
    assert site.repair().deleted == 0


def test_more_than_the_limit_are_not_deleted_and_nothing_is_sent_either(site: Doubled) -> None:
    site.double(5, OTHER)
    site.double(6, OTHER)
    del site.held.documents[site.key(9)]
    before = dict(site.held.documents)
    with pytest.raises(UsageError, match="would delete 2 documents, which is more than --max-delete 1"):
        site.apply(max_delete=1)
    assert site.held.documents == before
    site.apply(max_delete=2)
    assert site.audit().verdict is Verdict.CLOSED


def test_a_document_is_in_the_file_before_it_is_deleted(site: Doubled, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in range(1, 50):  # more than one page
        site.double(line, OTHER, THIRD)
    delete, seen = site.held.delete, []

    def watched(places: Iterable[Place]) -> int:
        some = list(places)
        seen.append(len(some))
        assert set(some) <= {(one["_index"], one["_id"]) for one in site.kept()}
        return delete(some)

    monkeypatch.setattr(site.held, "delete", watched)
    assert site.repair().deleted == 98 == sum(seen)
    assert site.audit().verdict is Verdict.CLOSED


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_deleted(site: Doubled) -> None:
    site.double(5, OTHER)
    before = dict(site.held.documents)
    site.deleted.parent.mkdir()
    site.deleted.write_text("mine")
    with pytest.raises(UsageError, match="there is such a file"):
        site.repair()
    assert site.deleted.read_text() == "mine"
    assert site.held.documents == before


def test_what_cannot_be_kept_is_not_deleted(site: Doubled) -> None:
    site.double(5, OTHER)
    before = dict(site.held.documents)
    site.deleted.parent.write_text("a file where the folder should be")
    with pytest.raises((StateError, UsageError)):
        site.repair()
    assert site.held.documents == before


def test_a_copy_that_changed_since_the_plan_is_not_deleted(site: Doubled) -> None:
    (copy,) = site.double(5, OTHER)
    chosen = plan(site.audit())
    assert len(chosen.delete) == 1
    changed: Document = replace(site.held.documents[copy], body=b'{"other":1,"tags":[]}')
    site.held.documents[copy] = changed
    auditor = site.auditor(site.held)
    context = auditor.context(Request())
    repaired = Repairer(context, lambda _: None, site.deleted).apply(chosen, auditor.families(Request(), context)[0])
    assert repaired.deleted == 0
    assert site.held.documents[copy] is changed


def test_the_plan_counts_deletions_and_does_none(typed: Doubled, capsys: pytest.CaptureFixture[str]) -> None:
    typed.double(5, OTHER)
    typed.double(6, OTHER, user={"name": "mallory"})
    before = dict(typed.held.documents)
    assert run(typed, "--repair", "--json") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["repair"] == {
        "resend_lines": 0, "delete_documents": 1, "left_findings": 1, "applied": None,
    }  # fmt: skip
    assert "Plan: delete 1 document with an equal in the index where it belongs:" in printed.err
    assert "Not repaired, for a person to look at: 1 finding." in printed.err
    assert "Plan: send" not in printed.err
    assert typed.held.documents == before


def test_a_repair_as_typed_says_where_the_deleted_are(typed: Doubled, capsys: pytest.CaptureFixture[str]) -> None:
    typed.double(5, OTHER)
    assert run(typed, "--repair", "--apply", "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["verdict"] == "closed"
    applied = document["repair"]["applied"]
    assert (applied["stored"], applied["deleted"], applied["refused"]) == (0, 1, [])
    (file,) = (typed.root / "state" / "repairs").iterdir()
    assert applied["kept_in"] == str(file)
    assert f"Deleted: 1 document, kept in {file}." in printed.err
    assert len(file.read_bytes().splitlines()) == 1


def test_the_file_and_the_limit_are_what_was_typed(typed: Doubled, capsys: pytest.CaptureFixture[str]) -> None:
    typed.double(5, OTHER)
    file = typed.root / "gone.ndjson"
    assert run(typed, "--repair", "--apply", "--max-delete", "0", "--deleted", str(file)) == 2
    assert "more than --max-delete 0" in capsys.readouterr().err
    assert not file.exists()
    assert run(typed, "--repair", "--apply", "--max-delete", "1", "--deleted", str(file)) == 0
    assert len(file.read_bytes().splitlines()) == 1
    assert run(typed, "--repair", "--apply", "--deleted", str(file)) == 2
    assert "there is such a file" in capsys.readouterr().err
    assert run(typed, "--repair", "--max-delete", "3") == 2
    assert "they need --repair --apply" in capsys.readouterr().err


@pytest.mark.parametrize("gone", [False, True])
def test_copies_are_found_and_deleted_without_the_file(typed: Doubled, gone: bool) -> None:
    if gone:
        (typed.logs / "a.log").unlink()
    level = "disk" if gone else "ledger"
    before = dict(typed.held.documents)
    typed.double(5, OTHER)
    typed.double(7, OTHER, user={"name": "mallory"})
    outcome = typed.audit(level=level)
    offsets = [sum(map(len, LINES[:number])) for number in (4, 6)]
    assert [(f.kind.value, f.offset, f.lines, f.repair) for f in outcome.findings] == [
        ("duplicate", offsets[0], 1, "delete"), ("duplicate", offsets[1], 1, None),
    ]  # fmt: skip
    assert typed.repair(level=level).deleted == 1
    assert len(typed.kept()) == 1
    assert len(typed.held.documents) == len(before) + 1
    (left,) = typed.audit(level=level).findings
    assert left.evidence.endswith("has another content")


def test_a_copy_does_not_hide_what_is_missing_from_the_ledger(typed: Doubled) -> None:
    typed.double(5, OTHER)
    del typed.held.documents[typed.key(9)]
    outcome = typed.audit(level="ledger")
    assert [(f.kind.value, f.lines) for f in outcome.findings] == [("missing", 1), ("duplicate", 1)]
    assert (outcome.totals.indexed, outcome.totals.missing, outcome.totals.duplicate) == (49, 1, 1)


def test_what_the_ledger_alone_cannot_repair_is_repaired_by_the_command_that_is_told(
    typed: Doubled, capsys: pytest.CaptureFixture[str]
) -> None:
    typed.double(5, OTHER)
    del typed.held.documents[typed.key(9)]
    assert run(typed, "--level", "ledger", "--repair", "--apply") == 1
    printed = capsys.readouterr()
    command = f"shipper audit -c {typed.root}/shipper.yml --repair"
    assert f"From the files they are repaired by: {command} --apply" in printed.err
    assert printed.out.splitlines()[-1] == f"Next: {command}"
    assert "Deleted: 1 document" in printed.err
    assert run(typed, "--repair", "--apply") == 0
    assert run(typed, "--level", "ledger") == 0
    capsys.readouterr()
