"""The keys that `shipper setup --keys` makes: each can do its work, and each privilege is needed for some of it."""

from __future__ import annotations

import io
import json
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.elasticsearch_node import EIGHT, NINE
from support.es_documents import DATASET, HOST, batch_of, documents, with_fields
from support.limited_node import LimitedNode
from support.secured_node import PASSWORD, USER, SecuredNode, api_key

from shipper.cli import execute
from shipper.clock import SystemClock
from shipper.errors import OutputError
from shipper.events_log import EventsLog, text_writer
from shipper.records import Document, OutcomeKind
from shipper.send.connection import Connection
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.elasticsearch_ledger import ElasticsearchLedger
from shipper.send.layout import Layout
from shipper.send.ledger_index import LedgerDocument, LedgerKind
from shipper.send.ledger_template import LEDGER_INDEX
from shipper.send.output import Dataset, Replacement, Scope
from shipper.send.preflight import examine
from shipper.send.retention import DAY, Expiry, Retention
from shipper.send.roles import LEDGER_PRIVILEGES, ROLES, descriptor
from shipper.settings import ElasticsearchSettings

STORED, ALREADY = OutcomeKind.STORED, OutcomeKind.ALREADY_STORED
SHIPPED = [Dataset(DATASET, "default", {"gridftp.nbytes": "long"})]
INDEX = f"shipper-{DATASET}-default-2026.11"
OTHERS = "shipper-tstat.tcp-default-2001.11"
YEAR = 365 * DAY

REPORT = LedgerDocument(
    "one",
    LedgerKind.AGENT,
    HOST,
    "agent",
    orjson.dumps({"kind": "agent", "host": {"name": HOST}, "shipper": {"agent": "agent"}}),
)

both_versions = pytest.mark.parametrize("limited", [NINE, EIGHT], indirect=True)


@dataclass
class Trial:
    """Documents of its own in the index, and months of its own that have no index yet, for one key to work with."""

    number: int
    output: ElasticsearchOutput
    settings: ElasticsearchSettings
    some: list[Document]

    def know(self) -> None:
        assert len(self.output.identity) == 22

    def look_at_mappings(self) -> None:
        """As `check --connect` does."""
        with closing(Connection(self.settings)) as connection:
            assert connection.request("GET", f"/shipper-{DATASET}-default-*/_mapping").status == 200

    def create(self) -> None:
        """Store in an index that is there and in the first of a new month; a document that is there changes nothing."""
        new = documents(3, seed=f"new {self.number}")
        for document in new[1:]:
            document.index = f"{DATASET}-default-{self.month(2030)}"
        outcomes = self.output.send(batch_of([*new, *self.some])).outcomes
        assert [outcome.kind for outcome in outcomes] == [STORED] * 3 + [ALREADY] * 5, outcomes

    def be_refused(self) -> None:
        """Before a document becomes a dead letter, the cluster is asked whether it holds it."""
        [new] = documents(1, seed=f"unfit {self.number}")
        unfit = with_fields(new, gridftp={"nbytes": "no number"})
        (outcome,) = self.output.send(batch_of([unfit])).outcomes
        assert outcome.kind is OutcomeKind.REFUSED, outcome

    def look(self) -> None:
        """All that an audit, or an agent without state, asks."""
        fingerprint, first = self.some[0].source.fingerprint, self.some[0]
        self.output.refresh()
        assert fingerprint in {found.fingerprint for found in self.output.tallies(Scope())}
        assert [span.id for span in self.output.spans(fingerprint, 0, 1 << 40)] == [one.id for one in self.some]
        assert self.output.bodies([first.id], fingerprint=fingerprint) == {first.id: first.body}
        assert self.output.copies([(INDEX, first.id)]) == {(INDEX, first.id): first.body}
        assert self.output.anchors(fingerprint) == []

    def replace(self) -> None:
        """As `reparse` does; one of the documents moves to another month."""
        stays, moves = documents(2, seed=f"trial {self.number}")
        moves.index = f"{DATASET}-default-{self.month(2050)}"
        outcomes = self.output.replace([Replacement(stays, INDEX), Replacement(moves, INDEX)])
        assert [outcome.kind for outcome in outcomes] == [STORED] * 2, outcomes

    def expire(self) -> None:
        """Delete an old index, of a month of its own."""
        old = f"shipper-{DATASET}-default-{self.month(2001)}"
        with closing(Connection(self.settings)) as connection:
            expiry = Expiry(connection)
            assert old in expiry.expired(Retention(f"{DATASET}-default", YEAR, "month"), time.time())
            expiry.delete(old)

    def report(self) -> None:
        """Write of itself, in an index that is not there yet, and once more in the same place."""
        with closing(ledger_in(self.settings)) as ledger:
            ledger.write([REPORT])
            ledger.write([REPORT])
            ledger.refresh()
            assert len(list(ledger.read(LedgerKind.AGENT))) == 1

    def read_reports(self) -> None:
        """As an audit of many hosts does."""
        with closing(ledger_in(self.settings)) as ledger:
            ledger.refresh()
            assert len(list(ledger.read(LedgerKind.AGENT))) == 1

    def month(self, year: int) -> str:
        return f"{year + self.number // 12}.{self.number % 12 + 1:02}"


