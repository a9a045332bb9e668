"""Reads the reports of several hosts, for one verdict on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from shipper.audit.report.document import Report, merged, read_document
from shipper.audit.timeline import merged as merged_timelines
from shipper.errors import UsageError


def read_reports(files: Sequence[Path]) -> Report:
    """One report of those in files that `shipper audit --json` wrote. Raises UsageError."""
    if not files:
        raise UsageError("--merge needs the files that `shipper audit --json` wrote on each host.")
    reports = [_read(file) for file in files]
    timelines = [report.timeline for report in reports if report.timeline is not None]
    return merged(reports, merged_timelines(timelines) if timelines else None)


def _read(file: Path) -> Report:
    try:
        document = orjson.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"--merge {file}: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"--merge {file}: this is no JSON document: {error}.") from error
    return read_document(document, f"--merge {file}")
