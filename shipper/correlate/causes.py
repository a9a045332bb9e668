"""Why streams are likely to be missing: patterns that many transfers share. No input, no output.

A pattern is a fact, the reason behind it an inference, and they are told apart. What fits no pattern has no cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shipper.correlate.flows import Flow
from shipper.correlate.judgement import Judged, Status

SILENT_HOST = "silent_host"
AT_MINUTE = "whole_transfers_at_minute"
SMALL_STREAM = "small_stream"
NOT_RECORDED = "not_recorded"
NOT_CLOSED = "not_closed"
UNEXPLAINED = "unexplained"

_LEAST_HOSTS = 2
"""Hosts that must show that a minute loses and others do not, before it is called a pattern."""
_LEAST_TRANSFERS = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A pattern, the transfers that show it, and what it suggests."""

    name: str
    pattern: str
    """The fact."""
    inferred: str
    """What is likely behind it; empty where nothing is."""
    judged: tuple[Judged, ...]


def find_causes(judged: Sequence[Judged], indexed: Iterable[Flow]) -> list[Cause]:
    """Give each incomplete transfer its cause, and list the causes. `indexed` are all flows that arrived."""
    by_host: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if one.status is not Status.NOT_CHECKED:
            by_host[one.transfer.host].append(one)
    causes = _recording(judged) + _not_closed(judged) + _minutes(by_host) + _silent(by_host) + _small(judged, indexed)
    rest = tuple(one for one in judged if one.status is Status.INCOMPLETE and not one.cause)
    if rest:
        causes += _named(UNEXPLAINED, "streams are missing, and nothing is common to these transfers", "", rest)
    return causes


def _named(name: str, pattern: str, inferred: str, members: Sequence[Judged]) -> list[Cause]:
    for one in members:
        one.cause = name
    in_order = tuple(sorted(members, key=lambda one: (one.transfer.start, one.transfer.host)))
    return [Cause(name, pattern, inferred, in_order)] if members else []


def _recording(judged: Sequence[Judged]) -> list[Cause]:
    members = [
        one
        for one in judged
        if one.missing and one.local is not None and not one.missing_flows and one.local.found <= one.match.found
    ]
    pattern = "the logs of the host do not have the missing streams either"
    return _named(NOT_RECORDED, pattern, "tstat did not see or did not write them", members)


def _not_closed(judged: Sequence[Judged]) -> list[Cause]:
    members = [
        one
        for one in judged
        if not one.cause and one.missing_flows and all(flow.timed_out for flow in one.missing_flows)
    ]
    pattern = "the missing streams ended without being closed, and are in log_tcp_nocomplete only"
    return _named(NOT_CLOSED, pattern, "the sender reads log_tcp_complete alone", members)


def _minutes(by_host: dict[str, list[Judged]]) -> list[Cause]:
    """Hosts of which every transfer of one minute of the hour is lost whole, and none of any other minute."""
    losing: dict[int, list[str]] = defaultdict(list)
    unclear: dict[int, list[str]] = defaultdict(list)
    for host, members in by_host.items():
        lost = {one.minute for one in members if _is_lost_whole(one)}
        kept = {one.minute for one in members if not _is_lost_whole(one)}
        if len(lost) == 1 and not lost & kept:
            (losing if kept else unclear)[min(lost)].append(host)
    causes: list[Cause] = []
    for minute, hosts in sorted(losing.items()):
        concerned = hosts + unclear[minute]
        members = [one for host in concerned for one in by_host[host] if one.minute == minute and not one.cause]
        if len(hosts) < _LEAST_HOSTS or len(members) < _LEAST_TRANSFERS:
            continue
        pattern = (
            f"no stream of any transfer that began at minute {minute:02d} of the hour is there, on {len(concerned)} "
            f"hosts; of other minutes no transfer of these hosts is lost whole"
        )
        inferred = "the sender takes a directory for finished while tstat still writes to it; that is not proved"
        causes += _named(AT_MINUTE, pattern, inferred, members)
    return causes


def _silent(by_host: dict[str, list[Judged]]) -> list[Cause]:
    lost = {host: members for host, members in by_host.items() if all(map(_is_lost_whole, members))}
    hosts = [host for host, members in lost.items() if len(members) > 1]
    members = [one for host in sorted(hosts) for one in by_host[host] if not one.cause]
    names = ", ".join(sorted({one.transfer.host for one in members}))
    return _named(SILENT_HOST, f"no stream of any transfer of {names} is there, whatever the minute", "", members)


def _small(judged: Sequence[Judged], indexed: Iterable[Flow]) -> list[Cause]:
    smallest = min((flow.bytes for flow in indexed if flow.bytes), default=0.0)
    members = [one for one in judged if one.missing and one.match.found and not one.cause]
    small = [one for one in members if (sizes := _missing_sizes(one)) and max(sizes) < smallest]
    largest = max((size for one in small for size in _missing_sizes(one)), default=0.0)
    pattern = (
        f"the other streams are there; what is missing has at most {largest / 1e6:,.1f} MB, less than the smallest "
        f"stream that is there ({smallest / 1e6:,.1f} MB)"
    )
    return _named(SMALL_STREAM, pattern, "the sender leaves out small flows", small)


def _is_lost_whole(one: Judged) -> bool:
    return one.status is Status.INCOMPLETE and not one.match.found


def _missing_sizes(one: Judged) -> list[float]:
    """Bytes of the missing streams: from the logs of the host, or of a single one what the others leave over."""
    if len(one.missing_flows) == one.missing:
        return [flow.bytes for flow in one.missing_flows if flow.bytes is not None]
    sizes = [flow.bytes for flow in one.match.streams]
    if one.missing == 1 and not one.match.reused and None not in sizes:
        return [max(0.0, one.transfer.bytes - sum(size or 0.0 for size in sizes))]
    return []
