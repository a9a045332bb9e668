"""All samples, by the commands that a user types: counted by `wc`, shipped, audited, shipped again, state lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Commands, count_lines


@pytest.fixture
def on_sqlite(tmp_path):
    return Commands(tmp_path, json.dumps({"sqlite": {"path": str(tmp_path / "index.db")}}))


@pytest.fixture
def on_elasticsearch(tmp_path, elasticsearch8):
    return Commands(tmp_path, json.dumps({"elasticsearch": {"hosts": [elasticsearch8.url]}}))


def ships_all_samples_exactly_once(site: Commands) -> None:
    """The story of the samples, told by numbers."""
    by_wc = {str(path): count_lines(path) for path in site.files()}

    first = site.ask("run", "--once")
    assert first["files"] == len(by_wc)
    assert first["lines"] + first["pending_lines"] == sum(by_wc.values())
    assert first["stored"] + first["already_stored"] == first["documents"]
    assert first["dead_letters"] == 0

    rows = {row["path"]: row for row in site.ask("status")["files"]}
    assert set(rows) == set(by_wc)
    below = {path: count_lines(Path(path), row["checkpoint"] or 0) for path, row in rows.items()}
    assert {path: settled(row) for path, row in rows.items()} == below
    assert sum(by_wc.values()) - sum(below.values()) == first["pending_lines"]
    audit = site.ask("audit")
    totals = audit["totals"]
    assert audit["verdict"] == "closed"
    assert totals["disk_lines"] == totals["indexed"] + totals["filtered"] + totals["dead_letters"] + totals["pending"]
    assert (totals["pending"], totals["missing"]) == (first["pending_lines"], 0)

    second = site.ask("run", "--once")
    assert (second["lines"], second["stored"], second["already_stored"]) == (0, 0, 0)

    site.forget()
    third = site.ask("run", "--once")
    assert (third["stored"], third["already_stored"]) == (0, first["documents"])
    assert site.ask("audit")["totals"] == totals


def settled(row: dict) -> int:
    """Lines of a file that are stored, filtered or dead letters, as `status` tells them."""
    lines = row["lines"]
    return lines["stored"] + sum(lines["filtered"].values()) + sum(lines["dead_letters"].values())


def test_all_samples_are_in_sqlite_exactly_once(on_sqlite):
    ships_all_samples_exactly_once(on_sqlite)


@pytest.mark.real
def test_all_samples_are_in_elasticsearch_exactly_once(on_elasticsearch):
    ships_all_samples_exactly_once(on_elasticsearch)
