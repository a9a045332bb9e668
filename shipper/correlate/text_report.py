"""How the comparison of transfers with flows is told to people, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shipper.correlate.comparison import Compared
from shipper.correlate.judgement import Judged, Status
from shipper.correlate.report import by_host_and_minute, index_of, iso, loose_of, range_of, streams_of
from shipper.wording import counted

SHOWN = 60
"""Incomplete transfers that the text lists."""


def as_text(compared: Compared, problems: Sequence[str], next_command: str) -> Iterator[str]:
    """The report for people, line by line."""
    yield from _summary(compared)
    yield from _table(compared.judged)
    for cause in compared.causes:
        streams = sum(one.missing for one in cause.judged)
        name = cause.name.replace("_", " ")
        transfers = counted(len(cause.judged), "transfer")
        yield f"{name}: {transfers}, {counted(streams, 'stream')}. {_sentence(cause.pattern)}"
        if cause.inferred:
            yield f"  Likely: {cause.inferred}."
    yield from _incomplete(compared.judged)
    yield from _aside(compared)
    for problem in problems:
        yield f"Not read: {problem}"
    yield f"Next: {next_command}"


def _summary(compared: Compared) -> Iterator[str]:
    judged = compared.judged
    count = Counter(one.status for one in judged)
    streams = streams_of(judged)
    source = "index" if compared.index else "logs"
    yield (
        f"{counted(len(judged), 'transfer')}: {count[Status.COMPLETE]:,} complete in the {source}, "
        f"{count[Status.INCOMPLETE]:,} incomplete, {count[Status.NOT_CHECKED]:,} not checked."
    )
    yield (
        f"{counted(streams['expected'], 'stream')} expected: {streams['found']:,} found, {streams['missing']:,} missing"
        + (
            f"; of these {streams['missing_in_local_logs']:,} are in local logs, and "
            f"{streams['missing_without_local_logs']:,} belong to hosts without local logs."
            if compared.index and compared.logs
            else "."
        )
    )
    if compared.index:
        span = range_of(compared.index)
        read_at = iso(compared.index_read_at)
        yield f"The index was read at {read_at}; its flows are from {span['first']} to {span['last']}."
    for why, number in Counter(one.why for one in judged if one.why).items():
        yield f"Not checked: {counted(number, 'transfer')}: {why}."


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
        more = counted(len(one.match.extra), "flow")
        expected = counted(transfer.streams, "stream")
        yield f"More than expected: {more} beside the {expected} of {transfer.file}, {iso(transfer.start)}."
    index = index_of(compared)
    for group in index["duplicates"][:SHOWN] if index else []:
        differ = f"they differ in {', '.join(group['differ_in'])}" if group["differ_in"] else "they are equal"
        yield (
            f"Duplicates: {group['documents']} documents of {counted(group['distinct'], 'flow')}, {group['host']}, "
            f"{group['start']}; {differ}."
        )
    if compared.loose:
        loose = loose_of(compared.loose)
        yield (
            f"{counted(loose['distinct'], 'flow')} ({counted(loose['documents'], 'document')}) between the same hosts "
            "belong to no transfer of the logs: failed transfers, or other times."
        )
    if compared.skipped.damaged:
        places = ", ".join(compared.skipped.damaged[:5])
        yield f"{counted(len(compared.skipped.damaged), 'record')} of the GridFTP logs cannot be used: {places}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
