"""What is older than its retention, and how the cluster is told of it.

A cluster that has index lifecycle policies deletes by itself: the policy of a dataset counts from the making of an
index, which is no earlier than the period it is named after begins, so the length of a period is added. Elsewhere
`shipper setup --expire` deletes whole indices whose period lies wholly before the retention, and nothing else: not the
index of suspect times, and none that was not made from a template of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.send.bulk import INDEX_PREFIX, error_of
from shipper.send.connection import Connection
from shipper.send.layout import Layout
from shipper.send.templates import stamp_of
from shipper.send.whole import decoded

DAY = 86_400.0
_PERIOD = re.compile(r"([0-9]{4})(?:\.([0-9]{2})(?:\.([0-9]{2}))?)?")
_LONGEST = {"day": 1, "month": 31, "year": 366}


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the documents of a dataset are kept."""

    key: str
    """`<dataset>-<namespace>`."""
    seconds: float
    """Since the event."""
    period: str
    """`day`, `month` or `year`: the longest that one index of the dataset covers."""

    @property
    def policy(self) -> str:
        """The name of its lifecycle policy."""
        return INDEX_PREFIX + self.key


def longest(periods: Iterable[str]) -> str:
    """The longest of some periods."""
    return max(periods, key=lambda period: _LONGEST[period])


def period_end(index: str) -> datetime | None:
    """When the period ends that an index is named after; None if it is named after none."""
    found = _PERIOD.fullmatch(index.rpartition("-")[2])
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day:
            return datetime.fromtimestamp(datetime(year, month, day, tzinfo=UTC).timestamp() + DAY, UTC)
        if month:
            datetime(year, month, 1, tzinfo=UTC)  # a thirteenth month is no period
            return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return datetime(year + 1, 1, 1, tzinfo=UTC)
    except ValueError:
        return None


def has_expired(index: str, seconds: float, now: float) -> bool:
    """Whether the whole period of an index is longer ago than so many seconds. `now` in seconds since the epoch."""
    end = period_end(index)
    return end is not None and end.timestamp() <= now - seconds


def expired(indices: Iterable[str], retention: Retention, now: float) -> list[str]:
    """Those whose whole period is longer ago than the retention. `now` in seconds since the epoch."""
    return sorted(index for index in indices if has_expired(index, retention.seconds, now))


def policy_body(retention: Retention, layout: Layout) -> dict[str, Any]:
    """The lifecycle policy that keeps what is younger than the retention, and deletes the rest some time later."""
    days = ceil(retention.seconds / DAY) + (_LONGEST[retention.period] if layout is Layout.INDICES else 0)
    phases: dict[str, Any] = {"delete": {"min_age": f"{days}d", "actions": {"delete": {}}}}
    if layout is Layout.DATA_STREAM:
        phases["hot"] = {"actions": {"rollover": {"max_age": "30d", "max_primary_shard_size": "50gb"}}}
    return {"policy": {"_meta": {"managed_by": "shipper"}, "phases": phases}}


class Expiry:
    """Finds and deletes what is expired."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def expired(self, retention: Retention, now: float) -> list[str]:
        """Our indices of the dataset that are expired. Raises OutputError."""
        pattern = f"{INDEX_PREFIX}{retention.key}-*"
        answer = self._connection.request("GET", f"/_resolve/index/{pattern}?expand_wildcards=all")
        listed = decoded(answer, "its indices").get("indices", [])
        names = expired((index["name"] for index in listed), retention, now)
        return [name for name in names if self._is_ours(name)]

    def delete(self, index: str) -> None:
        """Delete an index. Raises OutputError."""
        decoded(self._connection.request("DELETE", f"/{index}"), f"the deletion of {index}")

    def _is_ours(self, index: str) -> bool:
        content = decoded(self._connection.request("GET", f"/{index}/_mapping"), f"the mapping of {index}")
        return stamp_of(content.get(index, {}).get("mappings", {})) is not None


class Lifecycle:
    """Tells a cluster that has lifecycle policies of the retentions."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self._connection = connection
        self._layout = layout

    def install(self, retentions: Iterable[Retention]) -> list[Retention]:
        """Install or correct the policies; those that are in force now, none in a cluster that knows no policies.

        Raises OutputError.
        """
        return [retention for retention in retentions if self._install(retention)]

    def adopt(self, retentions: Iterable[Retention]) -> None:
        """Put the indices that are there already under their policies. Raises OutputError."""
        for retention in retentions:
            target = f"/{INDEX_PREFIX}{retention.key}-2*/_settings?allow_no_indices=true&expand_wildcards=all"
            self._put(target, {"index.lifecycle.name": retention.policy})

    def _install(self, retention: Retention) -> bool:
        target = f"/_ilm/policy/{retention.policy}"
        answer = self._connection.request("GET", target)
        if answer.status in (400, 405):
            return False
        wanted = policy_body(retention, self._layout)
        if answer.status != 404 and _policy_in(decoded(answer, target), retention.policy) == wanted["policy"]:
            return True
        self._put(target, wanted)
        return True

    def _put(self, target: str, body: Mapping[str, Any]) -> None:
        answer = self._connection.request("PUT", target, orjson.dumps(body))
        if answer.status != 200:
            raise OutputError(
                f"{target} was refused: status {answer.status}, {answer.failure or error_of(answer.body)}"
            )


def _policy_in(content: Mapping[str, Any], name: str) -> Any:
    policy = content.get(name, {}).get("policy", {})
    return {key: policy.get(key) for key in ("_meta", "phases")}
