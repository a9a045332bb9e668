"""The audit over all sample logs: every pipeline, copies, archives, half lines, several lines per event."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from support.sample_site import sample_site
from support.site import Site

from shipper.audit.drilldown.contents import PATH, differing
from shipper.audit.findings import Kind, Verdict


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = sample_site(tmp_path_factory.mktemp("samples"))
    site.ship()
    return site


@pytest.fixture
def site(shipped: Site, tmp_path: Path) -> Site:
    """A site of its own whose index and state may be damaged; the logs are where they were shipped from."""
    for name in ("state", "index.db"):
        source = shipped.root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "logs").symlink_to(shipped.logs)
    return Site(tmp_path, shipped.inputs)


def line_count(path: Path) -> int:
    """As `wc -l`, and an unterminated last line."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize("level", ["disk", "contents"])
def test_every_sample_is_closed(site: Site, level: str, use_state: bool) -> None:
    outcome = site.audit(level=level, use_state=use_state)
    totals = outcome.totals
    assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, [])
    assert totals.disk_lines == totals.indexed + totals.filtered + totals.dead_letters + totals.pending
    assert totals.indexed == sum(json.loads(body)["shipper"]["lines"] for _, _, body in site.documents())


def test_each_file_alone_has_as_many_lines_as_wc_counts(site: Site) -> None:
    for path in sorted(path for path in (site.root / "logs").resolve().rglob("*") if path.is_file())[::7]:
        outcome = site.audit(paths=(str(path),))
        if outcome.files == 1:
            assert outcome.totals.disk_lines == line_count(path), path


def test_the_ledger_level_proves_all_but_files_that_begin_the_same(site: Site) -> None:
    outcome = site.audit(level="ledger")
    assert {finding.cause.value for finding in outcome.findings} == {"files that begin the same"}
    assert outcome.totals.indexed + outcome.totals.unproved == site.audit().totals.indexed


@pytest.mark.parametrize("use_state", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_exactly_the_deleted_documents_are_missing_and_repair_makes_them_again(
    site: Site, seed: int, use_state: bool
) -> None:
    before = site.documents()
    # Without state the last document of a file is the only witness that the file was shipped to its end.
    chosen = random.Random(seed).sample(before, 60)
    lines = Counter[str]()
    for name, _, body in chosen:
        assert site.sql("DELETE FROM documents WHERE id = ?", name) == 1
        lines[json.loads(body)["log"]["file"]["fingerprint"]] += json.loads(body)["shipper"]["lines"]
    outcome = site.audit(use_state=use_state)
    assert {finding.kind for finding in outcome.findings} == {Kind.MISSING}
    missing = Counter[str]()
    for finding in outcome.findings:
        missing[finding.fingerprint] += finding.lines
    assert missing == lines
    places = [(f.fingerprint, f.offset, f.offset + f.bytes) for f in outcome.findings if f.offset is not None]
    for _, offset, body in chosen:
        mark = json.loads(body)["log"]["file"]["fingerprint"]
        assert any(mark == place[0] and place[1] <= offset < place[2] for place in places)
    assert site.repair(use_state=use_state).stored == len(chosen)
    assert site.audit(use_state=use_state).verdict is Verdict.CLOSED
    after = site.documents()
    assert [name for name, _, _ in after] == [name for name, _, _ in before]
    for (_, _, old), (_, _, new) in zip(before, after, strict=True):
        assert differing(old, new, {PATH}) == []


def test_samples_renamed_packed_copied_and_grown_are_closed_with_the_state_and_after_its_loss(tmp_path: Path) -> None:
    site = sample_site(tmp_path)
    site.ship()
    files = sorted(path for path in site.logs.rglob("*") if path.is_file() and path.suffix != ".gz")
    for number, path in enumerate(files):
        if number % 4 == 0:
            path.rename(path.with_name(path.name + ".1"))
        elif number % 4 == 1:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        elif number % 4 == 2:
            shutil.copy(path, path.with_name(path.name + ".copy"))
            with path.open("ab") as file:
                file.write(b"\n\n")
        else:
            folder = path.parent / "elsewhere"
            folder.mkdir(exist_ok=True)
            os.utime(shutil.copy(path, folder / path.name), (1e9, 1e9))
    ids = {name for name, _, _ in site.documents()}
    for lost in (False, True):
        if lost:
            site.forget()
        site.ship()
        for use_state in (True, False):
            outcome = site.audit(use_state=use_state)
            assert (outcome.verdict, outcome.findings) == (Verdict.CLOSED, []), f"{lost=} {use_state=}"
    assert ids <= {name for name, _, _ in site.documents()}
