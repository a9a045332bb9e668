"""Whether all of our indices can be asked, found out before anything is: open, with all their shards and our fields.

A closed index is left out of a search without a word. One that has lost a shard keeps a refresh waiting for longer than
a request may take, so that the cluster would seem to be away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shipper.errors import OutputError
from shipper.send.connection import Connection
from shipper.send.whole import decoded

_FORBIDDEN = 403
_OURS = ("log.file.fingerprint", "shipper.input", "shipper.lines", "shipper.bytes", "shipper.h0", "shipper.h1")
"""An index that has none of them holds nothing of ours."""
NEEDED = (*_OURS, "host.name", "log.offset", "log.file.path", "shipper.pipeline")
"""What an audit adds up, or asks each document for."""


def open_indices(connection: Connection, indices: str) -> list[str]:
    """The indices that there are of a pattern. OutputError if one is closed: nobody can tell what it holds."""
    target = f"/_resolve/index/{indices}?expand_wildcards=all"
    found = decoded(connection.request("GET", target), "its indices").get("indices", [])
    refuse_closed(found)
    return [index["name"] for index in found]


def refuse_closed(found: Iterable[Mapping[str, Any]]) -> None:
    """OutputError if one of these indices, as a cluster lists them, is closed."""
    closed = [index["name"] for index in found if "closed" in index.get("attributes", ())]
    if closed:
        raise OutputError(
            f"These indices are closed, so nobody can tell what they hold: {', '.join(closed)}. Open them (POST "
            f"/{closed[0]}/_open), and run the same command again."
        )


def check_red(connection: Connection, indices: str, names: Collection[str]) -> None:
    """OutputError if one of the named indices of a pattern lacks a shard: no node that runs has it.

    The cluster tells the health of all, also of those that are hidden from our credentials and are no matter of ours.
    """
    target = f"/_cluster/health/{indices}?level=indices&expand_wildcards=all&filter_path=indices.*.status"
    answer = connection.request("GET", target)
    if answer.status == _FORBIDDEN:
        return  # who may not ask this learns of it by the questions that follow, if late
    found = decoded(answer, "the health of its indices").get("indices", {})
    red = sorted(name for name in names if found.get(name, {}).get("status") == "red")
    if red:
        raise OutputError(
            f"These indices lack shards, so nobody can tell what they hold: {', '.join(red)}. No node that runs has "
            "them: start the node that is missing (GET /_cluster/allocation/explain says which shard waits for what), "
            "or restore the index from a snapshot; then run the same command again. If all logs that it was made from "
            "are still on disk, it can be deleted: `shipper audit --repair --apply` makes it again."
        )


def check_fields(connection: Connection, indices: str) -> None:
    """OutputError if an index of a pattern, among those that hold documents of ours, cannot be added up by our fields.

    It was made without our template then, or the fields are hidden from our credentials: a sum over a field that is
    not shown is 0, not an error.
    """
    target = f"/{indices}/_field_caps?fields={','.join(NEEDED)}&include_unmapped=true&expand_wildcards=open,hidden"
    content = decoded(connection.request("GET", target), "the fields of its indices")
    if content.get("failed_indices"):
        raise OutputError(f"Elasticsearch did not tell the fields of all indices: {content.get('failures')}")
    every = set(content.get("indices", ()))
    lacking: dict[str, set[str]] = {name: set() for name in every}
    for field in NEEDED:
        for index in every - _summable(content.get("fields", {}).get(field, {}), every):
            lacking[index].add(field)
    for index, fields in sorted(lacking.items()):
        if fields and not fields.issuperset(_OURS):
            raise OutputError(
                f"The index {index} cannot be added up by {', '.join(sorted(fields))}. Either it was made without "
                "shipper's template: if its logs are still on disk, delete it, and `shipper audit --repair --apply` "
                "makes it again. Or these credentials may not see these fields (field level security): use others."
            )


def _summable(caps: Mapping[str, Any], every: set[str]) -> set[str]:
    """The indices that can aggregate a field; where all have it alike, the answer names none."""
    kinds = [set(cap.get("indices", every)) for cap in caps.values() if cap.get("aggregatable")]
    return set().union(*kinds)