WORK = {
    "agent": (Trial.know, Trial.look_at_mappings, Trial.create, Trial.be_refused, Trial.look, Trial.report),
    "auditor": (Trial.know, Trial.look, Trial.read_reports),
    "repairer": (Trial.know, Trial.create, Trial.look, Trial.replace),
    "expirer": (Trial.expire,),
}
numbers = count()
"""Of trials: none meets what another left."""


@pytest.fixture
def node(limited: LimitedNode) -> Iterator[SecuredNode]:
    """The node with our templates, and an index that is not ours to touch."""
    with opened(limited.settings()) as output:
        assert set(output.apply_setup().values()) == {None}
    limited.node.ask("POST", f"/{OTHERS}/_doc/1?refresh=true", {"message": "not ours"})
    yield limited.node
    limited.node.ask("DELETE", f"/{OTHERS}")


def with_password(node: SecuredNode) -> ElasticsearchSettings:
    return ElasticsearchSettings((node.url,), setup="manual", username=USER, password=PASSWORD)


def opened(settings: ElasticsearchSettings) -> closing[ElasticsearchOutput]:
    return closing(ElasticsearchOutput(settings, SHIPPED, SystemClock(), EventsLog(text_writer(io.StringIO()))))


def ledger_in(settings: ElasticsearchSettings) -> ElasticsearchLedger:
    return ElasticsearchLedger(settings, EventsLog(text_writer(io.StringIO())))


def succeeds(node: SecuredNode, role: str, allowed: dict[str, Any]) -> bool:
    """Whether a key with these privileges can do all the work of a role."""
    key = node.make_key(f"tried-{role}", {role: allowed})
    settings = ElasticsearchSettings((node.url,), setup="manual", api_key=key)
    number = next(numbers)
    with opened(settings) as output:
        trial = Trial(number, output, settings, documents(5, seed=f"trial {number}"))
        if role == "expirer":
            node.ask("PUT", f"/shipper-{DATASET}-default-{trial.month(2001)}")
        else:
            store(node, trial.some)
        if role in LEDGER_PRIVILEGES:
            write_report(node)
        if role == "agent":
            node.ask("DELETE", f"/{LEDGER_INDEX}")  # it makes it itself
        try:
            for work in WORK[role]:
                work(trial)
        except (AssertionError, OutputError):
            return False
    return True


def store(node: SecuredNode, some: list[Document]) -> None:
    with opened(with_password(node)) as output:
        assert {outcome.kind for outcome in output.send(batch_of(some)).outcomes} <= {STORED, ALREADY}
        output.refresh()


def write_report(node: SecuredNode) -> None:
    """As the superuser, who installs the template, too."""
    with closing(ledger_in(replace(with_password(node), setup="auto"))) as ledger:
        ledger.write([REPORT])


def without(role: str, place: int, privilege: str) -> dict[str, Any]:
    """What a role may do but for one privilege: of the indices at a place, or (-1) on the cluster."""
    allowed = descriptor(role, SHIPPED, Layout.INDICES)
    held = allowed["cluster"] if place < 0 else allowed["indices"][place]["privileges"]
    held.remove(privilege)
    return allowed


def privileges(role: str) -> list[tuple[int, str]]:
    """(place, privilege) of all that a role may do."""
    allowed = descriptor(role, SHIPPED, Layout.INDICES)
    on_indices = [(place, name) for place, one in enumerate(allowed["indices"]) for name in one["privileges"]]
    return [*((-1, name) for name in allowed["cluster"]), *on_indices]


@both_versions
@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_do_its_work(node: SecuredNode, role: str) -> None:
    assert succeeds(node, role, descriptor(role, SHIPPED, Layout.INDICES))


@both_versions
def test_a_key_of_the_agent_is_checked_and_found_good(node: SecuredNode) -> None:
    key = node.make_key("agent", {"a": descriptor("agent", SHIPPED, Layout.INDICES)})
    settings = ElasticsearchSettings((node.url,), setup="manual", api_key=key)
    assert examine(settings, SHIPPED, time.time).problems == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("limited", [NINE], indirect=True)
def test_without_any_one_privilege_a_role_cannot_do_its_work(node: SecuredNode, role: str) -> None:
    assert privileges(role)
    assert [found for found in privileges(role) if succeeds(node, role, without(role, *found))] == []


