"""All samples renamed, compressed, copied and grown, copied elsewhere with another time: the same documents, once."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from support.agents import Site
from support.sample_logs import SAMPLES

from shipper.settings import InputSettings

KINDS = {
    "log_tcp_*complete*": "tstat-tcp",
    "log_udp_complete*": "tstat-udp",
    "gridftp-transfer.log*": "gridftp-transfer",
    "gridftp.log*": "gridftp-session",
    "storm-frontend-server.log*": "storm-frontend",
    "monitoring.log*": "storm-monitoring",
    "storm-backend.log*": "storm-backend",
    "heartbeat.log*": "storm-heartbeat",
    "storm-backend-metrics.log*": "storm-metrics",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """All samples; each input takes its kind of file from any folder."""
    site = Site(tmp_path)
    shutil.copytree(SAMPLES, site.logs, dirs_exist_ok=True)
    inputs = [
        InputSettings(name.strip("*"), (f"{site.logs}/**/{name}",), pipeline, timezone="Europe/Rome")
        for name, pipeline in KINDS.items()
    ]
    others = InputSettings("others", (f"{site.logs}/**/*",), "raw", exclude=tuple(KINDS))
    site.with_settings(inputs=(*inputs, others))
    return site


def logs_of(site: Site) -> list[Path]:
    return sorted(path for path in site.logs.rglob("*") if path.is_file())


def rename(site: Site) -> None:
    for path in logs_of(site):
        path.rename(path.with_name(path.name + ".1"))


def compress(site: Site) -> None:
    for path in logs_of(site):
        if path.suffix != ".gz" and is_identified(path):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()


def copy_elsewhere_with_another_time(site: Site) -> None:
    for number, path in enumerate(logs_of(site)):
        folder = site.logs / "restored" / str(number)
        folder.mkdir(parents=True)
        copy = shutil.copy(path, folder / path.name)
        os.utime(copy, (1_600_000_000 + 86_400 * number, 1_600_000_000 + 86_400 * number))


def copy_beside(site: Site) -> None:
    for path in logs_of(site):
        shutil.copy(path, path.with_name(path.name + ".copy"))


def is_identified(path: Path) -> bool:
    """Whether the file is long enough to be told from others, and its last line is whole."""
    data = path.read_bytes()
    content = sum(len(line) for line in data.splitlines(keepends=True) if not line.startswith(b"#"))
    return content >= 32 and data.endswith(b"\n")


@pytest.mark.parametrize("lost", [False, True], ids=["with the state", "after its loss"])
@pytest.mark.parametrize("move", [rename, compress, copy_elsewhere_with_another_time, copy_beside])
def test_moved_logs_bring_no_document_and_lose_none(site, move, lost):
    site.once()
    before = {name for name, _, _ in site.documents()}
    move(site)
    if lost:
        site.forget()
    site.once()

    assert {name for name, _, _ in site.documents()} == before


@pytest.mark.parametrize("lost", [False, True], ids=["with the state", "after its loss"])
def test_copies_that_grow_bring_just_what_was_added(site, lost):
    site.once()
    before = {name for name, _, _ in site.documents()}
    log = site.logs / "storm" / "heartbeat.log"
    added = log.read_bytes().splitlines(keepends=True)[-5:]
    copy_beside(site)
    with (site.logs / "storm" / "heartbeat.log.copy").open("ab") as file:
        file.writelines(added)
    if lost:
        site.forget()
    site.once()

    new = Counter(json.loads(body)["message"] for name, _, body in site.documents() if name not in before)
    assert new == Counter(line.decode().rstrip("\n") for line in added)
