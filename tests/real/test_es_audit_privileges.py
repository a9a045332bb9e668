"""An audit whose credentials see less than there is: it says what they lack, and never that all is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.audited_cluster import LINES, OLD, Answer, AuditedCluster
from support.elasticsearch_node import NINE
from support.limited_node import LimitedNode
from support.secured_node import SecuredNode

pytestmark = pytest.mark.parametrize("limited", [NINE], indirect=True)

OURS = "shipper-gridftp.transfer-watched-*"
EVERYTHING = {"names": [OURS], "privileges": ["read", "maintenance"]}
MONITOR = ["monitor"]


class Watched(AuditedCluster):
    """A site whose agent may do everything; each audit has a key of its own."""

    def audited_with(self, cluster: list[str], *indices: dict[str, Any], command: tuple[str, ...] = ()) -> Answer:
        """An audit whose key may do this and nothing else."""
        assert isinstance(self.node, SecuredNode)
        key = self.node.make_key("audit", {"audit": {"cluster": cluster, "indices": list(indices)}})
        self.configure(api_key=key)
        return self.asked(*command)


@pytest.fixture(scope="module")
def site(limited: LimitedNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    # The node is shared and keeps what it holds: this host and its indices are nobody else's.
    folder = tmp_path_factory.mktemp("watched")
    site = Watched(folder, limited.node, host="watched.example.org", namespace="watched", **limited.credentials)
    site.write("a.log", LINES)
    site.ship()
    yield site
    site.delete_all()


@pytest.mark.parametrize("level", ["ledger", "disk", "contents"])
def test_the_privileges_of_an_auditor_suffice(site: Watched, level: str) -> None:
    answer = site.audited_with(MONITOR, EVERYTHING, command=("--level", level))
    assert (answer.code, answer.report["totals"]["indexed"]) == (0, len(LINES))


@pytest.mark.parametrize(
    ("cluster", "indices", "sentence"),
    [
        (MONITOR, [{**EVERYTHING, "names": [OURS.replace("*", "2026.11")]}], f"maintenance, read on {OURS}"),
        (MONITOR, [{**EVERYTHING, "privileges": ["read"]}], f"maintenance on {OURS}"),
        (MONITOR, [{**EVERYTHING, "privileges": ["maintenance"]}], f"read on {OURS}"),
        (MONITOR, [], f"maintenance, read on {OURS}"),
        ([], [EVERYTHING], "may not ask Elasticsearch for the cluster's identity"),
    ],
    ids=["a single month", "no refresh", "no read", "no index", "no look at the cluster"],
)
def test_what_the_credentials_lack_ends_the_audit_and_is_named(
    site: Watched, cluster: list[str], indices: list[dict[str, Any]], sentence: str
) -> None:
    for level in ("ledger", "disk"):
        answer = site.audited_with(cluster, *indices, command=("--level", level))
        assert (answer.code, answer.out) == (3, "")
        assert sentence in answer.err
        assert "`shipper setup --keys` prints what each key must be allowed." in answer.err


def test_documents_that_a_role_hides_are_missing_until_a_repair_finds_them_there(site: Watched) -> None:
    begin_of_november = sum(map(len, LINES[:OLD]))
    hiding = {"query": {"range": {"log.offset": {"gte": begin_of_november}}}}
    for level in ("ledger", "disk"):
        answer = site.audited_with(MONITOR, {**EVERYTHING, **hiding}, command=("--level", level))
        assert (answer.code, answer.report["totals"]["missing"]) == (1, OLD)
    writing = {**EVERYTHING, **hiding, "privileges": ["all"]}
    answer = site.audited_with(MONITOR, writing, command=("--repair", "--apply"))
    assert (answer.code, answer.report["totals"]["missing"]) == (1, OLD)
    assert f"Repaired: 0 documents stored, {OLD} were there already." in answer.err
    assert f"{OLD} of the missing documents are in the index, which does not show them" in answer.err
    assert site.audited_with(MONITOR, EVERYTHING).code == 0


@pytest.mark.parametrize("field", ["shipper.h0", "shipper.lines", "log.file.fingerprint"])
def test_fields_that_a_role_hides_end_the_audit_and_are_named(site: Watched, field: str) -> None:
    hiding = {"field_security": {"grant": ["*"], "except": [field]}}
    answer = site.audited_with(MONITOR, {**EVERYTHING, **hiding})
    assert (answer.code, answer.out) == (3, "")
    assert f"cannot be added up by {field}." in answer.err
    assert "field level security" in answer.err