@both_versions
@pytest.mark.parametrize("role", ROLES)
def test_no_key_may_do_more(node: SecuredNode, role: str) -> None:
    key = api_key(node.make_key(f"tried-{role}", {role: descriptor(role, SHIPPED, Layout.INDICES)}))
    [some] = documents(1)
    store(node, [some])
    forbidden = [
        ("PUT", f"/{INDEX}/_settings", {"index.blocks.write": True}),
        ("POST", f"/{INDEX}/_close", None),
        ("GET", f"/{OTHERS}/_search", None),
        ("GET", f"/{OTHERS}/_doc/1", None),
        ("PUT", f"/{OTHERS}/_create/2", {"message": "x"}),
        ("DELETE", f"/{OTHERS}", None),
        ("DELETE", "/_index_template/shipper-gridftp.transfer-default", None),
        ("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 5}}),
        ("POST", "/_security/user/another", {"password": "1234567", "roles": []}),
    ]
    if role != "expirer":
        forbidden.append(("DELETE", f"/{INDEX}", None))
    if role != "repairer":
        forbidden += [
            ("PUT", f"/{INDEX}/_doc/{some.id}", {"message": "x"}),
            ("POST", f"/{INDEX}/_update/{some.id}", {"doc": {"message": "x"}}),
            ("DELETE", f"/{INDEX}/_doc/{some.id}", None),
        ]
    if role in ("auditor", "expirer"):
        forbidden.append(("PUT", f"/{INDEX}/_create/new", {"message": "x"}))
        # Who may write may also add fields, see `shipper.send.roles`.
        forbidden.append(("PUT", f"/{INDEX}/_mapping", {"properties": {"more": {"type": "long"}}}))
    if role == "expirer":
        forbidden += [
            ("GET", f"/{INDEX}/_search", None),
            ("GET", f"/{INDEX}/_doc/{some.id}", None),
            ("POST", f"/{INDEX}/_refresh", None),
            ("GET", "/_cluster/health", None),
        ]
    answers = {(method, path): node.status(method, path, body, authorization=key) for method, path, body in forbidden}
    assert set(answers.values()) == {403}, answers


@both_versions
def test_the_keys_are_made_into_files_that_only_their_owner_may_read(
    node: SecuredNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "gridftp.log"
    log.write_text("")
    configuration = tmp_path / "shipper.yml"
    configuration.write_text(
        f"host: dtn01.example.org\nstate: {tmp_path}/state\n"
        f"inputs: [{{name: gridftp, paths: ['{log}'], pipeline: gridftp-transfer, namespace: keys}}]\n"
        f"output: {{elasticsearch: {{hosts: ['{node.url}'], api_key_file: KEY, setup: manual, retention: 400d}}}}\n"
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
    text = configuration.read_text()
    configuration.write_text(text.replace("KEY", "shipper-agent.key"))
    capsys.readouterr()
    assert execute(["check", "--connect", "--json", "-c", str(configuration)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["output"]["problem"], answer["warnings"]) == (None, [])

    old = f"shipper-{DATASET}-keys-2001.01"
    node.ask("PUT", f"/{old}")
    expire = ["setup", "--expire", "--apply", "-c", str(configuration)]
    assert execute(expire) == 3
    assert "delete_index" in capsys.readouterr().err
    configuration.write_text(text.replace("KEY", "shipper-expirer.key"))
    assert execute(expire) == 0
    assert capsys.readouterr().out == f"{old}: deleted\n"
    assert node.status("GET", f"/{old}") == 404


@both_versions
def test_check_names_the_privileges_that_are_missing(node: SecuredNode) -> None:
    allowed = without("agent", 0, "create_doc")
    allowed["indices"][0]["privileges"].remove("maintenance")
    settings = ElasticsearchSettings((node.url,), setup="manual", api_key=node.make_key("lacking", {"a": allowed}))
    found = examine(settings, SHIPPED, time.time)
    (problem,) = found.problems
    assert "create_doc, maintenance on shipper-gridftp.transfer-default-*. " in problem
    blind = ElasticsearchSettings((node.url,), api_key=node.make_key("blind", {"a": without("agent", -1, "monitor")}))
    assert "monitor on the cluster" in examine(blind, SHIPPED, time.time).problems[0]


@both_versions
def test_check_says_that_a_template_is_missing_which_the_agent_may_not_install(node: SecuredNode) -> None:
    node.ask("DELETE", "/_index_template/shipper-gridftp.transfer-default")
    key = node.make_key("agent", {"a": descriptor("agent", SHIPPED, Layout.INDICES)})
    for setup, reason in (("manual", "setup is manual"), ("auto", "the credentials lack manage_index_templates")):
        settings = ElasticsearchSettings((node.url,), setup=setup, api_key=key)
        (problem,) = examine(settings, SHIPPED, time.time).problems
        assert "shipper-gridftp.transfer-default." in problem
        assert reason in problem
    as_user = ElasticsearchSettings((node.url,), username=USER, password=PASSWORD)
    assert examine(as_user, SHIPPED, time.time).problems == []


@both_versions
def test_a_refused_key_is_an_error_of_its_own(node: SecuredNode) -> None:
    with pytest.raises(OutputError, match="refuses our credentials"):
        examine(ElasticsearchSettings((node.url,), api_key="bm9ib2R5OmtuZXc="), SHIPPED, time.time)
