"""The least that the keys of agent, auditor and repairer must be allowed. No input, no output.

Each privilege is here because something fails without it, which `tests/real` tries on a real cluster:

* `monitor`: the cluster's identity, to which checkpoints belong; templates; the clocks of its nodes.
* `read` and `maintenance` (a refresh, a flush): what is held. The agent asks where its state was lost, and whether what
  it sent before is on disk.
* `create_doc`: store what is not there: an agent's key can neither change nor delete a document. (Elasticsearch lets
  whoever may write to a plain index add fields to its mapping, too.)
* `auto_configure`: the index of a new month.
* `view_index_metadata`: the mappings of the indices that are there, which `check --connect` looks at; and which indices
  there are, for a key that may not read.
* `index` and `delete`: a repair puts a document in the place of another (`reparse`) and removes one of two.
* On the index of the ledger documents, which are replaced: `index` and `auto_configure` for the agent that writes its
  own, `read` and `maintenance` for it and for who audits all hosts.
* `delete_index`: what is older than its retention goes as whole indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shipper.send.layout import Layout
from shipper.send.ledger_template import LEDGER_INDEX
from shipper.send.output import Dataset

MANAGE_TEMPLATES = "manage_index_templates"
"""What `setup: auto` needs as long as a template is missing; a key of the agent's role has it not."""

CLUSTER_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "agent": ("monitor",),
    "auditor": ("monitor",),
    "repairer": ("monitor",),
    "expirer": (),
}
INDEX_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "agent": ("create_doc", "auto_configure", "read", "view_index_metadata", "maintenance"),
    "auditor": ("read", "maintenance"),
    "repairer": ("index", "delete", "auto_configure", "read", "maintenance"),
    "expirer": ("view_index_metadata", "delete_index"),
}
LEDGER_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "agent": ("index", "auto_configure", "read", "maintenance"),
    "auditor": ("read", "maintenance"),
}
"""Of those roles that have to do with the ledger documents of a fleet."""
ROLES = tuple(INDEX_PRIVILEGES)


def descriptor(role: str, datasets: Iterable[Dataset], layout: Layout, *, fleet: bool = True) -> dict[str, Any]:
    """What a role may do with the datasets, as `POST /_security/api_key` and `_security/role` take it.

    `fleet`: and with the ledger documents.
    """
    names = sorted({name for dataset in datasets for name in layout.names(dataset)})
    indices = [{"names": names, "privileges": list(INDEX_PRIVILEGES[role])}]
    if fleet and role in LEDGER_PRIVILEGES:
        indices.append({"names": [LEDGER_INDEX], "privileges": list(LEDGER_PRIVILEGES[role])})
    return {"cluster": list(CLUSTER_PRIVILEGES[role]), "indices": indices}


def key_request(
    role: str, host: str, datasets: Iterable[Dataset], layout: Layout, *, fleet: bool = True
) -> dict[str, Any]:
    """The body of `POST /_security/api_key` for a role's key on a host."""
    name = f"shipper-{role}-{host}"
    return {
        "name": name,
        "role_descriptors": {name: descriptor(role, datasets, layout, fleet=fleet)},
        "metadata": {"application": "shipper", "role": role, "host": host},
    }
