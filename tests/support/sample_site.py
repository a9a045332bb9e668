"""A site whose logs are all the samples, each input with its pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

from shipper.settings import InputSettings
from support.sample_logs import SAMPLES
from support.site import Site

ROUTES = (
    ("tstat-tcp", "tstat/*/log_tcp_*complete*", "tstat-tcp"),
    ("tstat-tcp-versions", "tstat/versions/**/log_tcp_*complete*", "tstat-tcp"),
    ("tstat-udp", "tstat/**/log_udp_complete*", "tstat-udp"),
    ("transfers", "gridftp/**/gridftp-transfer.log*", "gridftp-transfer"),
    ("sessions", "gridftp/**/gridftp*.log*", "gridftp-session"),
    ("frontend", "storm/**/storm-frontend-server*.log*", "storm-frontend"),
    ("monitoring", "storm/**/monitoring*.log*", "storm-monitoring"),
    ("metrics", "storm/**/storm-backend-metrics*.log*", "storm-metrics"),
    ("backend", "storm/**/storm-backend*.log*", "storm-backend"),
    ("heartbeat", "storm/**/heartbeat*.log*", "storm-heartbeat"),
    ("bookkeeping", "storm/**/bookkeeping*.log*", "storm-bookkeeping"),
    ("webdav-access", "storm/**/storm-webdav-server-access*.log*", "storm-webdav-access"),
    ("webdav", "storm/**/storm-webdav-server*.log*", "storm-webdav-server"),
    ("info-provider", "storm/**/storm-info-provider*.log*", "storm-info-provider"),
    ("others", "**/*", "raw"),
)
"""Input, glob and pipeline; the first that matches a file takes it."""


def sample_site(root: Path) -> Site:
    """A fresh copy of the samples, with one input per kind of log."""
    site = Site(root)
    shutil.copytree(SAMPLES, site.logs, dirs_exist_ok=True)
    (site.logs / "README.md").unlink()
    (site.logs / ".gitattributes").unlink()
    site.inputs = inputs(site.logs)
    return site


def inputs(folder: Path) -> list[InputSettings]:
    """One input per kind of log below a folder; those before it are excluded from each."""
    taken: list[str] = []
    found = []
    for name, glob, pipeline in ROUTES:
        path = f"{folder}/{glob}"
        zone = "Europe/Rome" if pipeline.startswith(("storm", "gridftp-session")) else None
        found.append(InputSettings(name, (path,), pipeline, exclude=tuple(taken), timezone=zone))
        taken.append(path)
    return found
