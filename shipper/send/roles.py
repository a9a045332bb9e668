"""The least that the keys of agent, auditor and repairer must be allowed. No input, no output.

Each privilege is here because something fails without it, which `tests/real` tries on a real cluster:

* `monitor`: the cluster's identity, to which checkpoints belong; templates; the clocks of its nodes.
* `read` and `maintenance` (a refresh): what is held. The agent asks where its state was lost.
* `create_doc`: store what is not there: an agent's key can neither change nor delete a document. (Elasticsearch lets
  whoever may write to a plain index add fields to its mapping, too.)
* `auto_configure`: the index of a new month.
* `view_index_metadata`: the mappings of the indices that are there, which `check --connect` looks at; and which indices
  there are, for a key that may not read.
* `index` and `delete`: a repair puts a document in the place of another (`reparse`) and removes one of two.
* `delete_index`: what is older than its retention goes as whole indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shipper.send.layout import Layout
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
ROLES = tuple(INDEX_PRIVILEGES)


def descriptor(role: str, datasets: Iterable[Dataset], layout: Layout) -> dict[str, Any]:
    """What a role may do with the datasets, as `POST /_security/api_key` and `_security/role` take it."""
    names = sorted({name for dataset in datasets for name in layout.names(dataset)})
    return {
        "cluster": list(CLUSTER_PRIVILEGES[role]),
        "indices": [{"names": names, "privileges": list(INDEX_PRIVILEGES[role])}],
    }


def key_request(role: str, host: str, datasets: Iterable[Dataset], layout: Layout) -> dict[str, Any]:
    """The body of `POST /_security/api_key` for a role's key on a host."""
    name = f"shipper-{role}-{host}"
    return {
        "name": name,
        "role_descriptors": {name: descriptor(role, datasets, layout)},
        "metadata": {"application": "shipper", "role": role, "host": host},
    }
