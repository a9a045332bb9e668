"""The keys that `shipper setup --keys` makes: each can do its work, and each privilege is needed for some of it."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.elasticsearch_node import EIGHT, NINE
from support.es_documents import DATASET, batch_of, documents
from support.secured_node import PASSWORD, USER, SecuredNode, api_key

from shipper.cli import execute
from shipper.clock import SystemClock
from shipper.errors import OutputError
from shipper.events_log import EventsLog, text_writer
from shipper.records import Document, OutcomeKind
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.layout import Layout
from shipper.send.output import Dataset, Replacement, Scope
from shipper.send.preflight import examine
from shipper.send.roles import descriptor
from shipper.settings import ElasticsearchSettings

STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED
SHIPPED = [Dataset(DATASET, "default", {"gridftp.nbytes": "long"})]
INDEX = f"shipper-{DATASET}-default-2026.11"
OTHERS = "shipper-tstat.tcp-default-2026.11"

Work = Callable[[ElasticsearchOutput], object]


@pytest.fixture(scope="module", params=[NINE, EIGHT])
def secured(request: pytest.FixtureRequest, need_elasticsearch: Callable[[str], None]) -> Iterator[SecuredNode]:
    need_elasticsearch(request.param)
    node = SecuredNode(request.param)
    try:
        node.start()
        yield node
    finally:
        node.remove()


@pytest.fixture
def node(secured: SecuredNode) -> SecuredNode:
    """The node with our templates, five documents, and an index that is not ours to touch."""
    secured.clear()
    with_password = opened(secured, username=USER, password=PASSWORD)
    assert set(with_password.apply_setup().values()) == {None}
    assert kinds(with_password, documents(5)) == {STORED}
    with_password.refresh()
    with_password.close()
    secured.ask("PUT", f"/{OTHERS}")
    secured.ask("POST", f"/{OTHERS}/_doc/1?refresh=true", {"message": "not ours"})
    return secured


def opened(node: SecuredNode, **credentials: str) -> ElasticsearchOutput:
    settings = ElasticsearchSettings((node.url,), setup="manual", **credentials)
    return ElasticsearchOutput(settings, SHIPPED, SystemClock(), EventsLog(text_writer(io.StringIO())))


def kinds(output: ElasticsearchOutput, some: list[Document]) -> set[OutcomeKind]:
    return {outcome.kind for outcome in output.send(batch_of(some)).outcomes}


def create(output: ElasticsearchOutput) -> None:
    """Store in an index that is there and in the first of a new month; a document that is there changes nothing."""
    new, old = documents(3, seed="new"), documents(5)
    for document in new[1:]:
        document.index = f"{DATASET}-default-2026.12"
    outcomes = output.send(batch_of([*new, *old])).outcomes
    assert [outcome.kind for outcome in outcomes] == [STORED] * 3 + [ALREADY] * 5, outcomes


def know(output: ElasticsearchOutput) -> None:
    assert len(output.identity) == 22


def look(output: ElasticsearchOutput) -> None:
    """All that an audit, or an agent without state, asks."""
    some = documents(5)
    fingerprint = some[0].source.fingerprint
    output.refresh()
    assert fingerprint in {found.fingerprint for found in output.tallies(Scope())}
    assert [span.id for span in output.spans(fingerprint, 0, 1 << 40)] == [document.id for document in some]
    assert output.bodies([some[0].id], fingerprint=fingerprint) == {some[0].id: some[0].body}
    assert output.copies([(INDEX, some[0].id)]) == {(INDEX, some[0].id): some[0].body}
    assert output.anchors(fingerprint) == []


def replace(output: ElasticsearchOutput) -> None:
    """As `reparse` does; one of the documents moves to another month."""
    stays, moves = documents(2)
    moves.index = f"{DATASET}-default-2026.12"
    outcomes = output.replace([Replacement(stays, INDEX), Replacement(moves, INDEX)])
    assert [outcome.kind for outcome in outcomes] == [STORED] * 2, outcomes


WORK: dict[str, tuple[Work, ...]] = {
    "agent": (know, create, look),
    "auditor": (know, look),
    "repairer": (know, create, look, replace),
}


def without(role: str, privilege: str) -> dict[str, Any]:
    allowed = descriptor(role, SHIPPED, Layout.INDICES)
    indices = allowed["indices"][0]
    return {
        "cluster": [name for name in allowed["cluster"] if name != privilege],
        "indices": [{**indices, "privileges": [name for name in indices["privileges"] if name != privilege]}],
    }


def succeeds(node: SecuredNode, role: str, allowed: dict[str, Any]) -> bool:
    """Whether a key with these privileges can do all the work of a role."""
    key = node.make_key(f"tried-{role}", {role: allowed})
    output = opened(node, api_key=key)
    try:
        for work in WORK[role]:
            work(output)
        examined = (
            role != "agent"
            or not examine(
                ElasticsearchSettings((node.url,), setup="manual", api_key=key), SHIPPED, SystemClock().time
            ).problems
        )
    except (AssertionError, OutputError):
        return False
    finally:
        output.close()
    return examined


def privileges(role: str) -> list[str]:
    allowed = descriptor(role, SHIPPED, Layout.INDICES)
    return [*allowed["cluster"], *allowed["indices"][0]["privileges"]]


@pytest.mark.parametrize("role", WORK)
def test_each_role_can_do_its_work(node: SecuredNode, role: str) -> None:
    assert succeeds(node, role, descriptor(role, SHIPPED, Layout.INDICES))


@pytest.mark.parametrize(("role", "privilege"), [(role, name) for role in WORK for name in privileges(role)])
@pytest.mark.parametrize("secured", [NINE], indirect=True)
def test_without_any_one_privilege_a_role_cannot_do_its_work(node: SecuredNode, role: str, privilege: str) -> None:
    assert not succeeds(node, role, without(role, privilege))


@pytest.mark.parametrize("role", WORK)
def test_no_key_may_do_more(node: SecuredNode, role: str) -> None:
    key = api_key(node.make_key(f"tried-{role}", {role: descriptor(role, SHIPPED, Layout.INDICES)}))
    some = documents(1)[0]
    forbidden = [
        ("DELETE", f"/{INDEX}", None),
        ("PUT", f"/{INDEX}/_settings", {"index.blocks.write": True}),
        ("POST", f"/{INDEX}/_close", None),
        ("GET", f"/{OTHERS}/_search", None),
        ("GET", f"/{OTHERS}/_doc/1", None),
        ("PUT", f"/{OTHERS}/_create/2", {"message": "x"}),
        ("DELETE", "/_index_template/shipper-gridftp.transfer-default", None),
        ("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 5}}),
        ("POST", "/_security/user/another", {"password": "1234567", "roles": []}),
    ]
    if role != "repairer":
        forbidden += [
            ("PUT", f"/{INDEX}/_doc/{some.id}", {"message": "x"}),
            ("POST", f"/{INDEX}/_update/{some.id}", {"doc": {"message": "x"}}),
            ("DELETE", f"/{INDEX}/_doc/{some.id}", None),
        ]
    if role == "auditor":
        forbidden.append(("PUT", f"/{INDEX}/_create/new", {"message": "x"}))
        # Who may write may also add fields, see `shipper.send.roles`.
        forbidden.append(("PUT", f"/{INDEX}/_mapping", {"properties": {"more": {"type": "long"}}}))
    answers = {(method, path): node.status(method, path, body, authorization=key) for method, path, body in forbidden}
    assert set(answers.values()) == {403}, answers


def test_the_keys_are_made_into_files_that_only_their_owner_may_read(
    node: SecuredNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "gridftp.log"
    log.write_text("")
    configuration = tmp_path / "shipper.yml"
    configuration.write_text(
        f"host: dtn01.example.org\nstate: {tmp_path}/state\n"
        f"inputs: [{{name: gridftp, paths: ['{log}'], pipeline: gridftp-transfer}}]\n"
        f"output: {{elasticsearch: {{hosts: ['{node.url}'], api_key_file: shipper-agent.key, setup: manual}}}}\n"
    )
    monkeypatch.setenv("SHIPPER_PASSWORD", PASSWORD)
    setup = ["setup", "--keys", "--apply", "--user", USER, "-c", str(configuration)]
    assert execute(setup) == 0
    files = {file.name: file for file in tmp_path.glob("*.key")}
    assert set(files) == {f"shipper-{role}.key" for role in ("agent", "auditor", "repairer", "expirer")}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    made = {name: file.read_text() for name, file in files.items()}
    assert execute(setup) == 0
    assert {name: file.read_text() for name, file in files.items()} == made
    assert execute(["setup", "--apply", "--user", USER, "-c", str(configuration)]) == 0
    capsys.readouterr()
    assert execute(["check", "--connect", "--json", "-c", str(configuration)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["output"]["problem"], answer["warnings"]) == (None, [])


def test_check_names_the_privileges_that_are_missing(node: SecuredNode) -> None:
    allowed = without("agent", "create_doc")
    allowed["indices"][0]["privileges"].remove("maintenance")
    settings = ElasticsearchSettings((node.url,), setup="manual", api_key=node.make_key("lacking", {"a": allowed}))
    found = examine(settings, SHIPPED, SystemClock().time)
    (problem,) = found.problems
    assert "create_doc, maintenance on shipper-gridftp.transfer-default-*. " in problem
    blind = ElasticsearchSettings((node.url,), api_key=node.make_key("blind", {"a": without("agent", "monitor")}))
    assert "monitor on the cluster" in examine(blind, SHIPPED, SystemClock().time).problems[0]


def test_check_says_that_a_template_is_missing_which_the_agent_may_not_install(node: SecuredNode) -> None:
    node.ask("DELETE", "/_index_template/shipper-gridftp.transfer-default")
    key = node.make_key("agent", {"a": descriptor("agent", SHIPPED, Layout.INDICES)})
    for setup, reason in (("manual", "setup is manual"), ("auto", "the credentials lack manage_index_templates")):
        settings = ElasticsearchSettings((node.url,), setup=setup, api_key=key)
        (problem,) = examine(settings, SHIPPED, SystemClock().time).problems
        assert "shipper-gridftp.transfer-default." in problem
        assert reason in problem
    as_user = ElasticsearchSettings((node.url,), username=USER, password=PASSWORD)
    assert examine(as_user, SHIPPED, SystemClock().time).problems == []


def test_a_refused_key_is_an_error_of_its_own(node: SecuredNode) -> None:
    with pytest.raises(OutputError, match="refuses our credentials"):
        examine(ElasticsearchSettings((node.url,), api_key="bm9ib2R5OmtuZXc="), SHIPPED, SystemClock().time)
