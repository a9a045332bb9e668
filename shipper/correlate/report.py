"""How the comparison of transfers with flows is told: as text, as one JSON document, as a table in CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from shipper.correlate.comparison import Compared
from shipper.correlate.flows import Flow
from shipper.correlate.gathering import Gathered
from shipper.correlate.judgement import Judged, Status
from shipper.errors import Exit

SHOWN = 60
"""Incomplete transfers that the text lists."""
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
        "streams": _streams(judged),
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
        "index": _index(compared),
        "local_logs": _local_logs(compared),
        "flows_without_transfer": _loose(compared.loose),
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


def as_text(compared: Compared, problems: Sequence[str], next_command: str) -> Iterator[str]:
    """The report for people, line by line."""
    yield from _summary(compared)
    yield from _table(compared.judged)
    for cause in compared.causes:
        streams = sum(one.missing for one in cause.judged)
        name = cause.name.replace("_", " ")
        yield f"{name}: {_many(len(cause.judged), 'transfer')}, {_many(streams, 'stream')}. {_sentence(cause.pattern)}"
        if cause.inferred:
            yield f"  Likely: {cause.inferred}."
    yield from _incomplete(compared.judged)
    yield from _aside(compared)
    for problem in problems:
        yield f"Not read: {problem}"
    yield f"Next: {next_command}"


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


def _streams(judged: Sequence[Judged]) -> dict[str, int]:
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


def _index(compared: Compared) -> dict[str, Any] | None:
    if compared.index is None:
        return None
    groups: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    for flow in compared.duplicates:
        groups[_host_of(compared, flow), iso(int(flow.start))].append(flow)
    return {
        "read_at": iso(compared.index_read_at),
        **_range(compared.index),
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


def _range(gathered: Gathered) -> dict[str, Any]:
    span = gathered.range
    return {"first": iso(span.first) if span else None, "last": iso(span.last) if span else None}


def _loose(flows: Sequence[Flow]) -> dict[str, int]:
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


def _summary(compared: Compared) -> Iterator[str]:
    judged = compared.judged
    count = Counter(one.status for one in judged)
    streams = _streams(judged)
    source = "index" if compared.index else "logs"
    yield (
        f"{_many(len(judged), 'transfer')}: {count[Status.COMPLETE]:,} complete in the {source}, "
        f"{count[Status.INCOMPLETE]:,} incomplete, {count[Status.NOT_CHECKED]:,} not checked."
    )
    yield (
        f"{_many(streams['expected'], 'stream')} expected: {streams['found']:,} found, {streams['missing']:,} missing"
        + (
            f"; of these {streams['missing_in_local_logs']:,} are in local logs, and "
            f"{streams['missing_without_local_logs']:,} belong to hosts without local logs."
            if compared.index and compared.logs
            else "."
        )
    )
    if compared.index:
        span = _range(compared.index)
        read_at = iso(compared.index_read_at)
        yield f"The index was read at {read_at}; its flows are from {span['first']} to {span['last']}."
    for why, number in Counter(one.why for one in judged if one.why).items():
        yield f"Not checked: {_many(number, 'transfer')}: {why}."


def _table(judged: Sequence[Judged]) -> Iterator[str]:
    if not any(one.missing for one in judged):
        return
    yield "Host, minute of the hour (UTC): transfers, complete, partial, none, streams missing"
    for host, cells in by_host_and_minute(judged).items():
        for minute, cell in cells.items():
            yield f"  {host} :{minute}  " + "  ".join(f"{value:5,}" for value in cell.values())


def _incomplete(judged: Sequence[Judged]) -> Iterator[str]:
    incomplete = [one for one in judged if one.missing]
    for one in incomplete[:SHOWN]:
        transfer = one.transfer
        local = "" if one.local is None else f", {one.local.found} in the local log"
        yield (
            f"  {iso(transfer.start)}  {transfer.host}  {one.match.found} of {transfer.streams} streams{local}: "
            f"{transfer.file} ({one.cause.replace('_', ' ')})"
        )
        for flow in one.missing_flows:
            where = flow.documents[0]
            yield f"    missing: {iso(flow.start)}, {(flow.bytes or 0) / 1e6:,.1f} MB, {where.place}:{where.line}"
    if len(incomplete) > SHOWN:
        yield f"  … and {len(incomplete) - SHOWN:,} more; --json and --csv list all."


def _aside(compared: Compared) -> Iterator[str]:
    extra = [one for one in compared.judged if one.match.extra]
    for one in extra[:SHOWN]:
        transfer = one.transfer
        more = _many(len(one.match.extra), "flow")
        expected = _many(transfer.streams, "stream")
        yield f"More than expected: {more} beside the {expected} of {transfer.file}, {iso(transfer.start)}."
    index = _index(compared)
    for group in index["duplicates"][:SHOWN] if index else []:
        differ = f"they differ in {', '.join(group['differ_in'])}" if group["differ_in"] else "they are equal"
        yield (
            f"Duplicates: {group['documents']} documents of {_many(group['distinct'], 'flow')}, {group['host']}, "
            f"{group['start']}; {differ}."
        )
    if compared.loose:
        loose = _loose(compared.loose)
        yield (
            f"{_many(loose['distinct'], 'flow')} ({_many(loose['documents'], 'document')}) between the same hosts "
            "belong to no transfer of the logs: failed transfers, or other times."
        )
    if compared.skipped.damaged:
        places = ", ".join(compared.skipped.damaged[:5])
        yield f"{_many(len(compared.skipped.damaged), 'record')} of the GridFTP logs cannot be used: {places}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
