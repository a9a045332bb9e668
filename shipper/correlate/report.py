"""How the comparison of transfers with flows is told to programs: as one JSON document, as a table in CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from shipper.correlate.comparison import Compared
from shipper.correlate.flows import Flow
from shipper.correlate.gathering import Gathered
from shipper.correlate.judgement import Judged, Status
from shipper.errors import Exit

_COLUMNS = (
    "start", "end", "host", "peer", "type", "file", "task", "status", "expected", "found", "missing", "extra", "reused",
    "cause", "in_local_log", "missing_in_local_log",
)  # fmt: skip


def exit_code(compared: Compared, problems: Sequence[str]) -> Exit:
    """3 where something could not be read or checked, 1 where something is to be looked at."""
    if problems or any(one.status is Status.NOT_CHECKED for one in compared.judged):
        return Exit.UNFINISHED
    findings = compared.duplicates or any(one.missing or one.match.extra for one in compared.judged)
    return Exit.FINDINGS if findings or compared.skipped.damaged else Exit.CLEAN


def as_json(compared: Compared, problems: Sequence[str]) -> dict[str, Any]:
    """Everything, as one document."""
    judged, limits = compared.judged, compared.rules.limits
    return {
        "verdict": {Exit.CLEAN: "complete", Exit.FINDINGS: "findings", Exit.UNFINISHED: "incomplete"}[
            exit_code(compared, problems)
        ],
        "window_s": limits.window,
        "tolerance_s": limits.tolerance,
        "transfers": {
            "total": len(judged),
            **{status.value: sum(one.status is status for one in judged) for status in Status},
            "incomplete_by_missing_streams": {
                str(count): number for count, number in sorted(Counter(_missing(judged)).items())
            },
            "with_extra_streams": sum(bool(one.match.extra) for one in judged),
        },
        "streams": streams_of(judged),
        "by_host_and_start_minute": by_host_and_minute(judged),
        "causes": [
            {
                "cause": cause.name,
                "pattern": cause.pattern,
                "inferred": cause.inferred or None,
                "transfers": len(cause.judged),
                "streams": sum(one.missing for one in cause.judged),
                "files": [one.transfer.file for one in cause.judged],
            }
            for cause in compared.causes
        ],
        "results": [_result(one) for one in judged],
        "index": index_of(compared),
        "local_logs": _local_logs(compared),
        "flows_without_transfer": loose_of(compared.loose),
        "skipped": {
            "other_operations": compared.skipped.other,
            "copies": compared.skipped.copies,
            "damaged": compared.skipped.damaged,
            "not_flows": compared.strangers,
        },
        "problems": list(problems),
    }


def as_csv(compared: Compared) -> str:
    """A row for each transfer."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for one in compared.judged:
        result = _result(one)
        writer.writerow({**result, "missing_in_local_log": len(result["missing_flows"])})
    return stream.getvalue()


def by_host_and_minute(judged: Sequence[Judged]) -> dict[str, dict[str, dict[str, int]]]:
    """Checked transfers by host and by the minute of the hour, UTC, in which they began."""
    table: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in judged:
        if one.status is Status.NOT_CHECKED:
            continue
        cell = table[one.transfer.host][f"{one.minute:02d}"]
        cell["transfers"] += 1
        cell["streams_missing"] += one.missing
        cell["complete" if not one.missing else "partial" if one.match.found else "none"] += 1
    names = ("transfers", "complete", "partial", "none", "streams_missing")
    return {
        host: {minute: {name: cell[name] for name in names} for minute, cell in sorted(cells.items())}
        for host, cells in sorted(table.items())
    }


def iso(seconds: float) -> str:
    """A moment in UTC; a fraction only where there is one."""
    # Doubles are good for tenths of a microsecond: what is told is the nearest one.
    moment = datetime.fromtimestamp(round(seconds, 6), UTC)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def streams_of(judged: Sequence[Judged]) -> dict[str, int]:
    """The streams of the transfers that were checked."""
    checked = [one for one in judged if one.status is not Status.NOT_CHECKED]
    missing = [one for one in checked if one.missing]
    local = [one for one in missing if one.local is not None]
    return {
        "expected": sum(one.transfer.streams for one in checked),
        "found": sum(min(one.match.found, one.transfer.streams) for one in checked),
        "missing": sum(one.missing for one in missing),
        "missing_in_local_logs": sum(len(one.missing_flows) for one in local),
        "missing_without_local_logs": sum(one.missing for one in missing if one.local is None),
    }


