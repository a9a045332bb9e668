"""A document is a function of host, input, path, bytes and marks: nothing else gets in."""

from __future__ import annotations

import shutil

from support.agents import Site
from support.sample_logs import SAMPLES
from support.sample_site import inputs


def test_two_runs_at_other_times_and_places_give_the_same_documents_byte_for_byte(tmp_path, monkeypatch):
    first, second = Site(tmp_path / "first"), Site(tmp_path / "second")
    logs = tmp_path / "logs"
    shutil.copytree(SAMPLES, logs)
    first.with_settings(inputs=tuple(inputs(logs)))
    second.with_settings(inputs=tuple(inputs(logs)), batch_documents=7)
    second.clock.advance(400 * 86400)

    monkeypatch.chdir("/")
    first.once()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    second.once()

    assert len(first.documents()) > 10_000
    assert first.documents() == second.documents()
