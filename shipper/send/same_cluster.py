"""Whether the cluster behind the hosts' names is still the one that checkpoints were made for.

A cluster may be made anew, or its name point to another one, while an agent waits for it. What is stored there would be
taken for stored in the first one, and all that the first one held would be missing.
"""

from __future__ import annotations

from typing import Any

from shipper.errors import OutputError
from shipper.records import Outcome, OutcomeKind
from shipper.send.bulk import decode
from shipper.send.connection import Connection
from shipper.send.failures import failed

TARGET = "/_cluster/state/version?filter_path=cluster_uuid"
_CATEGORY = "other_cluster"
_WHAT = "Whether this is still the same cluster could not be asked"


def uuid_in(content: Any) -> str:
    """The name that a cluster keeps for life. OutputError where it has none yet."""
    match content:
        case {"cluster_uuid": str(uuid)} if uuid != "_na_":
            return uuid
    raise OutputError("The Elasticsearch cluster is not formed yet: it has no identity.")


class SameCluster:
    """Asks each time that the cluster was out of sight. Safe for several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen = connection.losses
        """How often it had been out of sight when it was recognised last."""

    def obstacle(self, expected: str) -> Outcome | None:
        """Why nothing must be sent now; None where the cluster of this uuid is there."""
        losses = self._connection.losses
        if losses == self._seen:
            return None
        answer = self._connection.request("GET", TARGET)
        if answer.status != 200:
            return failed(_WHAT, answer, _CATEGORY)
        try:
            found = uuid_in(decode(answer.body))
        except OutputError as error:
            return Outcome(OutcomeKind.RETRY, _CATEGORY, f"{_WHAT}: {error}")
        if found != expected:
            reason = (
                f"This is another cluster ({found}) than the one that the agent began with ({expected}); nothing is "
                "sent to it. If it is meant, start the agent again: every line of every file is shipped to it."
            )
            return Outcome(OutcomeKind.PAUSED, _CATEGORY, reason)
        self._seen = losses
        return None