def _result(one: Judged) -> dict[str, Any]:
    transfer, item = one.transfer, one.match
    return {
        "start": iso(transfer.start),
        "end": iso(transfer.end),
        "host": transfer.host,
        "peer": transfer.peer,
        "type": transfer.kind,
        "file": transfer.file,
        "task": transfer.task,
        "record": f"{transfer.entry.place}:{transfer.entry.line}" if transfer.entry.line else transfer.entry.id,
        "status": one.status.value,
        "why": one.why or None,
        "expected": transfer.streams,
        "found": item.found,
        "missing": one.missing,
        "extra": len(item.extra),
        "reused": len(item.reused),
        "cause": one.cause or None,
        "in_local_log": None if one.local is None else one.local.found,
        "missing_flows": [_flow(flow) for flow in one.missing_flows],
    }


def _flow(flow: Flow) -> dict[str, Any]:
    where = flow.documents[0]
    return {
        "start": iso(flow.start),
        "sender": min(flow.sender.hosts),
        "sender_port": flow.sender.port,
        "receiver": min(flow.receiver.hosts),
        "receiver_port": flow.receiver.port,
        "bytes": None if flow.bytes is None else round(flow.bytes),
        "timed_out": flow.timed_out,
        "place": where.place,
        "line": where.line or None,
    }


def index_of(compared: Compared) -> dict[str, Any] | None:
    """The index that was read, and what it holds more than once; None if none was."""
    if compared.index is None:
        return None
    groups: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    for flow in compared.duplicates:
        groups[_host_of(compared, flow), iso(int(flow.start))].append(flow)
    return {
        "read_at": iso(compared.index_read_at),
        **range_of(compared.index),
        "duplicates": [
            {
                "host": host,
                "start": start,
                "documents": sum(len(flow.documents) for flow in flows),
                "distinct": len(flows),
                "differ_in": sorted({name for flow in flows for name in differences(flow)}),
                "sets": [[entry.id for entry in flow.documents] for flow in flows],
            }
            for (host, start), flows in sorted(groups.items())
        ],
    }


def _local_logs(compared: Compared) -> dict[str, Any] | None:
    if compared.logs is None:
        return None
    hosts = {
        host: {"first": iso(span.first), "last": iso(span.last)} for host, span in sorted(compared.logs.hosts.items())
    }
    incomplete = [one for one in compared.judged if one.missing]
    return {
        "hosts": hosts,
        "flows": len(compared.logs.flows),
        "incomplete_transfers_found": sum(bool(one.missing_flows) for one in incomplete),
        "incomplete_transfers_unchecked": sum(one.local is None for one in incomplete) if compared.index else 0,
    }


def range_of(gathered: Gathered) -> dict[str, Any]:
    """When the first and the last of the flows began."""
    span = gathered.range
    return {"first": iso(span.first) if span else None, "last": iso(span.last) if span else None}


def loose_of(flows: Sequence[Flow]) -> dict[str, int]:
    """How many flows belong to no transfer."""
    return {"documents": sum(len(flow.documents) for flow in flows), "distinct": len(flows)}


def differences(flow: Flow) -> set[str]:
    """The names of top-level fields in which the documents of a flow differ."""
    first, *others = (orjson.loads(told.body or b"{}") for told in flow.documents)
    return {name for other in others for name in {*first, *other} if first.get(name) != other.get(name)}


def _host_of(compared: Compared, flow: Flow) -> str:
    servers = {one.transfer.host for one in compared.judged}
    return min((flow.receiver.hosts | flow.sender.hosts) & servers)


def _missing(judged: Sequence[Judged]) -> list[int]:
    return [one.missing for one in judged if one.missing]
