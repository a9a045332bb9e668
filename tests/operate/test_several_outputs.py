"""Two outputs at once: every line goes to both, each at its own pace, by an agent of its own."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest
from support.bulk_faults import whole
from support.bulk_server import BulkServer
from support.logs import append, numbered, write
from support.ports import free_port
from support.running import DEADLINE, Running

from shipper.cli import execute
from shipper.cli.outputs import naming_output, one_output
from shipper.config import load
from shipper.errors import ConfigurationError, UsageError
from shipper.settings import ElasticsearchSettings, SQLiteSettings


@pytest.fixture
def server():
    with BulkServer() as server:
        yield server


class TwoOutputs(Running):
    """An archive in SQLite and a cluster."""

    def __init__(self, folder, server, **settings):
        super().__init__(folder, **settings)
        self.archive = folder / "archive.db"
        self.index = self.archive
        both = {
            "archive": {"sqlite": {"path": str(self.archive)}},
            "search": {"elasticsearch": {"hosts": [server.url], "senders": 1}},
        }
        self.configure({key: value for key, value in self.settings.items() if key != "output"} | {"outputs": both})

    def agents(self):
        """The processes of the agents that run, by output."""
        found = {}
        for name in ("archive", "search"):
            holder = self.folder / "state" / name / "agent.pid"
            if holder.exists():
                found[name] = int(holder.read_text())
        return found


@pytest.fixture
def site(tmp_path, server):
    site = TwoOutputs(tmp_path, server)
    write(site.logs / "a.log", *numbered(0, 100))
    yield site
    site.__exit__()


def settings_of(tmp_path, outputs, **more):
    path = tmp_path / "shipper.yml"
    inputs = [{"name": "a", "paths": ["x"], "pipeline": "raw"}]
    path.write_text(json.dumps({"host": "dtn01", "state": "state", "inputs": inputs, "outputs": outputs, **more}))
    return load(path, environment={})


def test_each_output_has_its_own_state_and_place_for_metrics(tmp_path):
    outputs = {"a": {"sqlite": {"path": "a.db"}}, "b": {"elasticsearch": {"hosts": ["https://es1:9200"]}}}
    settings = settings_of(tmp_path, outputs, metrics={"port": 9479, "file": "s.prom"})
    first, second = settings.outputs
    assert (first.output_name, second.output_name) == ("a", "b")
    assert (first.state, second.state) == (tmp_path / "state" / "a", tmp_path / "state" / "b")
    assert first.output == SQLiteSettings(tmp_path / "a.db")
    assert isinstance(second.output, ElasticsearchSettings)
    assert (first.metrics.port, second.metrics.port) == (9479, 9480)
    assert (first.metrics.file, second.metrics.file) == (tmp_path / "s-a.prom", tmp_path / "s-b.prom")
    assert settings.output == first.output


@pytest.mark.parametrize(
    ("outputs", "more", "mistake"),
    [
        ({}, {}, "outputs: The mapping is empty"),
        (["a"], {}, "outputs: A mapping from names to outputs belongs here"),
        ({"A b": {"sqlite": {"path": "a"}}}, {}, "'A b' is no name of an output; allowed are small letters"),
        ({"a": {}}, {}, "outputs.a: No output is chosen"),
        (
            {"a": {"sqlite": {"path": "x"}, "elasticsearch": {"hosts": ["https://e"]}}},
            {},
            "outputs.a: There are two outputs",
        ),
        ({"a": {"sqlite": {"paht": "x"}}}, {}, "outputs.a.sqlite.paht: The key 'paht' is unknown. Did you mean 'path'"),
        ({"a": {"sqlite": {"path": "x"}}, "b": {"sqlite": {"path": "x"}}}, {}, "cannot share one database: 'x'"),
        ({"a": {"sqlite": {"path": "x"}}}, {"output": {"sqlite": {"path": "y"}}}, "both output and outputs"),
        (
            {"a": {"elasticsearch": {"hosts": ["http://far"], "username": "u", "password": "p"}}},
            {},
            "outputs.a.elasticsearch.hosts.0: Credentials must not travel over plain HTTP",
        ),
    ],
)
def test_mistakes_name_the_output(tmp_path, outputs, more, mistake):
    with pytest.raises(ConfigurationError) as caught:
        settings_of(tmp_path, outputs, **more)
    assert mistake in str(caught.value)


def test_a_command_for_one_output_wants_its_name(tmp_path):
    settings = settings_of(tmp_path, {"a": {"sqlite": {"path": "a.db"}}, "b": {"sqlite": {"path": "b.db"}}})
    assert one_output(settings, "b").output == SQLiteSettings(tmp_path / "b.db")
    with pytest.raises(UsageError, match=r"There are several outputs: a, b\. Name one with --output\."):
        one_output(settings, None)
    with pytest.raises(UsageError, match=r"--output c: there is no such output\. The configuration has a, b\."):
        one_output(settings, "c")
    only = settings_of(tmp_path, {"a": {"sqlite": {"path": "a.db"}}})
    assert one_output(only, None).output_name == "a"
    with pytest.raises(UsageError, match="names no outputs"):
        one_output(only.outputs[0], "a")


def test_events_say_which_output_they_are_about():
    said = []
    naming_output(lambda *event: said.append(event), "archive")("info", "started", {"inputs": 1})
    naming_output(lambda *event: said.append(event), "")("info", "started", {"inputs": 1})
    assert [fields for _, _, fields in said] == [{"output_name": "archive", "inputs": 1}, {"inputs": 1}]


def test_a_single_pass_ships_everything_to_both_and_says_what_it_did_in_one_document(site, server):
    done = site.ask("run", "--once")
    assert [(each["name"], each["stored"]) for each in done["outputs"]] == [("archive", 100), ("search", 100)]
    assert (site.count(), len(server.stored)) == (100, 100)
    with closing(sqlite3.connect(site.archive)) as db:
        assert {name for (name,) in db.execute("SELECT id FROM documents")} == {name for _, name in server.stored}

    said = site.run("run", "--once").stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == ["archive", "search"]
    alone = site.ask("run", "--once", "--output", "archive")
    assert alone["stored"] == 0


def test_an_output_that_is_away_ends_a_single_pass_with_3_and_holds_the_other_not_up(site, server):
    server.stop()
    done = site.ask("run", "--once", code=3)
    assert done["outputs"][0]["stored"] == site.count() == 100
    assert done["outputs"][1] == {"name": "search"}
    server.start()
    again = site.ask("run", "--once")
    assert [each["stored"] for each in again["outputs"]] == [0, 100]


def test_one_that_stands_still_holds_no_other_up_and_catches_up_later(site, server):
    server.trouble = lambda path: whole(503)
    site.launch()
    site.until(lambda: site.count() == 100)
    append(site.logs / "a.log", *numbered(100, 200))
    site.until(lambda: site.count() == 200)
    assert server.stored == {}

    site.until(lambda: "output away" in site.log_text())
    status = site.ask("status", code=1)["outputs"]
    assert [(each["name"], each["agent"]) for each in status] == [("archive", "running"), ("search", "running")]
    assert [[stall["scope"] for stall in each["stalls"]] for each in status] == [[], ["output"]]
    server.trouble = lambda path: None
    site.until(lambda: len(server.stored) == 200)
    site.until(lambda: 'started output_name="search"' in site.log_text())
    site.stop()
    assert site.log_text().count("stopped output_name=") == 2
    assert "output ended" not in site.log_text()


def test_status_and_audit_are_for_the_output_that_is_named(site, server, capsys):
    site.ask("run", "--once")
    text = site.run("status").stdout
    assert text.startswith("[archive]\n")
    assert "\n\n[search]\n" in text
    assert site.ask("status", "--output", "archive")["totals"]["stored"] == 100
    assert site.ask("audit", "--output", "archive")["verdict"] == "closed"
    for command in (["audit"], ["dead-letters", "list"], ["state", "show"], ["reload"], ["setup", "--print"]):
        assert execute([*command, "-c", str(site.configuration)]) == 2
        assert "There are several outputs: archive, search. Name one with --output." in capsys.readouterr().err
    assert execute(["dead-letters", "list", "--output", "search", "-c", str(site.configuration)]) == 0


def test_an_agent_that_dies_is_told_and_the_others_go_on(site):
    site.launch()
    site.until(lambda: site.log_text().count("started") == 2)
    os.kill(site.agents()["search"], signal.SIGKILL)
    site.until(lambda: 'output ended output_name="search" exit_code=-9' in site.log_text())
    append(site.logs / "a.log", *numbered(100, 150))
    site.until(lambda: site.count() == 150)
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(timeout=DEADLINE) == 3


def test_agents_end_when_the_one_that_started_them_is_killed(site):
    site.launch()
    site.until(lambda: site.log_text().count("started") == 2)
    site.kill()
    site.process = None
    site.until(lambda: site.log_text().count("stopped") == 2)


def test_a_hangup_reaches_every_agent(site, server):
    site.launch()
    site.until(lambda: site.log_text().count("started") == 2)
    site.process.send_signal(signal.SIGHUP)
    append(site.logs / "a.log", *numbered(100, 150))
    site.until(lambda: site.count() == len(server.stored) == 150)
    site.stop()


def test_the_service_manager_is_told_when_all_are_ready_and_alive(site, tmp_path, monkeypatch):
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        site.launch()
        assert manager.recv(100) == b"READY=1"
        assert site.log_text().count("started") >= 1
        assert manager.recv(100) == b"WATCHDOG=1"
        site.process.send_signal(signal.SIGTERM)
        said = b""
        while said != b"STOPPING=1":
            said = manager.recv(100)
        assert site.process.wait(timeout=DEADLINE) == 0


def test_each_agent_has_its_own_port(tmp_path, server):
    import urllib.request

    port = free_port(2)
    site = TwoOutputs(tmp_path, server, metrics={"port": port})
    write(site.logs / "a.log", *numbered(0, 10))
    try:
        site.launch()
        site.until(lambda: site.log_text().count("started") == 2)
        for number in (port, port + 1):
            with urllib.request.urlopen(f"http://127.0.0.1:{number}/-/healthy", timeout=10) as answer:
                assert answer.status == 200
        site.stop()
    finally:
        site.__exit__()


def test_check_asks_every_output_and_names_the_one_that_is_wrong(site, server):
    site.ask("run", "--once")
    server.stop()
    found = json.dumps(site.ask("check", "--connect", code=None))
    server.start()
    assert "search: " in found
    assert "archive: " not in found
