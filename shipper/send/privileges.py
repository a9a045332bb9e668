"""What our credentials are not allowed. What they may not see is, for all that a cluster says, not there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.send.connection import Connection
from shipper.send.layout import Layout
from shipper.send.ledger_template import LEDGER_INDEX
from shipper.send.output import Dataset
from shipper.send.roles import CLUSTER_PRIVILEGES, INDEX_PRIVILEGES, LEDGER_PRIVILEGES
from shipper.send.whole import decoded

Lack = tuple[str, str]
"""An index pattern, or nothing for the cluster, and a privilege."""


def lacking(
    connection: Connection, datasets: Iterable[Dataset], layout: Layout, role: str, *more: str
) -> Iterator[Lack]:
    """What a role needs of these datasets, and `more` of the cluster, that our credentials do not give. OutputError."""
    names = sorted({name for dataset in datasets for name in layout.names(dataset)})
    wanted: dict[str, Any] = {"cluster": [*CLUSTER_PRIVILEGES[role], *more]}
    if names:
        wanted["index"] = [{"names": names, "privileges": list(INDEX_PRIVILEGES[role])}]
    return _denied(connection, wanted)


def lacking_for_ledger(connection: Connection, role: str) -> Iterator[Lack]:
    """What a role needs of the ledger documents, and our credentials do not give. OutputError."""
    wanted = {"index": [{"names": [LEDGER_INDEX], "privileges": list(LEDGER_PRIVILEGES[role])}]}
    return _denied(connection, wanted)


def _denied(connection: Connection, wanted: Mapping[str, Any]) -> Iterator[Lack]:
    answer = connection.request("POST", "/_security/user/_has_privileges", orjson.dumps(wanted))
    if answer.status in (400, 404, 405):
        return  # a cluster without security knows no such question, and forbids nothing
    content = decoded(answer, "our privileges")
    for privilege, has in content.get("cluster", {}).items():
        if not has:
            yield "", privilege
    for name, privileges in content.get("index", {}).items():
        for privilege, has in privileges.items():
            if not has:
                yield name, privilege


def lack_sentence(found: Sequence[Lack], whom: str) -> str:
    """What the credentials lack that somebody needs, and where it is told what they must be allowed."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for name, privilege in found:
        by_name[name].append(privilege)
    parts = [f"{', '.join(privileges)} on {name or 'the cluster'}" for name, privileges in by_name.items()]
    return (
        f"The credentials lack privileges that {whom} needs: {'; '.join(parts)}. "
        "`shipper setup --keys` prints what each key must be allowed."
    )


def check_may_see(connection: Connection, datasets: Iterable[Dataset], layout: Layout) -> None:
    """OutputError if an index of the datasets may be hidden from us: nobody could tell it from one that is gone."""
    found = sorted(lacking(connection, datasets, layout, "auditor"))
    if found:
        raise OutputError(
            f"{lack_sentence(found, 'an audit')} Without them it cannot be told what is missing from what is hidden."
        )
